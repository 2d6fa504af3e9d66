"""From an exception to the status of the trial that it ended."""

from __future__ import annotations

import torch

from automax_lightning.errors import AutoMAXError, BatchError, NonFiniteError
from automax_lightning.trial.records import Status


def classify(exception: BaseException) -> tuple[Status, str]:
    """The status and the one-line reason of a trial that ended in `exception`.

    Example:
        >>> classify(MemoryError("no room"))[0].name
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
