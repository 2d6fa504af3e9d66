"""Where a search and its trials keep their files, and the best trial's checkpoint, which is whole at any instant."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from automax_lightning.search.storage.ownership import BEST_FILES, files_below
from automax_lightning.trial.checkpoint import BEST, SCORES, TrialFiles
from automax_lightning.utils.files import link_or_copy, remove_if_empty, write_atomically


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

    def remove_error(self, number: int) -> None:
        """Remove the traceback of an attempt that was made again, and went well."""
        TrialFiles.of(self.root, number).error.unlink(missing_ok=True)

    def remove_checkpoints(self, number: int) -> None:
        """Remove all checkpoints of a trial that will never be looked at again, and nothing that lies beside them."""
        files = TrialFiles.of(self.root, number)
        for path in (files.best, files.scores, *files.only_for_resuming):
            path.unlink(missing_ok=True)
        remove_if_empty(files.checkpoints)  # somebody else's files may be in it

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
        _take_along(best, building)
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


def _take_along(old: Path, new: Path) -> None:
    """What somebody has put into the directory that is replaced is in the new one too."""
    for path in files_below(old):
        target = new / path.relative_to(old)
        if path.relative_to(old).as_posix() in BEST_FILES or os.path.lexists(target):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            os.symlink(os.readlink(path), target)
        else:
            link_or_copy(path, target)
