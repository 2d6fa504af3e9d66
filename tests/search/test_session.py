from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from automax_lightning.search.executors.base import InlineExecutor
from automax_lightning.space.configurations import configuration
from automax_lightning.trial.records import Objective, OnEpoch, Status, StopRequested, Trainable, TrialResult, TrialSpec
from automax_lightning.tuner import loop
from tests.support.cheap import cheap

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


class Backwards(InlineExecutor):
    """Two trials at once, of which the later one ends first."""

    slots = 2

    def submit(self, spec: TrialSpec, on_epoch: OnEpoch, stop_requested: StopRequested) -> None:
        self._submitted.insert(0, (spec, on_epoch, stop_requested))


class Forwards(Backwards):
    """Two trials at once, of which the earlier one ends first."""

    def submit(self, spec: TrialSpec, on_epoch: OnEpoch, stop_requested: StopRequested) -> None:
        self._submitted.append((spec, on_epoch, stop_requested))


def searched(folder: Path, executor: type[InlineExecutor], monkeypatch: pytest.MonkeyPatch, **settings: Any) -> list[Any]:
    """Configurations and scores of a search whose trials end in this order."""

    def make(config: Any, trainer: Any, objective: Objective, *rest: Any) -> InlineExecutor:
        return executor(lambda spec: trainer(configuration(trainer.cs, spec.configuration)), objective)

    monkeypatch.setattr(loop, "make_executor", make)
    search = cheap(folder, n_trials=8, preset="automax", n_workers=2, executor="process", **settings)
    search.optimize()
    return [(spec.configuration, search.history.results[spec.number].score) for spec in search.history.asks]


def test_in_deterministic_order_proposals_do_not_depend_on_who_is_faster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ordered = [
        searched(tmp_path / kind.__name__, kind, monkeypatch, deterministic_order=True, early_stop="median", max_budget=3)
        for kind in (Forwards, Backwards)
    ]
    assert ordered[0] == ordered[1]
    free = [searched(tmp_path / f"free{kind.__name__}", kind, monkeypatch) for kind in (Forwards, Backwards)]
    assert free[0] != free[1]


def test_results_are_recorded_in_the_order_of_submission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    searched(tmp_path, Backwards, monkeypatch, deterministic_order=True)
    events = [json.loads(line) for line in (tmp_path / "mine" / "journal.jsonl").read_text().splitlines()]
    assert [event["result"]["number"] for event in events if event["event"] == "result"] == list(range(1, 9))
