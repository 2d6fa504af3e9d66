"""Randomness as a function of (seed, epoch): what makes a resumed fit the fit that was never stopped."""

from __future__ import annotations

import random
from typing import Any

import lightning as L
import numpy as np
import torch


def seed_all(seed: int) -> None:
    """Seed Python's, NumPy's and torch's global generators, on all devices.

    Args:
        seed: any non-negative integer below 2**64.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def epoch_seed(seed: int, epoch: int, rank: int = 0) -> int:
    """The seed of one epoch on one rank, in 0 .. 2**63 - 1; different for any two of them.

    Args:
        seed: the trial's seed, 0 .. 2**32 - 1.
        epoch: the epoch, from 0.
        rank: the process, from 0.

    Example:
        >>> epoch_seed(1, 2) == epoch_seed(1, 2), epoch_seed(1, 2) == epoch_seed(2, 1)
        (True, False)
    """
    return int(np.random.SeedSequence((seed, epoch, rank)).generate_state(1, np.uint64)[0] >> np.uint64(1))


class RandomState:
    """Where Python's, NumPy's and torch's global generators stand now, to return there later.

    Example:
        >>> state = RandomState()
        >>> first = torch.rand(2)
        >>> state.restore()
        >>> bool((torch.rand(2) == first).all())
        True
    """

    def __init__(self) -> None:
        self.python, self.numpy, self.torch = random.getstate(), np.random.get_state(), torch.get_rng_state()
        self.cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None  # type: ignore[no-untyped-call]

    def restore(self) -> None:
        """Put the generators back to where they stood."""
        random.setstate(self.python)
        np.random.set_state(self.numpy)
        torch.set_rng_state(self.torch)
        if self.cuda is not None:
            torch.cuda.set_rng_state_all(self.cuda)


class ReproducibleEpochs(L.Callback):
    """Lightning callback that makes dropout, shuffling and augmentation depend on (seed, epoch) only.

    Without it a fit that resumes from a checkpoint draws other random numbers than the fit that was never stopped.
    It keeps no state, so it may be added to either.

    Args:
        seed: the seed of the fit, 0 .. 2**32 - 1.
        first_epoch: the epoch at which this fit starts (from 0): the number of epochs in its checkpoint. It only
            matters where a loader without a generator of its own augments in worker processes.

    Example:
        >>> trainer = L.Trainer(max_epochs=3, callbacks=[ReproducibleEpochs(seed=0)], accelerator="cpu", logger=False)
    """

    def __init__(self, seed: int, first_epoch: int = 0) -> None:
        self.seed = seed
        self.first_epoch = first_epoch
        self._loader_is_ready = True

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Seed what happens before the first epoch, where Lightning makes that epoch's loader iterator."""
        seed_all(epoch_seed(self.seed, self.first_epoch, trainer.global_rank))
        self._loader_is_ready = True

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Seed the epoch's shuffling and augmentation."""
        seed_all(epoch_seed(self.seed, trainer.current_epoch, trainer.global_rank))
        if self._loader_is_ready and _draws_a_base_seed(trainer.train_dataloader):
            # Later epochs make their iterator after this hook, which draws one number for the loader's base seed.
            torch.empty((), dtype=torch.int64).random_()
        self._loader_is_ready = False

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int) -> None:
        """Seed the epoch's dropout, whatever the loader has drawn so far."""
        if batch_idx == 0:
            seed_all(epoch_seed(self.seed, trainer.current_epoch, trainer.global_rank))


def _draws_a_base_seed(loader: Any) -> bool:
    return isinstance(loader, torch.utils.data.DataLoader) and loader.generator is None
