"""Datasets whose items are whole batches, with the positions of their samples."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, Subset, TensorDataset, default_collate, get_worker_info

from automax_lightning.auc.batch.parts import parts_of_rows
from automax_lightning.auc.data.labels import Labels, find_labels

Collate = Callable[[list[Any]], Any]


class IndexedBatches(Dataset[Any]):
    """A dataset whose items are whole batches ``(x, y, index)``, asked for by a list of positions.

    Tensors in memory are gathered at once; anything else is loaded sample by sample and collated as usual.

    Args:
        dataset: map-style, with samples ``(x, y)``, ``(x1, x2, ..., y)``, mappings with ``"labels"``, or graphs.
        collate: makes a batch of a list of samples.
        is_seeded: whether each batch has random numbers of its own, which depend on its positions alone.
    """

    def __init__(self, dataset: Any, collate: Collate | None = None, *, is_seeded: bool = False) -> None:
        self.dataset, self.is_seeded = dataset, is_seeded
        self.collate = collate or default_collate
        self.tensors = _tensors_of(dataset) if collate is None else None

    @property
    def labels(self) -> Labels:
        """The labels of all samples."""
        return find_labels(self.dataset)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, positions: Sequence[int]) -> tuple[Any, Any, torch.Tensor]:
        index = torch.tensor(positions, dtype=torch.int64)
        if self.tensors is not None:
            x, y = (tensor[index] for tensor in self.tensors)
            return x, y, index
        if self.is_seeded and get_worker_info() is not None:
            seed = zlib.crc32(index.numpy().tobytes())
            random.seed(seed)
            np.random.seed(seed)
            torch.manual_seed(seed)
        fetch = getattr(self.dataset, "__getitems__", None)
        samples = fetch(list(positions)) if fetch else [self.dataset[position] for position in positions]
        return tuple(parts_of_rows(self.collate(samples), positions))


def _tensors_of(dataset: Any) -> tuple[torch.Tensor, torch.Tensor] | None:
    """The two tensors behind a dataset that only indexes into them, else None."""
    if type(dataset) is TensorDataset and len(dataset.tensors) == 2:
        return dataset.tensors[0], dataset.tensors[1]
    if type(dataset) is Subset and (inner := _tensors_of(dataset.dataset)) is not None:
        chosen = torch.as_tensor(dataset.indices)
        return inner[0][chosen], inner[1][chosen]
    return None
