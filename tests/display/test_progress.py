from __future__ import annotations

from rich.console import Console

from automax_lightning import Objective
from automax_lightning.display.notebook import NotebookProgress
from automax_lightning.display.progress import make_progress
from automax_lightning.display.terminal import SearchProgress
from automax_lightning.search.planning.plan import Plan


def test_a_terminal_and_a_pipe_keep_their_own_progress() -> None:
    for console, kind in (
        (Console(force_jupyter=True), NotebookProgress), (Console(force_jupyter=True, quiet=True), SearchProgress),
        (Console(force_jupyter=False), SearchProgress),
    ):  # fmt: skip
        assert type(make_progress(Objective(), Plan(3, Objective()), 0, console)) is kind


def test_what_was_over_before_is_counted_in() -> None:
    for console in (Console(force_jupyter=True), Console(force_jupyter=False)):
        state = make_progress(Objective("AUPRC"), Plan(9, Objective("AUPRC")), 4, console).state
        assert (state.objective.target, state.n_trials, state.finished) == ("AUPRC", 9, 4)
