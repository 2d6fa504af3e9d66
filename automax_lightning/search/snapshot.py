"""A search at one moment, from its journal alone: what runs, how far it is, what is best. Needs no torch."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

from automax_lightning.search.record import SearchRecord
from automax_lightning.search.storage.history import History
from automax_lightning.search.storage.lock import holder_of
from automax_lightning.trial.records import Objective, TrialSpec
from automax_lightning.utils.formatting import format_duration, printable


@dataclasses.dataclass(frozen=True)
class Running:
    """A running trial.

    Args:
        number: number of the trial, from 1.
        epoch: epochs that are done, 0 before the first.
        goal: epochs after which the trial pauses or ends; None where the fit alone decides.
        score: target metric after the newest epoch, or None before the first.
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


def running(record: SearchRecord) -> tuple[Running, ...]:
    """The trials that are not over, each as far as the journal records its epochs.

    Args:
        record: the search.
    """
    return tuple(_running(spec, record.history) for spec in record.running)


def _running(spec: TrialSpec, history: History) -> Running:
    curve = history.curves.get(spec.number, {})
    epoch = max(curve, default=0)
    return Running(spec.number, epoch, spec.budget or spec.epochs, curve.get(epoch))


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A search at one moment: its record, and whether somebody runs it.

    Args:
        record: what the journal tells.
        holder: who runs the search, or None if nobody does.
        idle: seconds since the last event, or None for a journal without times.
    """

    record: SearchRecord
    holder: str | None = None
    idle: float | None = None

    @property
    def running(self) -> tuple[Running, ...]:
        """The trials that were started and are not over."""
        return running(self.record)

    @property
    def is_finished(self) -> bool:
        """Whether no trial is left, and nobody runs the search."""
        return self.holder is None and not self.record.running and self.record.plan.is_over(self.record.history)

    def describe(self) -> str:
        """The snapshot as a few lines of text."""
        record, best, target = self.record, self.record.best, self.record.objective.target
        state = "nobody runs it; the command that started it resumes it"
        state = f"running: {self.holder}" if self.holder else "finished" if self.is_finished else state
        failed = f" ({len(record.failed)} failed)" if record.failed else ""
        lines = [f"{record.directory}: {state}", f"{record.plan.progress(record.history)} trials over{failed}"]
        if best is not None and best.score is not None:
            lines[-1] += f", best {target} {record.best_score:.4f} (trial {best.number})"
        lines += [f"  {trial.describe(record.objective)}" for trial in self.running]
        idle = "" if self.idle is None else f"; last event {format_duration(self.idle)} ago"
        return printable("\n".join([*lines, f"searched for {format_duration(record.history.seconds)}{idle}"]))


def snapshot(directory: Path, now: float | None = None) -> Snapshot:
    """How a search stands, whoever runs it; reading changes nothing on disk.

    Args:
        directory: the search's directory, ``<output_directory>/<name>``.
        now: seconds since 1970; the present by default.

    Raises:
        JournalError: if there is no journal, or it cannot be read.
    """
    record = SearchRecord.of(directory)
    newest = record.history.newest
    idle = None if newest is None else max(0.0, (time.time() if now is None else now) - newest)
    return Snapshot(record, holder_of(directory), idle)
