"""A trial as files, for another process: ``trial.json`` and the pickled factory. It knows nothing of the search."""

from __future__ import annotations

import dataclasses
import io
import json
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cloudpickle
import torch
from lightning.pytorch.loggers import WandbLogger

from automax_lightning.errors import ExecutionError
from automax_lightning.search.executors.base import Trainable
from automax_lightning.search.storage.state_file import write_atomically
from automax_lightning.space.autopartial import configuration
from automax_lightning.trial.fit import Fit
from automax_lightning.trial.loggers import arguments_of, made_again
from automax_lightning.trial.records import Objective, Status, TrialResult, TrialSpec
from automax_lightning.trial.records_json import spec_from_json, spec_to_json


@dataclasses.dataclass(frozen=True)
class TrialFile:
    """Everything that a process needs to run a trial.

    Args:
        spec: what to run, and where.
        objective: which logged value is the score.
        factory: the pickled factory.
        root: the directory to which paths are relative.
        time_limit: seconds the trial may train.
        verbose: show Lightning's own bars and messages.
    """

    spec: TrialSpec
    objective: Objective
    factory: Path
    root: Path
    time_limit: float | None = None
    verbose: bool = False

    def write(self) -> Path:
        """Write ``trial.json`` into the trial's directory."""
        assert self.spec.directory is not None
        self.spec.directory.mkdir(parents=True, exist_ok=True)
        path = self.spec.directory / "trial.json"
        content = {
            "trial": spec_to_json(self.spec, self.root), "target": self.objective.target, "mode": self.objective.mode,
            "factory": str(self.factory), "root": str(self.root), "time_limit": self.time_limit, "verbose": self.verbose,
        }  # fmt: skip
        write_atomically(path, json.dumps(content, indent=1).encode())
        return path

    @classmethod
    def read(cls, path: Path) -> TrialFile:
        """The inverse of `write`."""
        content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        root = Path(content["root"])
        objective = Objective(content["target"], content["mode"])
        spec = spec_from_json(content["trial"], root)
        return cls(spec, objective, Path(content["factory"]), root, content["time_limit"], content["verbose"])


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


def make_trainable(trainer: Any, spec: TrialSpec, *, verbose: bool) -> Trainable:
    """The trial's `Fit`, from a factory with a space ``cs``."""
    made: Trainable = trainer(configuration(trainer.cs, spec.configuration))
    if verbose and isinstance(made, Fit):
        made.verbose = True
    return made


def salvage(spec: TrialSpec, status: Status, reason: str) -> TrialResult:
    """The result of a trial whose process is gone, with the curve and the best score of its last checkpoint.

    Args:
        spec: the trial.
        status: why it is gone.
        reason: the same as a sentence.
    """
    empty = TrialResult(spec.number, status, reason=reason)
    folder = Path() if spec.directory is None else spec.directory / "checkpoints"
    if not (folder / "last.ckpt").exists():
        return empty
    # Our own file; a user's module may keep any object in its checkpoint.
    kept = torch.load(folder / "last.ckpt", map_location="cpu", weights_only=False)["automax_lightning"]
    curve, best = tuple(kept["curve"]), kept["best_epoch"]
    metrics = {key.removeprefix("val/"): value for key, value in kept["metrics"].items() if key.startswith("val/")}
    return dataclasses.replace(
        empty, score=None if best is None else curve[best - 1], val=metrics, epochs=len(curve), best_epoch=best, curve=curve,
        seconds=kept["seconds"], checkpoint=folder / "best.ckpt" if (folder / "best.ckpt").exists() else None,
    )  # fmt: skip
