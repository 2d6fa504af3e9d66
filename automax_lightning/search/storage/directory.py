"""Where a search and its trials keep their files, and the best trial's checkpoint, which is whole at any instant."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from automax_lightning.errors import JournalError
from automax_lightning.trial.checkpoint import BEST, SCORES, TrialFiles
from automax_lightning.utils.files import link_or_copy, write_atomically

_FILES = ("journal.jsonl", "state.pkl", "config.yaml", "best_config.yaml", "best_recipe.yaml", "factory.pkl", "report.html")
_FOLDERS = ("trials", "smac", "workers", "refit")
"""What a search writes, besides the best trial's directory."""


class TrialDirectories:
    """The directories of one search.

    Args:
        root: the search's directory.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def of(self, number: int) -> Path:
        """The directory of a trial: ``trials/0001``."""
        return TrialFiles.of(self.root, number).directory

    def remove_last(self, number: int) -> None:
        """Remove what only continuing a trial needs, once it is over."""
        for path in TrialFiles.of(self.root, number).only_for_resuming:
            path.unlink(missing_ok=True)

    def remove_checkpoints(self, number: int) -> None:
        """Remove all checkpoints of a trial that will never be looked at again."""
        shutil.rmtree(TrialFiles.of(self.root, number).checkpoints, ignore_errors=True)

    def replace_best(self, name: str, checkpoint: Path, files: Mapping[str, str]) -> Path:
        """Make ``<name>_best`` hold this checkpoint, in one step for whoever looks.

        The new directory is made whole beside the old one and takes its name by rename. Between the two renames that
        a directory needs, a crash leaves the new one under its other name; `recover` then finishes the swap.

        Args:
            name: the experiment's name.
            checkpoint: the best trial's checkpoint, which takes its scores along; shared by hard links where possible.
            files: more files, name -> text.

        Returns:
            The directory.
        """
        best, fresh, _ = self._names(name)
        shutil.rmtree(fresh, ignore_errors=True)
        building = fresh.with_name(f"{fresh.name}.part")
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        link_or_copy(checkpoint, building / BEST)
        if checkpoint.with_name(SCORES).exists():
            link_or_copy(checkpoint.with_name(SCORES), building / SCORES)
        for file, text in files.items():
            write_atomically(building / file, text.encode())
        os.rename(building, fresh)  # from here on it is whole
        self.recover(name)
        return best

    def has_newer_scores(self, name: str, checkpoint: Path) -> bool:
        """Whether a trial has scores that ``<name>_best`` lacks: a trial that went on has scored the test split since."""
        ours, held = checkpoint.with_name(SCORES), self._names(name)[0] / SCORES
        return ours.exists() and not (held.exists() and filecmp.cmp(ours, held, shallow=False))

    def recover(self, name: str) -> None:
        """Finish a swap that a crash has cut, whichever step it was in; otherwise do nothing."""
        best, fresh, old = self._names(name)
        if fresh.exists():
            if best.exists():
                shutil.rmtree(old, ignore_errors=True)
                os.rename(best, old)
            os.rename(fresh, best)
        elif not best.exists() and old.exists():
            os.rename(old, best)
        shutil.rmtree(old, ignore_errors=True)

    def _names(self, name: str) -> tuple[Path, Path, Path]:
        return tuple(self.root / f"{name}_best{suffix}" for suffix in ("", ".new", ".old"))  # type: ignore[return-value]


def remove_search(directory: Path, best: Path) -> None:
    """Remove what a search writes, and nothing that somebody else has put beside it.

    Args:
        directory: of the search.
        best: of its best trial.
    """
    for name in _FILES:
        (directory / name).unlink(missing_ok=True)
    for folder in (*(directory / name for name in _FOLDERS), best):
        shutil.rmtree(folder, ignore_errors=True)


def is_ours(path: Path, directory: Path, best: Path) -> bool:
    """Whether a path is one that a search writes.

    Args:
        path: inside `directory`.
        directory: of the search.
        best: of its best trial.
    """
    top = path.relative_to(directory).parts[0]
    return top in (*_FILES, *_FOLDERS, "lock") or top.startswith(best.name)


def check_free(directory: Path) -> None:
    """Raise unless a new search may be written into `directory`: nothing of ours may lie there that has no journal.

    Raises:
        JournalError: if a ``config.yaml`` or a folder ``trials`` is there, whose owner nobody knows.
    """
    unowned = [name for name in ("config.yaml", "trials") if (directory / name).exists()]
    if unowned and not (directory / "journal.jsonl").exists():
        raise JournalError(
            str(directory), "a new folder, or that of a search with its journal.jsonl",
            f"{' and '.join(unowned)} without a journal",
            "Choose another name, or move them away.",
        )  # fmt: skip
