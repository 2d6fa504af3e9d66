"""Journals as a search leaves them, whole and damaged."""

from __future__ import annotations

from pathlib import Path

from automax_lightning.search.storage.journal import Journal
from automax_lightning.trial.records import Status, TrialResult, TrialSpec

SETTINGS = {"space": {"lr": "Float(0, 1)"}, "target": "AUROC", "mode": "max", "seed": 1, "n_trials": 3, "version": "1"}


def write_journal(root: Path, trials: int = 2) -> None:
    """Lines 1 and 2: open, settings; then of each trial its proposal, start, two epochs and result."""
    with Journal(root, SETTINGS) as journal:
        for number in range(1, trials + 1):
            directory = root / "trials" / f"{number:04d}"
            journal.record_ask(TrialSpec(number, {"lr": number / 7}, 7, None, directory, "forest"))
            journal.record_start(number)
            journal.record_epoch(number, 1, 0.5)
            journal.record_epoch(number, 2, 0.5 + number / 9)
            journal.record_result(TrialResult(
                number, Status.SUCCESS, 0.5 + number / 9, {"AUROC": 0.5 + number / 9}, epochs=2, best_epoch=2,
                curve=(0.5, 0.5 + number / 9), checkpoint=directory / "checkpoints" / "best.ckpt",
            ))  # fmt: skip


def damage_line(root: Path, line: int) -> None:
    """Flip one bit in the middle of a line, from 1."""
    path = root / "journal.jsonl"
    lines = path.read_bytes().split(b"\n")
    middle = len(lines[line - 1]) // 2
    lines[line - 1] = lines[line - 1][:middle] + bytes([lines[line - 1][middle] ^ 1]) + lines[line - 1][middle + 1 :]
    path.write_bytes(b"\n".join(lines))


def damaged(root: Path, line: int, trials: int = 2) -> None:
    """A journal with one bit flipped in a line."""
    write_journal(root, trials)
    damage_line(root, line)
