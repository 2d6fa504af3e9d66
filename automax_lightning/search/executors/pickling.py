"""The factory as a file for another process, and which part of it cannot be pickled."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cloudpickle
from lightning.pytorch.loggers import WandbLogger

from automax_lightning.errors import ExecutionError
from automax_lightning.trial.loggers import arguments_of, made_again
from automax_lightning.trial.records import Trainable
from automax_lightning.utils.files import write_atomically


def write_factory(trainer: Any, path: Path) -> None:
    """Pickle a factory by value where it is local: lambdas and classes of a notebook too.

    Raises:
        ExecutionError: if a part of it cannot be pickled; it is named.
    """
    try:
        content = _pickled(trainer)
    except Exception as error:
        raise ExecutionError(
            _offender(trainer, "trainer"), "something that another process can be sent", f"{type(error).__name__}: {error}",
            "Make it inside the factory instead, or pass executor='inline'.",
        ) from error  # fmt: skip
    write_atomically(path, content)


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Sends loggers by the arguments that they were made with where their own state would begin a run."""

    def reducer_override(self, obj: Any) -> Any:
        # Lightning's WandbLogger begins a run when it is pickled, to be joined by spawned ranks; a trial begins its own.
        if isinstance(obj, WandbLogger):
            return made_again, (type(obj), arguments_of(obj))
        return super().reducer_override(obj)


def _pickled(value: Any) -> bytes:
    content = io.BytesIO()
    _Pickler(content).dump(value)
    return content.getvalue()


def _offender(value: Any, where: str, depth: int = 0) -> str:
    """The dotted path of the innermost part that cannot be pickled."""
    for name, part in _parts(value):
        if not _can_be_pickled(part):
            return _offender(part, f"{where}{name}", depth + 1) if depth < 12 else f"{where}{name}"
    return where


def _can_be_pickled(value: Any) -> bool:
    try:
        _pickled(value)
    except Exception:  # whatever a user's __reduce__ raises
        return False
    return True


def _parts(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [(f"[{key!r}]", part) for key, part in value.items()]
    if isinstance(value, (list, tuple)):
        return [(f"[{index}]", part) for index, part in enumerate(value)]
    parts = [(f".{name}", part) for name, part in getattr(value, "__dict__", {}).items()]
    names, cells = getattr(getattr(value, "__code__", None), "co_freevars", ()), getattr(value, "__closure__", None) or ()
    return parts + [(f" (variable {name!r})", cell.cell_contents) for name, cell in zip(names, cells, strict=True)]


def read_factory(path: Path) -> Callable[..., Trainable]:
    """The factory of a search on this machine: our own file, written a moment ago."""
    with open(path, "rb") as file:
        factory: Callable[..., Trainable] = pickle.load(file)
    return factory
