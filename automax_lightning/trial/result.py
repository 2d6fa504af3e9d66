"""How a trial ended: from what its recorder has seen to a `TrialResult`."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

import lightning as L
import torch

from automax_lightning.errors import AutoMAXError, BatchError, CheckpointError, NonFiniteError
from automax_lightning.trial.recorder import TrialRecorder
from automax_lightning.trial.records import Status, TrialResult


def verdict(recorder: TrialRecorder, trainer: L.Trainer) -> tuple[Status, str]:
    """The status of a trial that raised nothing, and the reason for every status but success.

    Args:
        recorder: of the trial.
        trainer: whose callbacks may know why a score is undefined: by ``reasons``, logged key -> sentence.

    Raises:
        CheckpointError: if the best epoch's checkpoint is not on disk: such a trial has not succeeded.
    """
    if recorder.ended_by is not None:
        return recorder.ended_by, recorder.reason
    if recorder.best_epoch is None:
        return _why_undefined(recorder, trainer)
    if not recorder.files.best.exists():
        raise CheckpointError(str(recorder.files.best), "the best epoch's checkpoint", "no file", "Check the disk's free space.")
    return Status.SUCCESS, ""


def _why_undefined(recorder: TrialRecorder, trainer: L.Trainer) -> tuple[Status, str]:
    for callback in getattr(trainer, "callbacks", []):
        for key, reason in getattr(callback, "reasons", {}).items():
            if key in recorder.objective.keys:
                status = Status.NON_FINITE if "finite" in reason else Status.UNDEFINED
                return status, f"{key}: {reason}"
    return Status.NON_FINITE, f"the target {recorder.objective.target} was NaN after every epoch"


def outcome(
    number: int, recorder: TrialRecorder, test: Mapping[str, float], status: Status, reason: str, exception: BaseException | None
) -> TrialResult:
    """The result of a trial.

    Args:
        number: of the trial.
        recorder: of the trial.
        test: metric name -> value on the test split.
        status: how it ended.
        reason: the same as a sentence.
        exception: what it raised, or None.
    """
    best = recorder.best_epoch
    return TrialResult(
        number=number,
        status=status,
        score=None if best is None else recorder.curve[best - 1],
        val=split_metrics(recorder.metrics, "val/") or dict(recorder.metrics),
        test=test,
        epochs=len(recorder.curve),
        best_epoch=best,
        curve=tuple(recorder.curve),
        seconds=recorder.seconds,
        checkpoint=recorder.files.best if best is not None and recorder.files.best.exists() else None,
        reason=reason,
        error=None if exception is None else "".join(traceback.format_exception(exception)),
    )


def split_metrics(metrics: Mapping[str, Any], prefix: str) -> dict[str, float]:
    """The metrics of one split, without its prefix.

    Args:
        metrics: logged key -> value.
        prefix: ``"val/"`` or ``"test/"``.

    Example:
        >>> split_metrics({"val/AUROC": 0.9, "train/loss": 0.1}, "val/")
        {'AUROC': 0.9}
    """
    return {key.removeprefix(prefix): float(value) for key, value in metrics.items() if key.startswith(prefix)}


def status_of(exception: BaseException) -> tuple[Status, str]:
    """The status and the one-line reason of a trial that ended in `exception`.

    Example:
        >>> status_of(MemoryError("no room"))[0].name
        'OUT_OF_MEMORY'
    """
    reason = str(exception) if isinstance(exception, AutoMAXError) else f"{type(exception).__name__}: {exception}"
    kinds: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Status], ...] = (
        (NonFiniteError, Status.NON_FINITE),
        (BatchError, Status.NO_POSITIVES),
        ((torch.OutOfMemoryError, MemoryError), Status.OUT_OF_MEMORY),
    )
    status = next((status for kind, status in kinds if isinstance(exception, kind)), Status.CRASHED)
    return status, reason.strip().split("\n")[0]
