"""The search as a person sees it while it runs: one live line in a terminal, one plain line a trial in a pipe."""

from __future__ import annotations

import time
from statistics import median_high
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from automax_lightning.trial import Objective, TrialResult, TrialSpec


class SearchProgress:
    """Shows trial k of n, the best score so far and the time left.

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
        self._current = ""
        self._live: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> SearchProgress:
        if self.console.is_terminal and not self.console.is_jupyter and not self.console.quiet:
            columns = (BarColumn(bar_width=20), TextColumn("{task.description}"))
            self._live = Progress(*columns, console=self.console, transient=True)
            self._task = self._live.add_task("", total=self.n_trials, completed=self.finished)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def trial_started(self, spec: TrialSpec) -> None:
        """A trial begins."""
        goal = "" if spec.budget is None else f", up to epoch {spec.budget}"
        self._current = f"trial {spec.number} of {self.n_trials}{goal}"
        self._started = time.monotonic()
        self._refresh()

    def epoch_finished(self, number: int, epoch: int, score: float) -> None:
        """A trial has finished one more epoch."""
        self._current = f"trial {number} of {self.n_trials}, epoch {epoch}: {self.objective.target} {score:.4f}"
        self._refresh()

    def trial_finished(self, result: TrialResult, best: TrialResult | None) -> None:
        """A trial is over."""
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
        seconds = median_high(self._seconds.values()) * remaining
        return f"about {_duration(seconds)} left"

    def _refresh(self) -> None:
        if self._live is not None and self._task is not None:
            text = ", ".join(part for part in (self._current, self._best, self._left()) if part)
            self._live.update(self._task, completed=self.finished, description=text, refresh=True)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
