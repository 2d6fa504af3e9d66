from __future__ import annotations

import pytest
import torch

from automax_lightning import Status
from automax_lightning.trial.result import status_of


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MemoryError("no room"), Status.OUT_OF_MEMORY),
        (torch.OutOfMemoryError("CUDA out of memory"), Status.OUT_OF_MEMORY),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: 8 bytes"),
            Status.OUT_OF_MEMORY,
        ),
        (RuntimeError("shapes differ"), Status.CRASHED),
        (ValueError("DefaultCPUAllocator: can't allocate memory"), Status.CRASHED),
    ],
)
def test_what_was_raised_is_classified(error: Exception, status: Status) -> None:
    assert status_of(error)[0] is status


def test_memory_that_torch_cannot_get_is_out_of_memory() -> None:
    with pytest.raises(RuntimeError, match="DefaultCPUAllocator") as raised:
        torch.empty(2**60)
    assert status_of(raised.value)[0] is Status.OUT_OF_MEMORY
