from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from automax_lightning import Objective, Status, TrialResult, TrialSpec
from automax_lightning.errors import NonFiniteError
from automax_lightning.search.executors.base import InlineExecutor, run_trial, write_error

AUROC = Objective("AUROC")


class Trial:
    """The least that can be tuned."""

    def __init__(self, spec: TrialSpec, error: BaseException | None = None) -> None:
        self.number, self.error = spec.number, error
        self.given: dict[str, Any] = {}

    def run(self, seed: int = 0, *, spec: Any = None, **terms: Any) -> TrialResult:
        self.given = terms
        if self.error is not None:
            raise self.error
        terms["on_epoch"](1, 0.5)
        return TrialResult(self.number, Status.SUCCESS, 0.5)


def test_a_trial_is_run_on_the_terms_of_the_search() -> None:
    made: list[Trial] = []
    told: list[tuple[int, float]] = []

    def make(spec: TrialSpec) -> Trial:
        made.append(Trial(spec))
        return made[-1]

    def listen(epoch: int, score: float) -> None:
        told.append((epoch, score))

    result, exception = run_trial(make, TrialSpec(3, {}), AUROC, listen, None, 7.0)
    assert (result, exception, told) == (TrialResult(3, Status.SUCCESS, 0.5), None, [(1, 0.5)])
    assert made[0].given == {"objective": AUROC, "on_epoch": listen, "stop_requested": None, "time_limit": 7.0}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("as asked"), Status.CRASHED),
        (NonFiniteError("a", "b", "c", "D."), Status.NON_FINITE),
        (MemoryError(), Status.OUT_OF_MEMORY),
    ],
)
def test_what_a_trial_raises_is_a_result_and_its_traceback_is_kept(tmp_path: Path, error: BaseException, status: Status) -> None:
    spec = TrialSpec(2, {}, directory=tmp_path / "trials" / "0002")
    result, exception = run_trial(lambda spec: Trial(spec, error), spec, AUROC, None, None, None)
    assert (result.number, result.status, result.score, exception) == (2, status, None, error)
    assert (tmp_path / "trials" / "0002" / "error.txt").read_text() == result.error
    assert "in run" in str(result.error)


def test_what_the_factory_raises_is_a_result_too() -> None:
    def make(spec: TrialSpec) -> Trial:
        raise LookupError("no such layer")

    result, exception = run_trial(make, TrialSpec(1, {}), AUROC, None, None, None)
    assert (result.status, result.reason) == (Status.CRASHED, "LookupError: no such layer")
    assert isinstance(exception, LookupError)


def test_a_keyboard_interrupt_that_nobody_typed_is_a_result() -> None:
    result, exception = run_trial(lambda spec: Trial(spec, KeyboardInterrupt()), TrialSpec(1, {}), AUROC, None, None, None)
    assert (result.status, result.reason, type(exception)) == (Status.CRASHED, "KeyboardInterrupt:", KeyboardInterrupt)


def test_trials_run_in_the_order_in_which_they_were_submitted() -> None:
    executor = InlineExecutor(Trial, AUROC)
    for number in (4, 2):
        executor.submit(TrialSpec(number, {}), lambda epoch, score: None, lambda: False)
    assert [executor.wait().number for _ in range(2)] == [4, 2]
    assert (executor.slots, executor.exception) == (1, None)
    executor.close()


def test_the_last_exception_is_kept_until_the_next_trial() -> None:
    errors: list[BaseException | None] = [ValueError("one"), None]
    executor = InlineExecutor(lambda spec: Trial(spec, errors[spec.number - 1]), AUROC)
    seen = []
    for number in (1, 2):
        executor.submit(TrialSpec(number, {}), lambda epoch, score: None, lambda: False)
        executor.wait()
        seen.append(executor.exception)
    assert seen == errors


def test_a_second_traceback_replaces_the_first(tmp_path: Path) -> None:
    for text in ("one", "two \N{SNOWMAN}"):
        write_error(tmp_path / "new", text)
    assert (tmp_path / "new" / "error.txt").read_text(encoding="utf-8") == "two \N{SNOWMAN}"
