from __future__ import annotations

import dataclasses
import math
import pickle

import pytest

from automax_lightning import Objective, Status, TrialResult, TrialSpec
from automax_lightning.errors import ConfigError


def test_records_are_frozen_and_survive_a_pickle_round_trip() -> None:
    spec = TrialSpec(1, {"lr": 0.1})
    result = TrialResult(1, Status.SUCCESS, 0.9, val={"AUROC": 0.9}, curve=(0.8, 0.9))
    for record in (spec, result):
        assert pickle.loads(pickle.dumps(record)) == record
        with pytest.raises(dataclasses.FrozenInstanceError, match="number"):
            record.number = 2  # type: ignore[misc]


def test_the_sign_is_flipped_once() -> None:
    assert Objective("AUROC").cost(0.9) == -0.9
    assert Objective("val_loss", mode="min").cost(0.9) == 0.9


@pytest.mark.parametrize(
    ("mode", "score", "than", "better"),
    [
        ("max", 0.9, 0.8, True), ("max", 0.8, 0.8, False), ("min", 0.7, 0.8, True), ("min", 0.9, 0.8, False),
        ("max", 0.1, None, True), ("max", 0.1, math.nan, True), ("max", None, 0.1, False), ("max", math.nan, None, False),
    ],
)  # fmt: skip
def test_any_defined_score_is_better_than_none(mode: str, score: float | None, than: float | None, better: bool) -> None:
    assert Objective("AUROC", mode).is_better(score, than) is better


def test_a_mode_other_than_max_and_min_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"Objective.mode: expected 'max' or 'min', found 'up'"):
        Objective("AUROC", "up")


def test_only_whole_and_partly_trained_trials_have_a_score() -> None:
    assert [status for status in Status if status.has_score] == [Status.SUCCESS, Status.STOPPED, Status.PAUSED, Status.TIMEOUT]
    assert [status for status in Status if not status.is_final] == [Status.INTERRUPTED, Status.LOST]
