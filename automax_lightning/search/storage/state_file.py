"""``state.pkl``: the log in the original AutoMAX's form, written whole and read without running code from it."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path
from typing import Any

from automax_lightning.errors import JournalError


def write_state(path: Path, log: list[dict[str, Any]]) -> None:
    """Write the log so that a crash leaves the old file or the new one.

    Args:
        path: where.
        log: dictionaries of plain Python values.
    """
    write_atomically(path, pickle.dumps(log, protocol=4))


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file by rename, synced to the disk."""
    fresh = path.with_name(f"{path.name}.new")
    with open(fresh, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def read_state(path: Path) -> list[dict[str, Any]]:
    """The log of a ``state.pkl``; refuses anything but plain containers and numbers.

    Raises:
        JournalError: if the file holds something else, which could run code, or is damaged.
    """
    try:
        log: list[dict[str, Any]] = _PlainUnpickler(io.BytesIO(path.read_bytes())).load()
    except (pickle.UnpicklingError, EOFError, ValueError) as error:
        raise JournalError(
            str(path), "a list of plain dictionaries", str(error), "Delete it; journal.jsonl holds everything."
        ) from error
    return log


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"the object {module}.{name}")
