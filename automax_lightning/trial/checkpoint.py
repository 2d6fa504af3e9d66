"""What a trial keeps in its directory, and what its checkpoints say of it: every path and every key, spelled once.

Reading paths needs no torch: it is imported where a checkpoint is loaded.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from automax_lightning.errors import CheckpointError
from automax_lightning.trial.records import Objective, Status, TrialResult, TrialSpec
from automax_lightning.trial.score_file import FILE

BEST, SCORES = "best.ckpt", FILE
"""Names of the best epoch's checkpoint and of its scores, in a trial's directory and in ``<experiment_name>_best``."""

_KEY = "automax_lightning"
"""Under Lightning's ``callbacks`` key every later `Trainer` that loads the file would ask for our callback."""


@dataclasses.dataclass(frozen=True)
class TrialFiles:
    """Where a trial keeps its files.

    Args:
        directory: of the trial.

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
class TrialCheckpoint:
    """What a trial's checkpoint says of the trial.

    Args:
        curve: score after each epoch (index 0 is epoch 1), NaN where it was undefined.
        best_epoch: epoch (from 1) of the best score, or None.
        metrics: logged key -> value at the best epoch.
        seconds: wall-clock seconds spent, over all resumptions.
        epochs: whole epochs trained.
        global_step: optimizer steps done.
    """

    curve: tuple[float, ...] = ()
    best_epoch: int | None = None
    metrics: Mapping[str, float] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0
    epochs: int = 0
    global_step: int = 0

    @property
    def score(self) -> float | None:
        """The score of the best epoch, or None."""
        return None if self.best_epoch is None else self.curve[self.best_epoch - 1]

    def write_into(self, checkpoint: MutableMapping[str, Any]) -> None:
        """Add this to the content of a Lightning checkpoint, which has the numbers of epochs and steps by itself."""
        kept = {"curve": list(self.curve), "best_epoch": self.best_epoch, "metrics": dict(self.metrics), "seconds": self.seconds}
        checkpoint[_KEY] = kept

    @classmethod
    def find_in(cls, checkpoint: Mapping[str, Any]) -> TrialCheckpoint | None:
        """The inverse of `write_into`; None for a checkpoint that no trial has written."""
        kept = checkpoint.get(_KEY)
        if kept is None:
            return None
        return cls(
            tuple(kept["curve"]), kept["best_epoch"], dict(kept["metrics"]), float(kept["seconds"]),
            int(checkpoint["epoch"]) + 1, int(checkpoint["global_step"]),
        )  # fmt: skip

    def logged_key(self, objective: Objective) -> str:
        """The key under which the target was logged.

        Args:
            objective: of the search.
        """
        return next((key for key in objective.keys if key in self.metrics), objective.keys[0])


def read_checkpoint(path: Path) -> TrialCheckpoint:
    """What a trial's checkpoint says of the trial.

    Args:
        path: a trial's ``best.ckpt`` or ``last.ckpt``.

    Raises:
        CheckpointError: if the file was not written by a trial.
    """
    record = TrialCheckpoint.find_in(load_checkpoint(path))
    if record is None:
        raise CheckpointError(str(path), "a checkpoint that a trial has written", "another one", "Check the path.")
    return record


def load_checkpoint(path: Path) -> dict[str, Any]:
    """The whole content of a trial's checkpoint, on the CPU.

    Args:
        path: of the file.
    """
    import torch

    # Our own file; a user's module may keep any object in its checkpoint.
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=False)
    return content


def salvage(spec: TrialSpec, status: Status, reason: str) -> TrialResult:
    """The result of a trial whose process is gone, with the curve and the best score of its last checkpoint.

    Args:
        spec: the trial.
        status: why it is gone.
        reason: the same as a sentence.
    """
    empty = TrialResult(spec.number, status, reason=reason)
    files = None if spec.directory is None else TrialFiles(spec.directory)
    if files is None or not files.last.exists():
        return empty
    kept = read_checkpoint(files.last)
    metrics = {key.removeprefix("val/"): value for key, value in kept.metrics.items() if key.startswith("val/")}
    return dataclasses.replace(
        empty, score=kept.score, val=metrics, epochs=len(kept.curve), best_epoch=kept.best_epoch, curve=kept.curve,
        seconds=kept.seconds, checkpoint=files.best if files.best.exists() else None,
    )  # fmt: skip
