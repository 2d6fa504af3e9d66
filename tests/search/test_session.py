from __future__ import annotations

from pathlib import Path
from typing import Any

from automax_lightning.search.executors.base import InlineExecutor
from automax_lightning.trial.records import Objective, Status, Trainable, TrialResult, TrialSpec

AUROC = Objective("AUROC")


class Works:
    def run(self, seed: int = 0, **kwargs: Any) -> TrialResult:
        return TrialResult(kwargs["spec"].number, Status.SUCCESS, 0.5)


def test_the_executor_turns_every_failure_into_a_result(tmp_path: Path) -> None:
    def make(spec: TrialSpec) -> Trainable:
        if spec.number == 2:
            raise RuntimeError("no such network")
        return Works()

    executor = InlineExecutor(make, AUROC)
    for number in (1, 2):
        executor.submit(TrialSpec(number, {}, directory=tmp_path / str(number)), lambda epoch, score: None, lambda: False)
    good, bad = executor.wait(), executor.wait()
    assert (good.status, good.score) == (Status.SUCCESS, 0.5)
    assert (bad.status, bad.reason) == (Status.CRASHED, "RuntimeError: no such network")
    assert isinstance(executor.exception, RuntimeError)
    assert "no such network" in (tmp_path / "2" / "error.txt").read_text()
    assert isinstance(Works(), Trainable)
