"""One search while it runs: ask, run, record. Knows trials, journals and executors, and nothing of what is trained."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import yaml

from automax_lightning.encoding import encode_values
from automax_lightning.search.checkpoints import TrialDirectories
from automax_lightning.search.executors import InlineExecutor
from automax_lightning.search.interrupt import StopSignal
from automax_lightning.search.journal import History, Journal
from automax_lightning.search.proposer import Observation, Proposer
from automax_lightning.search.state import write_state
from automax_lightning.trial import Objective, TrialResult, TrialSpec


class Listener(Protocol):
    """Who is told what happens, to show it."""

    def trial_started(self, spec: TrialSpec) -> None:
        """A trial begins."""

    def epoch_finished(self, number: int, epoch: int, score: float) -> None:
        """A trial has finished one more epoch."""

    def trial_finished(self, result: TrialResult, best: TrialResult | None) -> None:
        """A trial is over."""


class SearchSession:
    """Asks for trials, runs them and records what they bring, each before the next step.

    Args:
        journal: open, and so locked.
        proposer: proposes from the history.
        executor: runs a trial.
        objective: which way is better.
        experiment_name: names the best checkpoint's directory.
        seeds: the seed of a trial by its number.
        stop: whether the user wants to pause.
        listener: told what happens.
    """

    def __init__(
        self,
        journal: Journal,
        proposer: Proposer,
        executor: InlineExecutor,
        objective: Objective,
        *,
        experiment_name: str,
        seed: int,
        deterministic: bool,
        stop: StopSignal,
        listener: Listener,
    ) -> None:
        self.journal, self.proposer, self.executor, self.objective = journal, proposer, executor, objective
        self.experiment_name, self.stop, self.listener = experiment_name, stop, listener
        self.seed, self.deterministic = seed, deterministic
        self.directories = TrialDirectories(journal.directory)
        self.directories.recover(experiment_name)
        self._write_derived()
        for number in self.history.final():
            self.directories.remove_last(number)

    @property
    def history(self) -> History:
        """Everything recorded so far."""
        return self.journal.history

    def next(self) -> TrialSpec | None:
        """The next trial: an interrupted one first, else a new proposal; None if the space is exhausted."""
        pending = self.history.pending()
        if pending:
            return pending[0]
        proposal = self.proposer.propose(observations(self.history, self.objective))
        return None if proposal is None else self.ask(proposal.values, origin=proposal.origin)

    def ask(self, chosen: Mapping[str, Any], *, origin: str, seed: int | None = None) -> TrialSpec:
        """Record a trial of this configuration before it is run."""
        number = len(self.history.asks) + 1
        if seed is None:
            seed = self.seed if self.deterministic else (self.seed + number - 1) % 2**32
        directory = self.directories.of(number)
        spec = TrialSpec(number, dict(chosen), seed=seed, directory=directory, origin=origin)
        self.journal.record_ask(spec)
        return spec

    def run(self, spec: TrialSpec) -> TrialResult:
        """Run a trial, or go on with it, and record how it ended."""
        self.listener.trial_started(spec)

        def on_epoch(epoch: int, score: float) -> str | None:
            self.journal.record_epoch(spec.number, epoch, score)
            self.listener.epoch_finished(spec.number, epoch, score)
            return None

        result = self.executor.run(spec, on_epoch=on_epoch, stop_requested=lambda: self.stop.requested is not None)
        self.journal.record_result(result)
        if result.status.is_final:
            self._settle(result)
            self.listener.trial_finished(result, self.best())
        return result

    def best(self) -> TrialResult | None:
        """The best result so far."""
        return best_result(self.history.final(), self.objective)

    def _settle(self, result: TrialResult) -> None:
        """What follows from a result. A crash in between is made good at the next start."""
        self._write_derived()
        self.directories.remove_last(result.number)

    def _write_derived(self) -> None:
        """Everything on disk that the journal decides: the log, and the best trial's checkpoint."""
        if not self.history.asks:
            return
        write_state(self.journal.directory / "state.pkl", log(self.history))
        best = self.best()
        if best is None or best.checkpoint is None:
            return
        spec = next(spec for spec in self.history.asks if spec.number == best.number)
        described = yaml.safe_dump({"trial": best.number, "score": best.score, **encode_values(spec.configuration)})
        held = self.journal.directory / f"{self.experiment_name}_best" / "trial.yaml"
        if not held.exists() or held.read_text(encoding="utf-8") != described:
            self.directories.replace_best(self.experiment_name, best.checkpoint, {"trial.yaml": described})


def best_result(results: Mapping[int, TrialResult], objective: Objective) -> TrialResult | None:
    """The result with the best score; of equal ones the first, so that the answer does not depend on luck.

    Args:
        results: trial number -> result.
        objective: which way is better.

    Returns:
        The best result among the finished trials, or None where no trial has a score.

    Example:
        >>> from automax_lightning.trial import Status
        >>> results = {1: TrialResult(1, Status.SUCCESS, 0.8), 2: TrialResult(2, Status.SUCCESS, 0.9)}
        >>> best_result(results, Objective("AUROC")).number
        2
    """
    best: TrialResult | None = None
    for number in sorted(results):
        result = results[number]
        if result.status.has_score and objective.is_better(result.score, best.score if best else None):
            best = result
    return best


def observations(history: History, objective: Objective) -> list[Observation]:
    """The history as the proposer sees it, in the order of the proposals."""
    over = history.final()
    return [_observation(spec, over.get(spec.number), objective) for spec in history.asks]


def _observation(spec: TrialSpec, result: TrialResult | None, objective: Objective) -> Observation:
    if result is None:
        return Observation(spec.configuration)
    if not result.status.has_score or result.score is None or math.isnan(result.score):
        return Observation(spec.configuration, failed=True)
    return Observation(spec.configuration, objective.cost(result.score))


def log(history: History) -> list[dict[str, Any]]:
    """One dictionary a finished trial, in the original AutoMAX's form: plain values only.

    Keys: ``trial, val, test, space, seed, origin, status, reason, val_metrics, test_metrics, epochs, best_epoch,
    seconds, checkpoint``; ``val`` and ``test`` are the target's values, None where there is none.
    """
    specs = {spec.number: spec for spec in history.asks}
    return [_log_entry(specs[number], result) for number, result in sorted(history.final().items())]


def _log_entry(spec: TrialSpec, result: TrialResult) -> dict[str, Any]:
    has_score = result.status.has_score
    target = next((name for name, value in result.val.items() if value == result.score), None)
    return {
        "trial": spec.number,
        "val": result.score if has_score else None,
        "test": result.test.get(target) if has_score and target is not None else None,
        "space": dict(spec.configuration),
        "seed": spec.seed,
        "origin": spec.origin,
        "status": result.status.name,
        "reason": result.reason,
        "val_metrics": dict(result.val),
        "test_metrics": dict(result.test),
        "epochs": result.epochs,
        "best_epoch": result.best_epoch,
        "seconds": result.seconds,
        "checkpoint": None if result.checkpoint is None else str(result.checkpoint),
    }


class StopRules:
    """When a search is over before its last trial.

    Args:
        objective: which way is better.
        walltime_limit: seconds after which no further trial starts.
        target_score: a score that is good enough.
        patience: trials in a row without a better score.
        max_failures: failed trials.
    """

    def __init__(
        self,
        objective: Objective,
        *,
        walltime_limit: float | None = None,
        target_score: float | None = None,
        patience: int | None = None,
        max_failures: int | None = None,
    ) -> None:
        self.objective = objective
        self.walltime_limit, self.target_score = walltime_limit, target_score
        self.patience, self.max_failures = patience, max_failures
        self._started = time.monotonic()

    def reason(self, results: Sequence[TrialResult]) -> str | None:
        """Why the search is over, as a sentence without its dot, or None to go on.

        Args:
            results: of the finished trials, in order.
        """
        best = best_result({result.number: result for result in results}, self.objective)
        if self.walltime_limit is not None and time.monotonic() - self._started > self.walltime_limit:
            return f"the time limit of {self.walltime_limit:g} s is reached"
        failures = sum(not result.status.has_score for result in results)
        if self.max_failures is not None and failures >= self.max_failures:
            return f"{failures} trials have failed"
        if best is None or best.score is None:
            return None
        if self.target_score is not None and not self.objective.is_better(self.target_score, best.score):
            return f"trial {best.number} has reached the target score {self.target_score:g}"
        since = sum(result.number > best.number for result in results)
        if self.patience is not None and since >= self.patience:
            return f"no better score in {since} trials"
        return None
