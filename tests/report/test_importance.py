from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from automax_lightning import Status
from automax_lightning.errors import ReportError
from automax_lightning.report.importance import importances
from tests.support.searches import plain, record, result, two_arms


def test_what_decides_the_score_matters_most_and_shares_are_a_whole(tmp_path: Path) -> None:
    (found,) = importances(plain(tmp_path, 14))
    assert (found.group, found.method, found.n_trials) == ("", "fANOVA", 12)  # without the failure and the stopped one
    assert next(iter(found.shares)) == "lr"
    assert sum(found.shares.values()) == pytest.approx(1.0)
    assert list(found.shares.values()) == sorted(found.shares.values(), reverse=True)


def arms(count: int) -> list[tuple[dict[str, Any], Any]]:
    trials = []
    for number in range(1, count + 1):
        arm = ("AUCMLoss", "CrossEntropyLoss")[number % 2]
        lr = 0.001 * 1.2**number
        config = {"loss": arm, "width": 4 + number, f"{arm}:optimizer_kwargs:lr": lr}
        trials.append((config, result(number, 0.6 + lr + 0.1 * (number % 2))))
    return trials


def test_conditional_hyperparameters_are_compared_among_those_that_have_them(tmp_path: Path) -> None:
    found = importances(record(tmp_path, arms(16), two_arms()))
    assert found[0].group == ""
    assert {each.group for each in found[1:]} <= {"loss = AUCMLoss", "loss = CrossEntropyLoss"}
    assert set(found[0].shares) == {"loss", "width"}
    assert found[1:]
    assert all(set(each.shares) == {f"{each.group.removeprefix('loss = ')}:optimizer_kwargs:lr"} for each in found[1:])


@pytest.mark.parametrize(
    ("trials", "reason"),
    [
        ([({"lr": 0.01 * n, "size": (8,)}, result(n, 0.5 + n / 10)) for n in (1, 2, 3)], "found 3 whole trials"),
        ([({"lr": 0.01, "size": (8,)}, result(1, 0.5))], "found 1 whole trial[.]"),
        ([({"lr": 0.01 * n, "size": (8,)}, result(n, 0.5)) for n in range(1, 9)], "scores or values that are all equal"),
        ([({"lr": 0.01, "size": (8,)}, result(n, n / 10)) for n in range(1, 9)], "scores or values that are all equal"),
        ([({"lr": 0.01 * n, "size": (8,)}, result(n, n / 10, Status.STOPPED)) for n in range(1, 9)], "found 0 whole trials"),
    ],
)
def test_what_cannot_be_compared_is_told(tmp_path: Path, trials: Any, reason: str) -> None:
    with pytest.raises(ReportError, match=reason):
        importances(record(tmp_path, trials))
