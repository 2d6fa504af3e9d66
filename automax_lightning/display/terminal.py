"""The search as a person sees it while it runs: one live line in a terminal, one plain line a trial in a pipe."""

from __future__ import annotations

import dataclasses
from statistics import median_high
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from automax_lightning.search.snapshot import Running
from automax_lightning.trial.records import Objective, TrialResult, TrialSpec
from automax_lightning.utils.formatting import duration


class SearchProgress:
    """Shows how many of n trials are over, the best score so far, the time left, and how far each running trial is.

    Used as a context manager. Where the output is no terminal (a pipe, a log file, a notebook) it writes one line for
    each finished trial and no control characters.

    Args:
        objective: names the score.
        n_trials: trials in all.
        finished: trials that were finished before.
        console: where to write; standard output by default.
        quiet: write nothing.
    """

    def __init__(
        self,
        objective: Objective,
        n_trials: int,
        finished: int = 0,
        *,
        console: Console | None = None,
        quiet: bool = False,
    ) -> None:
        self.console = console or Console(quiet=quiet, highlight=False)
        self.objective = objective
        self.n_trials = n_trials
        self.finished = finished
        self._seconds: dict[int, float] = {}
        self._best = ""
        self._running: dict[int, Running] = {}
        self._live: Live | None = None

    def __enter__(self) -> SearchProgress:
        if self.console.is_terminal and not self.console.is_jupyter and not self.console.quiet:
            self._live = Live(self._picture(), console=self.console, transient=True, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def trial_started(self, spec: TrialSpec) -> None:
        """A trial begins."""
        self._running[spec.number] = Running(spec.number, goal=spec.budget or spec.epochs)
        self._refresh()

    def epoch_finished(self, number: int, epoch: int, score: float) -> None:
        """A trial has finished one more epoch."""
        self._running[number] = dataclasses.replace(self._running[number], epoch=epoch, score=score)
        self._refresh()

    def trial_finished(self, result: TrialResult, best: TrialResult | None) -> None:
        """A trial is over."""
        self._running.pop(result.number, None)
        self.finished += result.number not in self._seconds  # a promoted trial ends more than once
        self._seconds[result.number] = result.seconds
        if best is not None and best.score is not None:
            self._best = f"best {best.score:.4f} (trial {best.number})"
        self._refresh()
        if self._live is None:
            outcome = f"{self.objective.target} {result.score:.4f}" if result.score is not None else "no score"
            note = "" if result.status.name == "SUCCESS" else f" [{result.status.value}]"
            parts = [f"trial {result.number} of {self.n_trials}: {outcome}{note}", self._best, self._left()]
            self.write(", ".join(part for part in parts if part))

    def write(self, line: str) -> None:
        """Write one line above the live one."""
        (self._live.console if self._live is not None else self.console).print(line, markup=False, soft_wrap=True)

    def _left(self) -> str:
        """The time left, from the median trial so far; trials differ, so this is a guess and says so."""
        remaining = self.n_trials - self.finished
        if not self._seconds or remaining <= 0:
            return ""
        at_once = max(1, len(self._running))
        return f"about {duration(median_high(self._seconds.values()) * remaining / at_once)} left"

    def _picture(self) -> Group:
        """A bar for the search, and a line for each running trial."""
        parts = [f"{self.finished} of {self.n_trials} trials", self._best, self._left()]
        head = Table.grid(padding=(0, 1))
        head.add_row(ProgressBar(self.n_trials, self.finished, width=20), Text(", ".join(part for part in parts if part)))
        return Group(head, *(Text(f"  {trial.describe(self.objective)}") for trial in self._running.values()))

    def _refresh(self) -> None:
        if self._live is not None:
            self._live.update(self._picture(), refresh=True)
