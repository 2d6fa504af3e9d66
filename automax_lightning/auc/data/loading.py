"""How somebody else's DataLoader loads: what is kept of it when its sampler is replaced."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sized
from typing import Any, Protocol, runtime_checkable

from torch.utils.data import (
    BatchSampler,
    DataLoader,
    RandomSampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    WeightedRandomSampler,
    default_collate,
)
from torch.utils.data.distributed import DistributedSampler

from automax_lightning.auc.data.batches import Collate
from automax_lightning.errors import DataError

_ALL_ROWS = (SequentialSampler, RandomSampler, WeightedRandomSampler, DistributedSampler)
"""Samplers of torch that draw from all rows."""


@runtime_checkable
class HasRate(Protocol):
    """A sampler that balances classes itself, as LibAUC's do."""

    sampling_rate: float


@runtime_checkable
class _HasBatchSize(Protocol):
    batch_size: int


@dataclasses.dataclass(frozen=True)
class Loading:
    """The arguments of `torch.utils.data.DataLoader` that say how rows are loaded, and not which.

    Args:
        collate: makes a batch of a list of samples; None for torch's own.
        persistent_workers: whether workers live as long as the loader; otherwise each epoch starts new ones.
        prefetch_factor: batches that a worker loads ahead; None for torch's own number.
        timeout: seconds to wait for a batch of a worker, 0 for ever.
        worker_init_fn: called in each new worker with its number.
        multiprocessing_context: how workers are started; None for the platform's way.
    """

    collate: Collate | None = None
    persistent_workers: bool = False
    prefetch_factor: int | None = None
    timeout: float = 0.0
    worker_init_fn: Callable[[int], None] | None = None
    multiprocessing_context: Any = None

    @classmethod
    def of(cls, loader: DataLoader[Any]) -> Loading:
        """What a loader does."""
        collate = None if loader.collate_fn is default_collate else loader.collate_fn
        return cls(
            collate, loader.persistent_workers, loader.prefetch_factor, loader.timeout, loader.worker_init_fn,
            loader.multiprocessing_context,
        )  # fmt: skip

    def arguments(self, num_workers: int) -> dict[str, Any]:
        """Arguments of `torch.utils.data.DataLoader`; without workers nothing that needs them.

        Args:
            num_workers: at least 0.
        """
        if num_workers == 0:
            return {"num_workers": 0}
        return {
            "num_workers": num_workers, "persistent_workers": self.persistent_workers, "prefetch_factor": self.prefetch_factor,
            "timeout": self.timeout, "worker_init_fn": self.worker_init_fn,
            "multiprocessing_context": self.multiprocessing_context,
        }  # fmt: skip


def batch_size_of(loader: DataLoader[Any]) -> int | None:
    """Samples in a batch; None where only a batch sampler of one's own knows.

    Args:
        loader: of the training split.
    """
    if loader.batch_size is not None:
        return int(loader.batch_size)
    batches: object = loader.batch_sampler
    return batches.batch_size if isinstance(batches, _HasBatchSize) else None


def rate_of(loader: DataLoader[Any]) -> float | None:
    """The share of positives that the loader's own sampler aims at; None if it does not balance.

    Args:
        loader: of the training split.
    """
    samplers: tuple[object, ...] = (loader.sampler, loader.batch_sampler)
    for sampler in samplers:
        if isinstance(sampler, HasRate):
            return float(sampler.sampling_rate)
    return None


def rows_of(loader: DataLoader[Any], split: str) -> Any:
    """The dataset of a loader, without the rows that its sampler leaves out.

    How a training sampler orders and weighs rows is not asked: a class-balanced one takes its place.

    Args:
        loader: of any split.
        split: its name, for the message.

    Raises:
        DataError: if the sampler, or a batch sampler, chooses rows in a way that nobody knows.
    """
    batches: object = loader.batch_sampler
    sampler: Any = batches.sampler if isinstance(batches, BatchSampler) else batches or loader.sampler
    if isinstance(sampler, SubsetRandomSampler):
        return Subset(loader.dataset, list(sampler.indices))
    is_replaced = split == "train" and sampler is batches
    is_whole = isinstance(sampler, (*_ALL_ROWS, HasRate))
    if is_replaced or is_whole or _draws_as_many(sampler, loader.dataset):
        return loader.dataset
    raise DataError(
        f"data.{split}_dataloader", "a sampler of torch, which is known to draw from all rows or from a list of them",
        type(sampler).__name__, "Put the rows into a torch.utils.data.Subset, and leave the sampler out.",
    )  # fmt: skip


def _draws_as_many(sampler: object, dataset: object) -> bool:
    return isinstance(sampler, Sized) and isinstance(dataset, Sized) and len(sampler) == len(dataset)
