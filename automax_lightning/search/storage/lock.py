"""File lock: one process per search, released when the process dies."""

from __future__ import annotations

import errno
import inspect
import json
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from automax_lightning.errors import SearchLockedError
from automax_lightning.search.storage.lease import Lease, myself

_UNSUPPORTED = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL)
# From 4.0 on filelock falls back to a marker file of its own, which outlives a killed process on another machine.
_OPTIONS: dict[str, Any] = (
    {"fallback_to_soft": False} if "fallback_to_soft" in inspect.signature(FileLock.__init__).parameters else {}
)


class SearchLock:
    """Holds a directory's ``lock`` file as long as it is open.

    The operating system knows whether the file is locked, so a holder that was killed leaves nothing to clean up;
    ``lock.json`` beside it says who holds it. Where a file system has no such locks (some network file systems), a
    `Lease` does the same with a file that is renewed.

    Args:
        directory: the search's directory, which must exist.

    Raises:
        SearchLockedError: on entering, if another process, or another search object of this one, holds the lock.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._held: FileLock | Lease | None = None

    def __enter__(self) -> SearchLock:
        lease = Lease(self.directory)
        if lease.holder() is not None:  # of a machine that sees no locks here
            raise self._taken()
        self._held = self._native() or lease
        if isinstance(self._held, Lease) and not self._held.take():
            self._held = None
            raise self._taken()
        _described(self.directory).write_text(json.dumps(myself()), encoding="utf-8")
        return self

    def _native(self) -> FileLock | None:
        """The operating system's lock, taken; None where the file system has none."""
        lock = FileLock(self.directory / "lock", **_OPTIONS)
        try:
            lock.acquire(timeout=0.3, poll_interval=0.02)  # who only looks (`holder_of`) holds it for an instant
        except Timeout:
            raise self._taken() from None
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            return None
        except NotImplementedError:  # filelock's word for ENOSYS before 4.0
            return None
        return lock

    def _taken(self) -> SearchLockedError:
        return SearchLockedError(
            str(self.directory), "a search that nobody is running", holder_of(self.directory) or "one that has just ended",
            "Wait for it, stop it, or give this search another name.",
        )  # fmt: skip

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._held is not None:
            _described(self.directory).unlink(missing_ok=True)
            self._held.release()
            self._held = None


def holder_of(directory: Path) -> str | None:
    """Who runs the search in this directory, as a phrase; None if nobody does.

    Args:
        directory: of the search.

    Returns:
        ``"process 4711 on host since 2026-11-24 12:00:00"``.
    """
    lease = Lease(directory).holder()
    if lease is not None:
        return _phrase(lease)
    return _phrase(_holder(directory)) if (directory / "lock").exists() and _is_locked(directory / "lock") else None


def _is_locked(path: Path) -> bool:
    """Whether somebody holds the lock; who looks holds it for an instant."""
    lock = FileLock(path, **_OPTIONS)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return True
    except (OSError, NotImplementedError):  # a directory that may only be read, or one without locks
        return False
    lock.release()
    return False


def _described(directory: Path) -> Path:
    return directory / "lock.json"


def _holder(directory: Path) -> dict[str, Any]:
    """What the holder has written of itself; 0.1.0 wrote it into the lock itself."""
    for pause in (0.0, 0.05):  # between taking the lock and saying who has it
        time.sleep(pause)
        for path in (_described(directory), directory / "lock"):
            try:
                holder = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if isinstance(holder, dict):
                return holder
    return {}


def _phrase(holder: dict[str, Any]) -> str:
    if "pid" not in holder:
        return f"a process that has not said who it is (this one is {os.getpid()})"
    return f"process {holder['pid']} on {holder.get('host', 'an unnamed machine')} since {holder.get('since', 'a while ago')}"
