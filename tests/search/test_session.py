from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from automax_lightning.search.executors import InlineExecutor, Trainable
from automax_lightning.search.journal import History
from automax_lightning.search.session import StopRules, best_result, log, observations
from automax_lightning.trial import Objective, Status, TrialResult, TrialSpec

AUROC = Objective("AUROC")


def results(*scores: float | None) -> list[TrialResult]:
    return [
        TrialResult(n, Status.CRASHED if score is None else Status.SUCCESS, score, val={"AUROC": score or 0.0})
        for n, score in enumerate(scores, start=1)
    ]


@pytest.mark.parametrize(
    ("rules", "scores", "reason"),
    [
        ({}, [0.5, 0.6], None),
        ({"target_score": 0.6}, [0.5, 0.6], "trial 2 has reached the target score 0.6"),
        ({"target_score": 0.61}, [0.5, 0.6], None),
        ({"patience": 2}, [0.6, 0.5, 0.5], "no better score in 2 trials"),
        ({"patience": 3}, [0.6, 0.5, 0.5], None),
        ({"max_failures": 2}, [None, 0.5, None], "2 trials have failed"),
        ({"max_failures": 3}, [None, 0.5, None], None),
        ({"patience": 1}, [None, None], None),
    ],
)
def test_stop_rules(rules: dict[str, Any], scores: list[float | None], reason: str | None) -> None:
    assert StopRules(AUROC, **rules).reason(results(*scores)) == reason


def test_the_walltime_is_counted_from_the_start() -> None:
    rules = StopRules(AUROC, walltime_limit=0.05)
    assert rules.reason([]) is None
    time.sleep(0.06)
    assert rules.reason([]) == "the time limit of 0.05 s is reached"


def test_the_best_is_the_first_of_equals_and_never_a_failure() -> None:
    found = {result.number: result for result in results(None, 0.5, 0.7, 0.7)}
    assert best_result(found, AUROC).number == 3  # type: ignore[union-attr]
    assert best_result(found, Objective("AUROC", "min")).number == 2  # type: ignore[union-attr]
    assert best_result({1: found[1]}, AUROC) is None


def test_the_log_has_plain_values_and_no_score_for_a_failure() -> None:
    specs = tuple(TrialSpec(n, {"lr": n / 10}) for n in (1, 2, 3))
    history = History(asks=specs, results={result.number: result for result in results(0.9, None)})
    entries = log(history)
    assert [entry["val"] for entry in entries] == [0.9, None]
    assert [entry["space"] for entry in entries] == [{"lr": 0.1}, {"lr": 0.2}]
    seen = observations(history, AUROC)
    assert [(o.cost, o.failed) for o in seen] == [(-0.9, False), (None, True), (None, False)]


class Works:
    def run(self, seed: int = 0, **kwargs: Any) -> TrialResult:
        return TrialResult(kwargs["spec"].number, Status.SUCCESS, 0.5)


def test_the_executor_turns_every_failure_into_a_result(tmp_path: Path) -> None:
    def make(spec: TrialSpec) -> Trainable:
        if spec.number == 2:
            raise RuntimeError("no such network")
        return Works()

    executor = InlineExecutor(make, AUROC)
    good, bad = (executor.run(TrialSpec(n, {}, directory=tmp_path / str(n))) for n in (1, 2))
    assert (good.status, good.score) == (Status.SUCCESS, 0.5)
    assert (bad.status, bad.reason) == (Status.CRASHED, "RuntimeError: no such network")
    assert isinstance(executor.exception, RuntimeError)
    assert "no such network" in (tmp_path / "2" / "error.txt").read_text()
    assert isinstance(Works(), Trainable)
