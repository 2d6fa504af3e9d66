from __future__ import annotations

import random

import numpy as np
import torch

from automax_lightning import ReproducibleEpochs
from automax_lightning.trial.seeding import epoch_seed, seed_all


def draws() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), torch.rand(1).item()


def test_one_seed_seeds_everything() -> None:
    seed_all(3)
    first = draws()
    seed_all(3)
    assert draws() == first
    seed_all(4)
    assert draws() != first


def test_seeds_differ_by_seed_epoch_and_rank() -> None:
    found = {epoch_seed(seed, epoch, rank) for seed in range(4) for epoch in range(4) for rank in range(4)}
    assert len(found) == 64
    assert all(0 <= seed < 2**63 for seed in found)


def test_the_callback_keeps_no_state() -> None:
    assert ReproducibleEpochs(1).state_dict() == {}
