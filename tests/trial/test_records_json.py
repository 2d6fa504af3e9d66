from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from automax_lightning import Status, TrialResult, TrialSpec
from automax_lightning.trial.records_json import result_from_json, result_to_json, spec_from_json, spec_to_json

ROOT = Path("/searches/mine")


def as_line(data: Any) -> Any:
    return json.loads(json.dumps(data, allow_nan=False))


@pytest.mark.parametrize(
    "spec",
    [
        TrialSpec(1, {}),
        TrialSpec(
            2, {"lr": 0.1, "hidden": (8, (16,)), "none": None, "x": math.inf}, 2**32 - 1, 3, ROOT / "trials" / "0002", "gp", 9
        ),
    ],
)
def test_a_proposal_comes_back_as_it_was(spec: TrialSpec) -> None:
    assert spec_from_json(as_line(spec_to_json(spec, ROOT)), ROOT) == spec


@pytest.mark.parametrize("status", list(Status))
def test_a_result_comes_back_as_it_was(status: Status) -> None:
    result = TrialResult(
        3, status, -1e-12, {"AUROC": 0.5}, {"loss": math.inf}, 3, 2, (0.1, 0.5, -math.inf), 1.25, ROOT / "trials" / "b.ckpt",
        "why <&> \N{SNOWMAN}", "Traceback\n  line",
    )  # fmt: skip
    assert result_from_json(as_line(result_to_json(result, ROOT)), ROOT) == result


def test_nan_is_strict_json() -> None:
    result = TrialResult(1, Status.NON_FINITE, None, val={"AUROC": math.nan}, curve=(0.5, math.nan))
    back = result_from_json(as_line(result_to_json(result, ROOT)), ROOT)
    assert (back.curve[0], math.isnan(back.curve[1]), math.isnan(back.val["AUROC"])) == (0.5, True, True)
    assert (back.score, back.checkpoint, back.error) == (None, None, None)


def test_a_search_may_be_moved() -> None:
    line = spec_to_json(TrialSpec(1, {}, directory=ROOT / "trials" / "0001"), ROOT)
    assert line["directory"] == "trials/0001"
    assert spec_from_json(line, Path("/elsewhere")).directory == Path("/elsewhere/trials/0001")


def test_a_line_of_the_first_version_has_no_epochs() -> None:
    line = spec_to_json(TrialSpec(1, {"lr": 0.1}, budget=3), ROOT)
    del line["epochs"]
    assert spec_from_json(line, ROOT).epochs is None
