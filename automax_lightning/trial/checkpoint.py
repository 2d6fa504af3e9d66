"""What a trial keeps in its directory, and what its checkpoint says of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch

from automax_lightning.trial.records import Objective, Status, TrialResult, TrialSpec

KEY = "automax_lightning"


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


def progress_of(checkpoint: Path | None) -> tuple[int, int]:
    """Epochs and optimizer steps in a checkpoint of a trial; (0, 0) for None.

    Args:
        checkpoint: our own file.
    """
    if checkpoint is None:
        return 0, 0
    content = torch.load(checkpoint, map_location="cpu", weights_only=False)
    return int(content["epoch"]) + 1, int(content["global_step"])


def logged_key(checkpoint: Path, objective: Objective) -> str:
    """The key under which the target was logged, as the trial's checkpoint knows it.

    Args:
        checkpoint: of a trial.
        objective: of the search.
    """
    # Our own file; a user's module may keep any object in its checkpoint.
    metrics = torch.load(checkpoint, map_location="cpu", weights_only=False)["automax_lightning"]["metrics"]
    return next((key for key in objective.keys if key in metrics), objective.keys[0])
