"""Which display a search gets: an updating HTML table in a notebook, rich or plain lines elsewhere."""

from __future__ import annotations

from ConfigSpace import Configuration
from rich.console import Console

from automax_lightning.display.notebook import NotebookProgress
from automax_lightning.display.terminal import SearchProgress
from automax_lightning.search.planning.plan import Plan
from automax_lightning.trial.card import configuration_card
from automax_lightning.trial.records import Objective

Progress = SearchProgress | NotebookProgress


def make_progress(objective: Objective, plan: Plan, finished: int, console: Console) -> Progress:
    """The table in a notebook, the live line in a terminal, plain lines in a pipe.

    Args:
        objective: names the score.
        plan: of the search; its budget is shown.
        finished: trials that were over before.
        console: where the search writes.
    """
    if console.is_jupyter and not console.quiet:
        _show_configurations()
        return NotebookProgress(objective, plan.n_trials, finished, budget=plan.budget)
    return SearchProgress(objective, plan.n_trials, finished, budget=plan.budget, console=console)


def _show_configurations() -> None:
    """Let this notebook show what `optimize` returns as a table; ConfigSpace's own class has no view of itself."""
    from IPython import get_ipython

    shell = get_ipython()
    if shell is not None:
        shell.display_formatter.formatters["text/html"].for_type(Configuration, configuration_card)
