from __future__ import annotations

import io

from rich.console import Console

from automax_lightning import Objective, Status, TrialResult, TrialSpec
from automax_lightning.progress import SearchProgress


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


def test_a_terminal_gets_a_live_line() -> None:
    text = run(Console(file=io.StringIO(), width=200, force_terminal=True))
    assert "\x1b" in text
    assert "trial 1 of 3, epoch 1: AUROC 0.8500" in text


def test_quiet_is_quiet() -> None:
    assert run(Console(file=io.StringIO(), quiet=True)) == ""
