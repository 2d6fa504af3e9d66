"""Which devices and how many threads each of several workers gets."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import torch

from automax_lightning.errors import ConfigError


def visible_devices(environment: Mapping[str, str]) -> list[str]:
    """The CUDA devices that this process may use, by the names that CUDA_VISIBLE_DEVICES takes; asks without using them.

    Args:
        environment: usually ``os.environ``.

    Example:
        >>> visible_devices({"CUDA_VISIBLE_DEVICES": "2,3"})
        ['2', '3']
    """
    listed = environment.get("CUDA_VISIBLE_DEVICES")
    if listed is not None:
        return [name.strip() for name in listed.split(",") if name.strip() not in ("", "-1")]
    return [str(index) for index in range(torch.cuda.device_count())]


def device_slots(n_workers: int, gpus_per_trial: int | None, devices: Sequence[str]) -> list[str | None]:
    """The value of CUDA_VISIBLE_DEVICES of each worker; None leaves it as it is.

    Args:
        n_workers: number of workers.
        gpus_per_trial: devices of each worker; 0 hides all; None deals them out in turn where there are any.
        devices: the names of all devices.

    Raises:
        ConfigError: if there are too few devices.

    Example:
        >>> device_slots(2, 2, ["0", "1", "2", "3"]), device_slots(3, None, ["0", "1"]), device_slots(2, None, [])
        (['0,1', '2,3'], ['0', '1', '0'], [None, None])
    """
    if gpus_per_trial is None:
        return [devices[index % len(devices)] if devices else None for index in range(n_workers)]
    if n_workers * gpus_per_trial > len(devices):
        raise ConfigError(
            "AutoMAXConfig.gpus_per_trial",
            f"at most {len(devices) // n_workers}, for {n_workers} workers on {len(devices)} GPUs", str(gpus_per_trial),
            "Use fewer workers, or fewer GPUs for each trial.",
        )  # fmt: skip
    starts = range(0, n_workers * max(gpus_per_trial, 1), max(gpus_per_trial, 1))
    return [",".join(devices[start : start + gpus_per_trial]) for start in starts]


def threads_of_worker(n_workers: int, environment: Mapping[str, str]) -> int:
    """Threads of one of several workers, so that together they have the machine; never more than the user allows.

    Args:
        n_workers: number of workers.
        environment: usually ``os.environ``; its OMP_NUM_THREADS is an upper bound.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = max(1, cores // n_workers)
    allowed = environment.get("OMP_NUM_THREADS", "")
    return min(share, int(allowed)) if allowed.isdigit() and int(allowed) > 0 else share
