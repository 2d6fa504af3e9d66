from __future__ import annotations

from typing import Any

import pytest

from automax_lightning import Objective, Status, TrialResult, TrialSpec
from automax_lightning.search.executors import retrying
from automax_lightning.search.executors.base import InlineExecutor
from automax_lightning.search.executors.retrying import RetryingExecutor


class Trial:
    """Raises what `errors` holds for its number, one each time, and then succeeds."""

    def __init__(self, spec: TrialSpec, errors: dict[int, list[Exception]]) -> None:
        self.number, self.errors = spec.number, errors

    def run(self, seed: int = 0, **terms: Any) -> TrialResult:
        if self.errors.get(self.number):
            raise self.errors[self.number].pop()
        return TrialResult(self.number, Status.SUCCESS, 0.5)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "BACK_OFF_SECONDS", 0.01)


def ends(retries: int, errors: dict[int, list[Exception]], *numbers: int, stop: bool = False) -> list[TrialResult]:
    executor = RetryingExecutor(InlineExecutor(lambda spec: Trial(spec, errors), Objective("AUROC")), retries)
    for number in numbers:
        executor.submit(TrialSpec(number, {}), lambda epoch, score: None, lambda: stop)
    results = [executor.wait() for _ in numbers]
    assert executor.slots == 1
    executor.close()
    return results


def test_a_lost_trial_is_run_again() -> None:
    results = ends(1, {1: [ConnectionError("gone")]}, 1, 2)
    assert sorted((result.number, result.status) for result in results) == [(1, Status.SUCCESS), (2, Status.SUCCESS)]


@pytest.mark.parametrize(("retries", "left"), [(0, 2), (1, 1), (2, 0)])
def test_only_so_often(retries: int, left: int) -> None:
    errors: dict[int, list[Exception]] = {1: [ConnectionError("gone") for _ in range(3)]}
    (result,) = ends(retries, errors, 1)
    assert (result.status, result.reason, len(errors[1])) == (Status.LOST, "ConnectionError: gone", left)


def test_what_the_trial_itself_does_wrong_is_not_tried_again() -> None:
    errors: dict[int, list[Exception]] = {1: [ValueError("bad"), ValueError("bad")]}
    assert ends(3, errors, 1)[0].status is Status.CRASHED
    assert len(errors[1]) == 1


def test_who_wants_to_stop_does_not_wait() -> None:
    errors: dict[int, list[Exception]] = {1: [ConnectionError("gone"), ConnectionError("gone")]}
    assert ends(3, errors, 1, stop=True)[0].status is Status.LOST
    assert len(errors[1]) == 1


def test_the_pause_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    now = [0.0]
    monkeypatch.setattr(retrying.time, "monotonic", lambda: now[0])

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(retrying.time, "sleep", sleep)
    monkeypatch.setattr(retrying, "BACK_OFF_SECONDS", 1.0)
    ends(3, {1: [ConnectionError("gone") for _ in range(3)]}, 1)
    assert sum(slept) == pytest.approx(1 + 2 + 4, abs=0.5)
