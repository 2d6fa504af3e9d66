from __future__ import annotations

import io

from rich.console import Console

from automax_lightning import Objective, Status, TrialResult, TrialSpec
from automax_lightning.display.terminal import SearchProgress


def run(console: Console) -> str:
    best = TrialResult(1, Status.SUCCESS, 0.9, seconds=3.0)
    with SearchProgress(Objective("AUROC"), 3, console=console) as progress:
        progress.trial_started(TrialSpec(1, {}))
        progress.epoch_finished(1, 1, 0.85)
        progress.trial_finished(best, best)
        progress.trial_started(TrialSpec(2, {}))
        progress.trial_finished(TrialResult(2, Status.NON_FINITE, None, reason="loss"), best)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_pipe_gets_one_plain_line_a_trial() -> None:
    text = run(Console(file=io.StringIO(), width=200))
    assert text.splitlines() == [
        "trial 1 of 3: AUROC 0.9000, best 0.9000 (trial 1), about 6 s left",
        "trial 2 of 3: no score [the loss or the scores became NaN or infinite], best 0.9000 (trial 1), about 3 s left",
    ]
    assert text.isprintable() or set(text) - {"\n"} <= {c for c in text if c.isprintable()} | {"\n"}
    assert "\x1b" not in text


def test_a_terminal_gets_a_bar_and_a_line_for_each_running_trial() -> None:
    console = Console(file=io.StringIO(), width=200, force_terminal=True)
    with SearchProgress(Objective("AUROC"), 4, console=console) as progress:
        progress.trial_started(TrialSpec(1, {}, budget=3))
        progress.trial_started(TrialSpec(2, {}))
        assert isinstance(console.file, io.StringIO)
        console.file.truncate(0)
        progress.epoch_finished(1, 2, 0.85)
        shown = console.file.getvalue()
        assert "0 of 4 trials" in shown
        assert "trial 1, epoch 2 of 3: AUROC 0.8500" in shown
        assert shown.endswith("\n  trial 2")
        progress.trial_finished(TrialResult(1, Status.SUCCESS, 0.9, seconds=4.0), TrialResult(1, Status.SUCCESS, 0.9))
        shown = console.file.getvalue().rsplit("1 of 4 trials", 1)[1]
        assert shown.startswith(", best 0.9000 (trial 1), about 12 s left")
        assert "trial 1, epoch" not in shown
    assert "\x1b" in console.file.getvalue()


def test_quiet_is_quiet() -> None:
    assert run(Console(file=io.StringIO(), quiet=True)) == ""
