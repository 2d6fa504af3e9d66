"""A lock for file systems without locks: a file that its holder renews, and that is void when it is not renewed."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

RENEWED_EVERY, VOID_AFTER = 10.0, 120.0
"""Seconds. A holder on another machine may be out of reach for two minutes before its lease is void."""


def myself() -> dict[str, Any]:
    """This process, so that another one can name it and see whether it lives."""
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
        "started": started(os.getpid()),
    }


def started(pid: int) -> str | None:
    """When a process of this machine was started, in the kernel's own count; None if it is gone, ``""`` if nobody says.

    A number that the system has given to a new process since is so not taken for the old one.
    """
    stat = Path(f"/proc/{pid}/stat")
    if not Path("/proc/self/stat").exists():
        return "" if _lives(pid) else None
    try:
        return stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except OSError:
        return None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's process
        return True
    return True


class Lease:
    """Holds ``lock.lease`` in a directory, and renews it every few seconds.

    On the machine of its holder a lease is void as soon as that process is gone; on another machine when it was not
    renewed for two minutes.

    Args:
        directory: of the search.
        void_after: seconds without renewal after which a lease of another machine is void.
    """

    def __init__(self, directory: Path, void_after: float = VOID_AFTER) -> None:
        self.path, self.void_after = directory / "lock.lease", void_after
        self._token = uuid.uuid4().hex
        self._over = threading.Event()

    def holder(self) -> dict[str, Any] | None:
        """Who holds the lease, or None where there is none or it is void."""
        try:
            holder: Any = json.loads(self.path.read_text(encoding="utf-8"))
            renewed = self.path.stat().st_mtime
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            return {"pid": "that is just taking it"}
        if not isinstance(holder, dict):
            return {"host": "a machine that wrote no lease"}
        if holder.get("host") == socket.gethostname():
            return holder if started(int(holder.get("pid", -1))) == holder.get("started") else None
        return holder if time.time() - renewed < self.void_after else None

    def take(self) -> bool:
        """Whether the lease is this object's now; a void one is taken over."""
        if self.path.exists() and self.holder() is None:
            with suppress(OSError):  # of two that take it over, one finds it gone
                void = self.path.with_name(f"lock.lease.{self._token}")
                os.rename(self.path, void)
                void.unlink()
        try:
            descriptor = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            return False
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({**myself(), "token": self._token}, file)
        threading.Thread(target=self._renew, name="search-lease", daemon=True).start()
        return True

    def release(self) -> None:
        """Give the lease back."""
        self._over.set()
        with suppress(OSError, ValueError):
            if json.loads(self.path.read_text(encoding="utf-8")).get("token") == self._token:
                self.path.unlink()

    def _renew(self) -> None:
        while not self._over.wait(RENEWED_EVERY):
            with suppress(OSError):  # a directory that was removed is the journal's to say
                os.utime(self.path)
