from __future__ import annotations

import os

import pytest
import torch

from automax_lightning.errors import ConfigError
from automax_lightning.search.executors.devices import device_slots, threads_of_worker, visible_devices


@pytest.mark.parametrize(
    ("workers", "gpus", "devices", "slots"),
    [
        (2, 1, ["0", "1"], ["0", "1"]),
        (2, 2, ["0", "1", "2", "3", "4"], ["0,1", "2,3"]),
        (1, 3, ["4", "7", "9"], ["4,7,9"]),
        (3, 0, ["0"], ["", "", ""]),
        (3, None, ["0", "1"], ["0", "1", "0"]),
        (2, None, [], [None, None]),
        (2, 0, [], ["", ""]),
    ],
)
def test_every_worker_gets_devices_of_its_own(workers: int, gpus: int | None, devices: list[str], slots: list[str]) -> None:
    assert device_slots(workers, gpus, devices) == slots


def test_too_few_gpus_are_said_before_anything_starts() -> None:
    with pytest.raises(ConfigError, match=r"gpus_per_trial: expected at most 1, for 3 workers on 4 GPUs, found 2"):
        device_slots(3, 2, ["0", "1", "2", "3"])


def test_devices_are_counted_without_using_them() -> None:
    assert visible_devices({"CUDA_VISIBLE_DEVICES": " 3, GPU-ab "}) == ["3", "GPU-ab"]
    assert visible_devices({"CUDA_VISIBLE_DEVICES": ""}) == []
    assert visible_devices({"CUDA_VISIBLE_DEVICES": "-1"}) == []
    assert visible_devices({}) == [str(index) for index in range(torch.cuda.device_count())]


def test_the_machine_is_shared_and_the_users_limit_kept() -> None:
    cores = len(os.sched_getaffinity(0))
    assert threads_of_worker(1, {}) == cores
    assert threads_of_worker(cores * 2, {}) == 1
    assert threads_of_worker(1, {"OMP_NUM_THREADS": "1"}) == 1
    assert threads_of_worker(1, {"OMP_NUM_THREADS": "many"}) == cores
