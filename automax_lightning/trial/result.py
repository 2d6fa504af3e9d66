"""How a trial ended: from what its recorder has seen to a `TrialResult`."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning as L
import torch

from automax_lightning.errors import (
    AutoMAXError,
    BatchError,
    CheckpointError,
    NonFiniteError,
    TargetError,
    UntrustedCheckpointError,
)
from automax_lightning.trial.recorder import TrialRecorder
from automax_lightning.trial.records import Status, TrialResult
from automax_lightning.trial.scoring.target import LoggedTarget


def status_of_run(recorder: TrialRecorder, trainer: L.Trainer) -> tuple[Status, str]:
    """The status of a trial that raised nothing, and the reason for every status but success.

    Args:
        recorder: the callback that has watched the trial.
        trainer: whose callbacks may know why a score is undefined: by ``reasons``, logged key -> sentence.

    Raises:
        CheckpointError: if the best epoch's checkpoint is not on disk: such a trial has not succeeded.
        TargetError: if no validation has ended, and training has not logged the target.
    """
    if recorder.ended_by is not None:
        return recorder.ended_by, recorder.reason
    if recorder.curve and not recorder.has_validated and not recorder.progress.points:
        raise _never_validated(recorder, trainer)
    if recorder.best_epoch is None:
        return _why_undefined(recorder, trainer)
    if not recorder.files.best.exists():
        raise CheckpointError(str(recorder.files.best), "the best epoch's checkpoint", "no file", "Check the disk's free space.")
    return Status.SUCCESS, ""


def _never_validated(recorder: TrialRecorder, trainer: L.Trainer) -> TargetError:
    settings = {"val_check_interval": trainer.val_check_interval, "check_val_every_n_epoch": trainer.check_val_every_n_epoch}
    said = ", ".join(f"{name}={value}" for name, value in settings.items())
    why = f"none within {len(recorder.curve)} epochs and {trainer.global_step} steps, with {said}"
    return LoggedTarget(recorder.objective).never_validated(trainer, why)


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
        number: number of the trial, from 1.
        recorder: the callback that has watched it.
        test: metric name -> value on the test split.
        status: how it ended.
        reason: the same as a sentence.
        exception: what it raised, or None.
    """
    progress, files = recorder.progress, recorder.files
    best = progress.best
    return TrialResult(
        number=number,
        status=status,
        score=None if best is None else best.score,
        val=split_metrics(recorder.metrics, "val/") or dict(recorder.metrics),
        test=test,
        epochs=len(progress.epochs),
        best_epoch=None if best is None else best.epoch,
        curve=tuple(progress.epochs),
        seconds=recorder.seconds,
        checkpoint=files.best if best is not None and files.best.exists() else None,
        reason=reason,
        error=None if exception is None else traceback_of(exception),
        points=tuple(progress.points),
        best_step=None if best is None else best.step,
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


_OUT_OF_MEMORY = ("DefaultCPUAllocator", "not enough memory", "can't allocate memory", "CUDA error: out of memory")
"""What torch says, in a plain RuntimeError, where the machine's memory is used up."""


_WRITE_FAILED = ("PytorchStreamWriter failed", "unexpected pos ")
"""What torch says, in a plain RuntimeError, where a file could not be written to its end."""

_USERS_FILES = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)
"""Errors that name a file; of the user's files they are a mistake in the trial, of the trial's own files they are not."""


def is_infrastructure(exception: BaseException, directory: Path | None = None) -> bool:
    """Whether an exception is the fault of a disk, a network or a service, so that the same trial may succeed later.

    Args:
        exception: what a trial raised.
        directory: where the trial keeps its own files.

    Example:
        >>> is_infrastructure(ConnectionResetError()), is_infrastructure(FileNotFoundError(2, "no", "data.csv"))
        (True, False)
    """
    if isinstance(exception, CheckpointError):
        return not isinstance(exception, UntrustedCheckpointError)
    if isinstance(exception, RuntimeError):
        return any(sign in message_of(exception) for sign in _WRITE_FAILED)
    if isinstance(exception, _USERS_FILES):
        file = exception.filename
        return directory is not None and isinstance(file, (str, Path)) and Path(file).absolute().is_relative_to(directory)
    return isinstance(exception, OSError)


def status_of(exception: BaseException, directory: Path | None = None) -> tuple[Status, str]:
    """The status and the one-line reason of a trial that ended in `exception`, whatever that is.

    Args:
        exception: what the trial raised.
        directory: where the trial keeps its own files; that one of them is gone is not the trial's fault.

    Example:
        >>> status_of(MemoryError("no room"))[0].name
        'OUT_OF_MEMORY'
        >>> status_of(SystemExit(3))[1]
        'SystemExit: 3'
    """
    message = message_of(exception)
    reason = message if isinstance(exception, AutoMAXError) else f"{type(exception).__name__}: {message}"
    kinds: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Status], ...] = (
        (NonFiniteError, Status.NON_FINITE),
        (BatchError, Status.NO_POSITIVES),
        ((torch.OutOfMemoryError, MemoryError), Status.OUT_OF_MEMORY),
    )
    status = next((status for kind, status in kinds if isinstance(exception, kind)), Status.CRASHED)
    if isinstance(exception, RuntimeError) and any(sign in message for sign in _OUT_OF_MEMORY):
        status = Status.OUT_OF_MEMORY
    elif is_infrastructure(exception, directory):
        status = Status.LOST
    return status, reason.strip().split("\n")[0]


def message_of(exception: BaseException) -> str:
    r"""What an exception says, as text that can be written to a file.

    Example:
        >>> message_of(ValueError("half a pair: \ud800"))
        'half a pair: \\ud800'
    """
    try:
        return _writable(str(exception))
    except Exception as error:  # a user's own class may fail to say anything
        return f"(no message: its __str__ raised {type(error).__name__})"


def traceback_of(exception: BaseException) -> str:
    """The traceback of an exception, as text that can be written to a file."""
    return _writable("".join(traceback.format_exception(exception)))


def _writable(text: str) -> str:
    """Text with lone surrogates spelled out: no encoding can write them."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def interrupt_in(exception: BaseException) -> bool:
    """Whether this is a KeyboardInterrupt, or the SystemExit by which Lightning answers one.

    Example:
        >>> interrupt_in(KeyboardInterrupt()), interrupt_in(SystemExit(1))
        (True, False)
    """
    if isinstance(exception, SystemExit):
        return isinstance(exception.__context__, KeyboardInterrupt)
    return isinstance(exception, KeyboardInterrupt)
