"""Files of `torch.save`, looked into with the standard library alone: their plain values, and whether they are whole."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any


class _Inert:
    """In place of everything in a checkpoint that is not a plain value: made, filled and forgotten, never run."""

    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    def __call__(self, *args: Any, **kwargs: Any) -> _Inert:
        return self

    def __setitem__(self, key: Any, value: Any) -> None: ...

    def __setstate__(self, state: Any) -> None: ...

    def append(self, value: Any) -> None:
        """As of a list."""

    def extend(self, values: Any) -> None:
        """As of a list."""

    def add(self, value: Any) -> None:
        """As of a set."""


class _PlainValues(pickle.Unpickler):
    """Reads plain values, and imports nothing: every class and function of the file is `_Inert`."""

    def find_class(self, module: str, name: str) -> Any:
        return _Inert

    def persistent_load(self, pid: Any) -> Any:
        return _Inert()


def plain_values(path: Path) -> Any:
    """The content of a file of `torch.save` without its tensors and objects; nothing of it is run, whoever wrote it.

    Args:
        path: of the file.

    Returns:
        What was saved; in the place of each tensor and object stands something that cannot do anything.

    Raises:
        Exception: of any class, if the file is damaged or something else.
    """
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
        return _PlainValues(io.BytesIO(archive.read(name))).load()


def damage_in(path: Path) -> str | None:
    """How a file of `torch.save` differs from what was written, as part of a sentence; None if it is whole.

    torch compares no checksums: it takes a changed weight for a weight.

    Args:
        path: of the file, which is read to its end.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except (zipfile.BadZipFile, EOFError, ValueError) as error:
        return str(error)
    return None if broken is None else f"{broken} has another checksum"
