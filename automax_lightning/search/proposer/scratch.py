"""Temporary directories that do not outlive their process for long, however it dies."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

_LOCK = "in_use.lock"
_YOUNG_SECONDS = 60.0
"""A directory younger than this may belong to a process that has not locked it yet."""


def scratch_directory(prefix: str, parent: Path | None = None) -> tuple[Path, Callable[[], None]]:
    """A new temporary directory, and the function that removes it; those of dead processes are removed at the same time.

    A directory is in use while a file in it is locked, which ends with the process.

    Args:
        prefix: how the directory's name begins.
        parent: where it is made; None for the system's temporary directory.

    Example:
        >>> path, remove = scratch_directory("example_")
        >>> remove()
        >>> path.exists()
        False
    """
    place = Path(tempfile.gettempdir()) if parent is None else parent
    remove_stale(prefix, place)
    path = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    lock = FileLock(path / _LOCK)
    lock.acquire()

    def remove() -> None:
        lock.release()
        shutil.rmtree(path, ignore_errors=True)

    return path, remove


def remove_stale(prefix: str, place: Path) -> None:
    """Remove the directories that processes have left which were killed.

    Args:
        prefix: how their names begin.
        place: where they lie.
    """
    for path in place.glob(f"{prefix}*"):
        with suppress(OSError, Timeout):  # somebody else's, in use, or removed by another process meanwhile
            if (path / _LOCK).is_file() and time.time() - path.stat().st_mtime > _YOUNG_SECONDS:
                with FileLock(path / _LOCK, timeout=0):
                    shutil.rmtree(path, ignore_errors=True)
