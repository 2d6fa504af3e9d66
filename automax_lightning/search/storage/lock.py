"""One process a search: a lock that the kernel releases when its holder dies, however it dies."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from automax_lightning.errors import SearchLockedError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


class SearchLock:
    """Holds a directory's ``lock`` file as long as it is open.

    The file's content says who holds it; whether it is held, the kernel knows, so a holder that was killed leaves
    nothing to clean up. Where files cannot be locked (Windows), the holder is only written down.

    Args:
        directory: the search's directory, which must exist.

    Raises:
        SearchLockedError: on entering, if another process, or another search object of this one, holds the lock.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / "lock"
        self._file: IO[str] | None = None

    def __enter__(self) -> SearchLock:
        file = open(self.path, "a+", encoding="utf-8")
        try:
            _take(file)
        except OSError as error:
            holder = _holder(self.path)
            file.close()
            raise SearchLockedError(
                str(self.path.parent), "a search that nobody is running", _phrase(holder),
                "Wait for it, stop it, or give this search another name.",
            ) from error  # fmt: skip
        file.seek(0)
        file.truncate()
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        json.dump({"pid": os.getpid(), "host": socket.gethostname(), "since": since}, file)
        file.flush()
        self._file = file
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _take(file: IO[str]) -> None:
    """Lock the file; who only looks (`holder_of`) holds it for an instant, and is waited for."""
    for pause in (0.01, 0.05, 0.1):
        if _is_free(file, exclusive=True):
            return
        time.sleep(pause)
    if not _is_free(file, exclusive=True):
        raise BlockingIOError(f"{file.name} is locked")


def _is_free(file: IO[str], *, exclusive: bool) -> bool:
    """Lock the file if nobody else does; where files cannot be locked, it always is free."""
    if fcntl is not None:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def holder_of(directory: Path) -> str | None:
    """Who runs the search in this directory, as a phrase; None if nobody does.

    Args:
        directory: of the search.

    Returns:
        ``"process 4711 on host since 2026-11-24 12:00:00"``. Where files cannot be locked (Windows), None.
    """
    path = directory / "lock"
    if not path.exists():
        return None
    with open(path, encoding="utf-8") as file:
        return _phrase(_holder(path)) if not _is_free(file, exclusive=False) else None


def _phrase(holder: dict[str, Any]) -> str:
    return f"process {holder.get('pid', '?')} on {holder.get('host', '?')} since {holder.get('since', '?')}"


def _holder(path: Path) -> dict[str, Any]:
    try:
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known
