"""A search at one moment, from its journal alone: what runs, how far it is, what is best. Needs no torch."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

from automax_lightning.search.planning.results import best_result
from automax_lightning.search.storage.history import History
from automax_lightning.search.storage.journal import read_search
from automax_lightning.search.storage.lock import holder_of
from automax_lightning.trial.records import Objective, TrialResult, TrialSpec
from automax_lightning.utils.formatting import duration


@dataclasses.dataclass(frozen=True)
class Running:
    """A trial that runs.

    Args:
        number: of the trial.
        epoch: epochs done.
        goal: epochs after which it pauses or ends, where the search decides them.
        score: after the newest epoch, or None before the first.
    """

    number: int
    epoch: int = 0
    goal: int | None = None
    score: float | None = None

    def describe(self, objective: Objective) -> str:
        """One line: how far the trial is.

        Example:
            >>> Running(3, 4, 9, 0.85).describe(Objective("AUROC"))
            'trial 3, epoch 4 of 9: AUROC 0.8500'
        """
        if self.score is None:
            return f"trial {self.number}" + (f", up to epoch {self.goal}" if self.goal is not None else "")
        goal = "" if self.goal is None else f" of {self.goal}"
        return f"trial {self.number}, epoch {self.epoch}{goal}: {objective.target} {self.score:.4f}"


def running(specs: Sequence[TrialSpec], history: History) -> list[Running]:
    """Trials as far as the journal has heard of them.

    Args:
        specs: the trials.
        history: of the search.
    """
    return [_running(spec, history) for spec in specs]


def _running(spec: TrialSpec, history: History) -> Running:
    curve = history.curves.get(spec.number, {})
    epoch = max(curve, default=0)
    return Running(spec.number, epoch, spec.budget or spec.epochs, curve.get(epoch))


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A search at one moment.

    Args:
        directory: of the search.
        objective: which way is better.
        n_trials: trials in all.
        finished: trials that are over.
        failed: those of them without a score.
        best: the best result so far, or None.
        running: trials that were started and are not over.
        holder: who runs the search, or None if nobody does.
        seconds: wall-clock time that the search has run in all.
        idle: seconds since the last sign of life, or None for an old journal.
    """

    directory: Path
    objective: Objective
    n_trials: int
    finished: int
    failed: int
    best: TrialResult | None
    running: tuple[Running, ...]
    holder: str | None
    seconds: float
    idle: float | None

    def describe(self) -> str:
        """The snapshot as a few lines of text."""
        state = f"running: {self.holder}" if self.holder else "nobody runs it; the command that started it continues it"
        if self.holder is None and not self.running and self.finished >= self.n_trials:
            state = "finished"
        failed = f" ({self.failed} failed)" if self.failed else ""
        lines = [f"{self.directory}: {state}", f"{self.finished} of {self.n_trials} trials over{failed}"]
        if self.best is not None and self.best.score is not None:
            lines[-1] += f", best {self.objective.target} {self.best.score:.4f} (trial {self.best.number})"
        lines += [f"  {trial.describe(self.objective)}" for trial in self.running]
        idle = "" if self.idle is None else f"; last event {duration(self.idle)} ago"
        return "\n".join([*lines, f"searched for {duration(self.seconds)}{idle}"])


def snapshot(directory: Path, now: float | None = None) -> Snapshot:
    """How a search stands, whoever runs it; reading changes nothing.

    Args:
        directory: of the search.
        now: seconds since 1970; the present by default.

    Raises:
        JournalError: if there is no journal, or it cannot be read.
    """
    history = read_search(directory)
    objective = Objective(history.settings["target"], history.settings["mode"])
    over = history.final()
    started = [spec for spec in history.pending() if spec.number in history.started]
    now = time.time() if now is None else now
    return Snapshot(
        directory, objective, history.settings["n_trials"], len(over),
        sum(not result.status.has_score for result in over.values()), best_result(over, objective),
        tuple(running(started, history)), holder_of(directory), history.seconds,
        None if history.newest is None else max(0.0, now - history.newest),
    )  # fmt: skip
