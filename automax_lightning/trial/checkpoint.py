"""What a trial keeps in its directory, and what its checkpoints say of it: every path and every key, spelled once.

What a checkpoint says of its trial is read without torch, without the tensors, and without running anything of the file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import itertools
import json
import pickle
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from automax_lightning.errors import CheckpointError, UntrustedCheckpointError
from automax_lightning.trial.records import CurvePoint, Objective, Status, TrialResult, TrialSpec
from automax_lightning.trial.score_file import FILE
from automax_lightning.utils.serialization import encode_values
from automax_lightning.utils.torch_files import damage_in, plain_values

BEST, SCORES = "best.ckpt", FILE
"""Names of the best epoch's checkpoint and of its scores, in a trial's directory and in ``<experiment_name>_best``."""

_KEY = "automax_lightning"
"""Under Lightning's ``callbacks`` key every later `Trainer` that loads the file would ask for our callback."""


@dataclasses.dataclass(frozen=True)
class TrialFiles:
    """Where a trial keeps its files.

    Args:
        directory: the trial's own, ``<search>/trials/0001``.

    Example:
        >>> files = TrialFiles.of(Path("out/mine"), 7)
        >>> files.best.as_posix(), files.error.as_posix()
        ('out/mine/trials/0007/checkpoints/best.ckpt', 'out/mine/trials/0007/error.txt')
    """

    directory: Path

    @classmethod
    def of(cls, search: Path, number: int) -> TrialFiles:
        """The files of one trial of a search.

        Args:
            search: directory of the search; an empty path for paths relative to it.
            number: number of the trial, from 1.
        """
        return cls(search / "trials" / f"{number:04d}")

    @property
    def checkpoints(self) -> Path:
        """The directory of the trial's checkpoints."""
        return self.directory / "checkpoints"

    @property
    def best(self) -> Path:
        """The checkpoint of the best epoch."""
        return self.checkpoints / BEST

    @property
    def last(self) -> Path:
        """The checkpoint of the newest whole epoch, from which a trial is resumed."""
        return self.checkpoints / "last.ckpt"

    @property
    def fresh(self) -> Path:
        """The checkpoint that is being written; it takes its name by rename."""
        return self.checkpoints / "fresh.ckpt"

    @property
    def link(self) -> Path:
        """The second name of `fresh` that becomes `best` by rename."""
        return self.checkpoints / "best.link"

    @property
    def scores(self) -> Path:
        """Scores and labels of the best epoch."""
        return self.checkpoints / SCORES

    @property
    def error(self) -> Path:
        """The traceback of a trial that raised."""
        return self.directory / "error.txt"

    @property
    def stack(self) -> Path:
        """The stacks of all threads of a trial that hung."""
        return self.directory / "stack.txt"

    @property
    def runs(self) -> Path:
        """The names that logging services gave to the trial's runs."""
        return self.directory / "runs.json"

    @property
    def trial_json(self) -> Path:
        """The trial as another process reads it."""
        return self.directory / "trial.json"

    @property
    def user_checkpoints(self) -> Path:
        """The directory in which the user's own ``ModelCheckpoint`` callbacks write."""
        return self.directory / "model_checkpoints"

    @property
    def only_for_resuming(self) -> tuple[Path, ...]:
        """The files that nobody needs once the trial is over."""
        return (self.last, self.fresh, self.link)


@dataclasses.dataclass(frozen=True)
class TrialIdentity:
    """Whose checkpoint it is; what is not known is None.

    Args:
        search: id of the search.
        trial: number of the trial, from 1.
        configuration: digest of the hyperparameters.
        seed: seed of weights, batches and dropout, 0 .. 2**32 - 1.
        split: digest of how its rows are divided.
    """

    search: str | None = None
    trial: int | None = None
    configuration: str | None = None
    seed: int | None = None
    split: str | None = None

    @classmethod
    def of(cls, spec: TrialSpec) -> TrialIdentity:
        """The identity of a trial."""
        split = None if spec.split is None else _digest(dataclasses.asdict(spec.split))
        return cls(spec.search or None, spec.number, _digest(encode_values(spec.configuration)), spec.seed, split)

    def contradictions(self, other: TrialIdentity) -> list[str]:
        """What both know and do not agree in, as pieces of a sentence: ``seed 1 instead of 2``."""
        ours, theirs = dataclasses.asdict(self), dataclasses.asdict(other)
        in_both = [name for name in ours if ours[name] is not None and theirs[name] is not None]
        return [f"{name} {theirs[name]} instead of {ours[name]}" for name in in_both if ours[name] != theirs[name]]


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


@dataclasses.dataclass(frozen=True)
class TrialCheckpoint:
    """What a trial's checkpoint says of the trial.

    Args:
        curve: best score in each epoch that had ended (index 0 is epoch 1), NaN where it was undefined.
        best_epoch: epoch (from 1) of the best score, or None.
        metrics: logged key -> value at the best validation.
        seconds: wall-clock seconds spent, over all resumptions.
        identity: whose checkpoint it is; version 0.1.0 did not say.
        epochs: epochs trained, with the one in which it was written.
        global_step: optimizer steps done.
        points: the target at each validation; version 0.1.0 kept none.
        best: the best of them; version 0.1.0 named its epoch alone.
    """

    curve: tuple[float, ...] = ()
    best_epoch: int | None = None
    metrics: Mapping[str, float] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0
    identity: TrialIdentity = dataclasses.field(default_factory=TrialIdentity)
    epochs: int = 0
    global_step: int = 0
    points: tuple[CurvePoint, ...] = ()
    best: CurvePoint | None = None

    @property
    def score(self) -> float | None:
        """The score of the best validation, or None."""
        return None if self.best_point is None else self.best_point.score

    @property
    def best_point(self) -> CurvePoint | None:
        """The best validation; of a checkpoint of version 0.1.0 without its step."""
        if self.best is not None or self.best_epoch is None:
            return self.best
        return CurvePoint(self.best_epoch, 0, self.curve[self.best_epoch - 1])

    def write_into(self, checkpoint: MutableMapping[str, Any]) -> None:
        """Add this to the content of a Lightning checkpoint, which has the numbers of epochs and steps by itself."""
        checkpoint[_KEY] = {
            "curve": list(self.curve),
            "best_epoch": self.best_epoch,
            "metrics": dict(self.metrics),
            "seconds": self.seconds,
            "identity": dataclasses.asdict(self.identity),
            "points": [list(point) for point in self.points],
            "best": None if self.best is None else list(self.best),
        }

    @classmethod
    def find_in(cls, checkpoint: Mapping[str, Any]) -> TrialCheckpoint | None:
        """The inverse of `write_into`; None for a checkpoint that no trial has written."""
        kept = checkpoint.get(_KEY)
        if kept is None:
            return None
        curve, best_epoch = tuple(kept["curve"]), kept["best_epoch"]
        points = tuple(CurvePoint(*point) for point in kept.get("points", []))
        best = kept.get("best")
        return cls(
            curve, best_epoch, dict(kept["metrics"]), float(kept["seconds"]), TrialIdentity(**kept.get("identity", {})),
            int(checkpoint["epoch"]) + 1, int(checkpoint["global_step"]), points, None if best is None else CurvePoint(*best),
        )  # fmt: skip

    def logged_key(self, objective: Objective) -> str:
        """The key under which the target was logged.

        Args:
            objective: of the search.
        """
        return next((key for key in objective.keys if key in self.metrics), objective.keys[0])


def read_checkpoint(path: Path) -> TrialCheckpoint:
    """What a trial's checkpoint says of the trial; the file cannot run anything, whoever wrote it.

    Args:
        path: a trial's ``best.ckpt`` or ``last.ckpt``.

    Raises:
        CheckpointError: if the file is damaged, or was not written by a trial.
        OSError: if it cannot be read.
    """
    try:
        record = TrialCheckpoint.find_in(plain_values(path))
    except OSError:
        raise
    except Exception as error:  # what an unpickler says of a damaged file can be anything
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    if record is None:
        raise CheckpointError(str(path), "a checkpoint that a trial has written", "another one", "Check the path.")
    return record


def _damaged(path: Path, why: str) -> CheckpointError:
    return CheckpointError(str(path), "a whole checkpoint", f"a truncated or damaged file ({why})", "Restore it, or train again.")


def _check_whole(path: Path) -> None:
    damage = damage_in(path)
    if damage is not None:
        raise _damaged(path, damage)


def load_checkpoint(path: Path, *, trust: bool = False) -> dict[str, Any]:
    """The whole content of a trial's checkpoint, on the CPU.

    Args:
        path: of the file.
        trust: whether objects in the file may run code of theirs; if not, only tensors and plain values are loaded.

    Raises:
        CheckpointError: if the file is truncated or damaged, or holds objects that are not trusted.
    """
    _check_whole(path)
    return _load(path, trust=trust)


def check_trust(path: Path, *, trust: bool) -> None:
    """Raise if a checkpoint could not be loaded; its tensors are not read.

    Args:
        path: of the file.
        trust: as of `load_checkpoint`; nothing is checked then.

    Raises:
        UntrustedCheckpointError: if the file holds objects that are not trusted.
    """
    if not trust:
        _load(path, trust=False, mmap=True)


def _load(path: Path, *, trust: bool, mmap: bool = False) -> dict[str, Any]:
    import torch

    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=not trust, mmap=mmap)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL (\S+)", str(error))
        name = named.group(1) if named else "a class that torch does not know"
        raise UntrustedCheckpointError(
            str(path), "tensors and plain values, which load without running code", f"an object of {name}",
            f"Allow the class with torch.serialization.add_safe_globals([{name if named else 'TheClass'}]), or pass trust=True "
            "(Fit, AutoMAXConfig, load_best_model) if you trust whoever wrote the file.",
        ) from error  # fmt: skip
    return content


def resumable(files: TrialFiles, identity: TrialIdentity) -> TrialCheckpoint | None:
    """What ``last.ckpt`` says, if the trial may be resumed from it; one of another trial or a damaged one is set aside.

    Args:
        files: where the checkpoint lies.
        identity: whose it must be.

    Returns:
        None if the trial starts anew.
    """
    if not files.last.exists():
        return None
    try:
        kept = read_checkpoint(files.last)
        _check_whole(files.last)
    except CheckpointError as error:
        _set_aside([files.last], "damaged", error.found)
        return None
    wrong = identity.contradictions(kept.identity)
    if wrong:
        _set_aside([files.last, files.best, files.scores], "foreign", f"it belongs to another trial ({', '.join(wrong)})")
        return None
    return kept


def _set_aside(paths: Iterable[Path], kind: str, why: str) -> None:
    """Rename files that are not this trial's, over nothing that was set aside before; another rank may have done so."""
    kept = []
    for path in paths:
        name = next(free for free in _names(path, kind) if not free.exists())
        with contextlib.suppress(FileNotFoundError):
            path.rename(name)
            kept.append(name)
    if kept:
        warnings.warn(f"{kept[0].with_suffix('')} is not resumed from: {why}. It is kept as {kept[0]}; the trial starts anew.",
                      stacklevel=4)  # fmt: skip


def _names(path: Path, kind: str) -> Iterator[Path]:
    yield path.with_name(f"{path.name}.{kind}")
    yield from (path.with_name(f"{path.name}.{kind}{index}") for index in itertools.count(2))


def newest_best(files: TrialFiles, identity: TrialIdentity) -> TrialCheckpoint | None:
    """What ``best.ckpt`` says, which a trial that was killed in an epoch may have written after its ``last.ckpt``.

    Args:
        files: where the checkpoint lies.
        identity: whose it must be.

    Returns:
        None if there is none of this trial.
    """
    if not files.best.exists():
        return None
    try:
        kept = read_checkpoint(files.best)
    except CheckpointError:  # it is replaced at the next validation that is better
        return None
    return None if identity.contradictions(kept.identity) else kept


def salvage(spec: TrialSpec, status: Status, reason: str) -> TrialResult:
    """The result of a trial whose process is gone, with the curve and the best score of its checkpoints.

    Args:
        spec: the trial.
        status: why it is gone.
        reason: the same as a sentence.
    """
    empty = TrialResult(spec.number, status, reason=reason)
    if spec.directory is None:
        return empty
    files, identity = TrialFiles(spec.directory), TrialIdentity.of(spec)
    best, last = newest_best(files, identity), _newest_last(files, identity)
    if best is None:
        return (
            empty
            if last is None
            else dataclasses.replace(empty, epochs=len(last.curve), curve=last.curve, points=last.points, seconds=last.seconds)
        )
    newest = best if last is None or len(best.points) > len(last.points) else last
    metrics = {key.removeprefix("val/"): value for key, value in best.metrics.items() if key.startswith("val/")}
    return dataclasses.replace(
        empty, score=best.score, val=metrics or dict(best.metrics), epochs=len(newest.curve), best_epoch=best.best_epoch,
        curve=newest.curve, points=newest.points, best_step=None if best.best is None else best.best.step,
        seconds=newest.seconds, checkpoint=files.best,
    )  # fmt: skip


def _newest_last(files: TrialFiles, identity: TrialIdentity) -> TrialCheckpoint | None:
    if not files.last.exists():
        return None
    try:
        kept = read_checkpoint(files.last)
    except CheckpointError:  # it is set aside when the trial is resumed
        return None
    return None if identity.contradictions(kept.identity) else kept
