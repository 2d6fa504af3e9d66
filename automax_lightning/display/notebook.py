"""The search as a person sees it in a notebook while it runs: one HTML table, without widgets, that updates in place."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

from automax_lightning.display.state import SearchState
from automax_lightning.trial.records import Objective, Status, TrialResult, TrialSpec
from automax_lightning.utils.formatting import show_score
from automax_lightning.utils.html import Raw, tag

_ROWS, _LINES, _EVERY = 8, 4, 0.2


class NotebookProgress:
    """Shows the running trials with their epoch and score, the newest finished ones, and the best so far.

    Used as a context manager; it needs IPython, which every notebook has. What it displays is plain HTML, so it stays
    in the saved notebook.

    Args:
        objective: names the score.
        n_trials: the budget of the search, in trials.
        finished: trials that were over before.
        budget: how many trials there will be, in words; by default `n_trials`.

    Example:
        >>> progress = NotebookProgress(Objective("AUROC"), n_trials=3)
        >>> progress.trial_started(TrialSpec(1, {}))
        >>> "trial 1" in progress.html()
        True
    """

    def __init__(self, objective: Objective, n_trials: int, finished: int = 0, *, budget: str = "") -> None:
        self.state = SearchState(objective, n_trials, finished, budget)
        self._lines: list[str] = []
        self._handle: Any = None
        self._shown = 0.0

    def __enter__(self) -> NotebookProgress:
        from IPython.display import HTML, display

        self._handle = display(HTML(self.html()), display_id=True)  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.state.running.clear()
        self._refresh(now=True)
        self._handle = None

    def trial_started(self, spec: TrialSpec) -> None:
        """A trial begins, or resumes."""
        self.state.start(spec)
        self._refresh(now=True)

    def epoch_finished(self, number: int, epoch: int, score: float) -> None:
        """A trial has finished one more epoch."""
        self.state.epoch(number, epoch, score)
        self._refresh()

    def trial_finished(self, result: TrialResult, best: TrialResult | None) -> None:
        """A trial is over."""
        self.state.finish(result, best)
        self._refresh(now=True)

    def write(self, line: str) -> None:
        """Show one line under the table; of many, the newest."""
        self._lines = [*self._lines, line][-_LINES:]
        self._refresh(now=True)

    def html(self) -> str:
        """What is shown now."""
        state = self.state
        rows = [self._running_row(number) for number in sorted(state.running)]
        rows += [self._result_row(result) for result in list(state.results.values())[: -_ROWS - 1 : -1]]
        more = len(state.results) - _ROWS
        head = tag("tr", *(tag("th", name) for name in ("trial", "epoch", f"val {state.objective.target}", "")))
        parts = [tag("strong", f"{state.headline()} "), tag("progress", value=str(state.finished), max=str(state.n_trials))]
        parts += [tag("table", tag("thead", head), tag("tbody", *rows))] if rows else []
        parts += [tag("div", f"and {more} more before")] if more > 0 else []
        return tag("div", *parts, *(tag("div", line) for line in self._lines))

    def _running_row(self, number: int) -> Raw:
        trial = self.state.running[number]
        return _row(f"trial {number}", trial.epoch or "", show_score(trial.score) if trial.epoch else "", "running")

    def _result_row(self, result: TrialResult) -> Raw:
        is_best = self.state.best is not None and self.state.best.number == result.number
        score = show_score(result.score) if result.is_scored else "-"
        note = "" if result.status is Status.SUCCESS else f"{result.status.name.lower().replace('_', ' ')}: {result.reason[:80]}"
        return _row(f"trial {result.number}", result.epochs, score, "★ best" if is_best else note)

    def _refresh(self, *, now: bool = False) -> None:
        """Show the table again, but not for every one of many fast epochs."""
        if self._handle is None or not (now or time.monotonic() - self._shown > _EVERY):
            return
        from IPython.display import HTML

        self._handle.update(HTML(self.html()))  # type: ignore[no-untyped-call]
        self._shown = time.monotonic()


def _row(*cells: object) -> Raw:
    return tag("tr", *(tag("td", cell, style="text-align: left") for cell in cells))
