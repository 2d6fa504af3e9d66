"""The search as a person sees it while it runs: one live line in a terminal, one plain line per trial in a pipe."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from automax_lightning.display.state import SearchState
from automax_lightning.trial.records import Objective, TrialResult, TrialSpec
from automax_lightning.utils.formatting import printable


class SearchProgress:
    """Shows how many of n trials are over, the best score so far, the time left, and how far each running trial is.

    Used as a context manager. Where the output is no terminal (a pipe, a log file, a notebook) it writes one line for
    each finished trial and no control characters.

    Args:
        objective: names the score.
        n_trials: the budget of the search, in trials.
        finished: trials that were over before.
        budget: how many trials there will be, in words; by default `n_trials`.
        console: where to write; standard output by default.
        quiet: write nothing.
    """

    def __init__(
        self,
        objective: Objective,
        n_trials: int,
        finished: int = 0,
        *,
        budget: str = "",
        console: Console | None = None,
        quiet: bool = False,
    ) -> None:
        self.console = console or Console(quiet=quiet, highlight=False)
        self.state = SearchState(objective, n_trials, finished, budget)
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
        """A trial begins, or resumes."""
        self.state.start(spec)
        self._refresh()

    def epoch_finished(self, number: int, epoch: int, score: float) -> None:
        """A trial has finished one more epoch."""
        self.state.epoch(number, epoch, score)
        self._refresh()

    def trial_finished(self, result: TrialResult, best: TrialResult | None) -> None:
        """A trial is over."""
        state = self.state
        state.finish(result, best)
        self._refresh()
        if self._live is None:
            outcome = f"{state.objective.target} {result.score:.4f}" if result.score is not None else "no score"
            note = "" if result.status.name == "SUCCESS" else f" [{result.status.value}]"
            parts = [f"trial {result.number} of {state.budget}: {outcome}{note}", state.best_so_far(), state.left()]
            self.write(", ".join(part for part in parts if part))

    def write(self, line: str) -> None:
        """Write one line above the live one."""
        (self._live.console if self._live is not None else self.console).print(printable(line), markup=False, soft_wrap=True)

    def _picture(self) -> Group:
        """A bar for the search, and a line for each running trial."""
        state = self.state
        head = Table.grid(padding=(0, 1))
        head.add_row(ProgressBar(state.n_trials, state.finished, width=20), Text(printable(state.headline())))
        return Group(head, *(Text(printable(f"  {trial.describe(state.objective)}")) for trial in state.running.values()))

    def _refresh(self) -> None:
        if self._live is not None:
            self._live.update(self._picture(), refresh=True)
