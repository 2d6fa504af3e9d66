"""Class-balanced batches as a pure function of (labels, seed, epoch, rank, world size)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data.distributed import DistributedSampler

from automax_lightning.errors import ConfigError

Indices = NDArray[np.int64]


def class_counts(batch_size: int, sampling_rate: float) -> tuple[int, int]:
    """How many positives and negatives a batch holds: LibAUC's rounding, and at least one of each.

    Args:
        batch_size: at least 2.
        sampling_rate: share of positives, in (0, 1).

    Raises:
        ConfigError: if one of them is out of range.

    Example:
        >>> class_counts(64, 0.5), class_counts(64, 0.001)
        ((32, 32), (1, 63))
    """
    if batch_size < 2:
        raise ConfigError("batch_size", "at least 2, one sample of each class", str(batch_size), "Raise it.")
    if not 0 < sampling_rate < 1:
        raise ConfigError("sampling_rate", "a share of positives in (0, 1)", repr(sampling_rate), "Pass 0.5.")
    positives = min(max(int(sampling_rate * batch_size), 1), batch_size - 1)
    return positives, batch_size - positives


def balanced_batches(
    labels: NDArray[Any],
    *,
    batch_size: int,
    sampling_rate: float | None,
    seed: int,
    epoch: int,
    rank: int = 0,
    world_size: int = 1,
) -> Indices:
    """The indices of one rank's batches in one epoch.

    Every epoch holds every sample of every class at least once; the class that is used up first starts again in a new
    order. A sample stands twice in a batch only where its class has fewer members than the batch needs. Nothing but the
    arguments decides, so an epoch can be drawn again at any time, in any process.

    For several labels, each batch takes its share of positives from every label in turn, and fills up with samples from
    all of the data.

    Args:
        labels: (n,) or (n, C), 0 or 1.
        batch_size: samples per rank and batch.
        sampling_rate: share of positives in (0, 1); None for plain shuffling.
        seed: any non-negative integer.
        epoch: from 0.
        rank: this process, from 0.
        world_size: number of processes.

    Returns:
        (batches, batch_size), positives first; with plain shuffling too, where the last batch is filled up.

    Example:
        >>> labels = np.array([1, 1, 0, 0, 0, 0])
        >>> balanced_batches(labels, batch_size=4, sampling_rate=0.5, seed=0, epoch=0).shape
        (2, 4)
    """
    groups, counts = _groups(labels, batch_size, sampling_rate)
    takes = [count * world_size for count in counts]
    batches = max(-(-len(group) // take) for group, take in zip(groups, takes, strict=True))
    parts = []
    for number, (group, take, count) in enumerate(zip(groups, takes, counts, strict=True)):
        generator = np.random.default_rng(np.random.SeedSequence((seed, epoch, number)))
        drawn = group[_endless(len(group), batches * take, take, generator)].reshape(batches, take)
        parts.append(drawn[:, rank * count : (rank + 1) * count])
    return np.concatenate(parts, axis=1)


def _groups(labels: NDArray[Any], batch_size: int, sampling_rate: float | None) -> tuple[list[Indices], list[int]]:
    """Who is drawn from, and how many of each a batch holds."""
    everyone = np.arange(len(labels), dtype=np.int64)
    if sampling_rate is None:
        return [everyone], [min(batch_size, len(labels))]
    if labels.ndim == 1:
        counts = class_counts(batch_size, sampling_rate)
        return [everyone[labels == 1], everyone[labels != 1]], list(counts)
    columns = [everyone[labels[:, column] == 1] for column in range(labels.shape[1])]
    present = [column for column in columns if len(column) > 0]
    share = max(class_counts(batch_size, sampling_rate)[0] // len(present), 1)
    rest = batch_size - share * len(present)
    if rest < 1:
        raise ConfigError(
            "batch_size", f"more than {len(present)}, a positive of each label and one more sample",
            str(batch_size), f"Pass batch_size={4 * len(present)}.",
        )  # fmt: skip
    return [*present, everyone], [*[share] * len(present), rest]


def _endless(size: int, length: int, take: int, generator: np.random.Generator) -> Indices:
    """Permutations of ``range(size)`` one after the other, in which no run of `take` holds a number twice."""
    passes = -(-length // size)
    order = generator.permuted(np.tile(np.arange(size, dtype=np.int64), (passes, 1)), axis=1).reshape(-1)
    if take <= size:
        for border in range(size, length, size):
            start = border - border % take
            if start < border:
                _separate(order, start, border, start + take, size)
    return order[:length]


def _separate(order: Indices, start: int, border: int, end: int, size: int) -> None:
    """Let the permutation after `border` begin with numbers that the batch does not hold already."""
    following = order[border : border + size]
    is_taken = np.isin(following, order[start:border])
    head = end - border
    if is_taken[:head].any():
        first = np.flatnonzero(~is_taken)[:head]
        rest = np.delete(np.arange(size), first)
        order[border : border + size] = following[np.concatenate([first, rest])]


class _Batches(DistributedSampler[Any]):
    """A sampler that yields whole batches.

    It is a `DistributedSampler` by name only: Lightning replaces every other sampler when there are several ranks, and
    splits the batches of a custom one a second time.
    """

    def __init__(self, rank: int, world_size: int) -> None:
        if not 0 <= rank < world_size:
            raise ConfigError("rank", f"in [0, {world_size})", str(rank), "Take both from the Trainer.")
        self.rank, self.num_replicas = rank, world_size
        self.epoch = 0


class BalancedBatchSampler(_Batches):
    """Yields the batches of `balanced_batches`; for a `DataLoader` with ``batch_size=None``.

    Args:
        labels: (n,) or (n, C), 0 or 1.
        batch_size: samples per rank and batch.
        sampling_rate: share of positives in (0, 1); None for plain shuffling.
        seed: decides the order, together with the epoch.
        rank: this process.
        world_size: number of processes.
        generator: the loader's generator, seeded anew for each epoch, so that workers augment alike in a continued fit.

    Example:
        >>> sampler = BalancedBatchSampler(np.array([1, 0, 0, 0]), batch_size=2, sampling_rate=0.5, seed=0)
        >>> len(sampler), [len(batch) for batch in sampler]
        (3, [2, 2, 2])
    """

    def __init__(
        self,
        labels: NDArray[Any],
        batch_size: int,
        sampling_rate: float | None,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(rank, world_size)
        self.labels, self.batch_size, self.sampling_rate, self.seed = labels, batch_size, sampling_rate, seed
        self.generator = generator
        groups, counts = _groups(labels, batch_size, sampling_rate)
        self._length = max(-(-len(group) // (n * world_size)) for group, n in zip(groups, counts, strict=True))
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches come next; Lightning calls it."""
        self.epoch = epoch
        if self.generator is not None:
            mixed = np.random.SeedSequence((self.seed, epoch, self.rank)).generate_state(1, np.uint64)[0]
            self.generator.manual_seed(int(mixed >> np.uint64(1)))

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[list[int]]:
        batches = balanced_batches(
            self.labels, batch_size=self.batch_size, sampling_rate=self.sampling_rate, seed=self.seed,
            epoch=self.epoch, rank=self.rank, world_size=self.num_replicas,
        )  # fmt: skip
        return iter(batches.tolist())


class EvaluationSampler(_Batches):
    """Yields every index of a split once, in order, as batches; every rank gets the same number of batches.

    Where the samples do not divide by the ranks, the last ones repeat a sample; its index tells.

    Args:
        length: number of samples in the split.
        batch_size: samples per rank and batch.
        rank: this process.
        world_size: number of processes.

    Example:
        >>> list(EvaluationSampler(3, 2)), list(EvaluationSampler(3, 2, rank=1, world_size=2))
        ([[0, 1], [2]], [[1, 1]])
    """

    def __init__(self, length: int, batch_size: int, rank: int = 0, world_size: int = 1) -> None:
        super().__init__(rank, world_size)
        each = -(-length // world_size)
        own = list(range(rank, length, world_size)) or [0]
        own += own[-1:] * (each - len(own))
        self._chunks = [own[start : start + batch_size] for start in range(0, each, batch_size)]

    def set_epoch(self, epoch: int) -> None:
        """Evaluation is the same in every epoch."""

    def __len__(self) -> int:
        return len(self._chunks)

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._chunks)
