"""The labels of any map-style dataset, read without loading the samples where that is possible."""

from __future__ import annotations

import sys
from collections.abc import Sized
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch.utils.data import ConcatDataset, Subset, TensorDataset

from automax_lightning.auc.batch.parts import are_labels, label_of_sample
from automax_lightning.auc.batch.targets import why_illegal, zero_one
from automax_lightning.errors import DataError

Labels = NDArray[Any]
_ATTRIBUTES = ("targets", "labels", "y")


def find_labels(dataset: Any, where: str = "train") -> Labels:
    """The labels of a dataset, (n,) or (n, C).

    Looked for in ``targets``, ``labels`` and ``y``, in a `TensorDataset`'s last tensor, and inside `Subset` and
    `ConcatDataset`; otherwise every sample is loaded once: the label is the last part of
    a tuple (the second of ``(x, y, index)``), stands under ``"labels"`` in a mapping, and is the ``y`` of a graph.

    Args:
        dataset: map-style, with a length.
        where: name of the split, for messages.

    Raises:
        DataError: if the dataset has no length, or its samples are no pairs.

    Example:
        >>> find_labels(TensorDataset(torch.zeros(3, 2), torch.tensor([0, 1, 0]))).tolist()
        [0, 1, 0]
    """
    if not isinstance(dataset, Sized) or not hasattr(dataset, "__getitem__"):
        raise DataError(
            f"data.{where}", "a map-style dataset with a length", type(dataset).__name__,
            "An iterable dataset has no sample index; load it into a map-style one.",
        )  # fmt: skip
    stored = _kept_beside(dataset)
    labels = _array(stored) if stored is not None and len(stored) == len(dataset) else _scan(dataset, where)
    return labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels


def stored_labels(dataset: Any) -> Labels | None:
    """The labels that a dataset keeps beside its samples, (n,) or (n, C); None if only its samples tell them."""
    stored = _kept_beside(dataset)
    return None if stored is None else _array(stored)


def _kept_beside(dataset: Any) -> Any:
    if isinstance(dataset, Subset):
        inner = _kept_beside(dataset.dataset)
        return None if inner is None else _array(inner)[np.asarray(dataset.indices)]
    if isinstance(dataset, ConcatDataset):
        parts = [_kept_beside(part) for part in dataset.datasets]
        return None if any(part is None for part in parts) else np.concatenate([_array(part) for part in parts])
    if isinstance(dataset, TensorDataset):
        return dataset.tensors[-1]
    return next((getattr(dataset, name) for name in _ATTRIBUTES if getattr(dataset, name, None) is not None), None)


def _array(labels: Any) -> Labels:
    # A copy: torch moves a tensor's storage to shared memory when it sends it to a spawned rank, and frees the memory that
    # a view by NumPy would still read.
    return labels.detach().cpu().numpy().copy() if isinstance(labels, torch.Tensor) else np.asarray(labels)


def _scan(dataset: Any, where: str) -> Labels:
    shown = track(
        range(len(dataset)), f"Reading the labels of {where}",
        console=Console(file=sys.stderr), transient=True, disable=not sys.stderr.isatty(),
    )  # fmt: skip
    labels, seconds = [], []
    for index in shown:
        sample = dataset[index]
        label = label_of_sample(sample)
        if label is None:
            raise DataError(
                f"data.{where}[{index}]", "a sample (x, y), or a mapping with 'labels'", type(sample).__name__, "Return (x, y)."
            )
        labels.append(_array(label))
        seconds.append(_array(sample[1]) if isinstance(sample, (tuple, list)) and len(sample) == 3 else None)
    last = np.stack(labels)
    beside = [second for second in seconds if second is not None]
    return last if len(beside) < len(labels) or _are_labels(last) else np.stack(beside)


def _are_labels(last: Labels) -> bool:
    return last.dtype.kind in "biuf" and are_labels(torch.from_numpy(last), torch.arange(len(last)))


def check_labels(labels: Labels, where: str, *, both_classes: bool) -> None:
    """Raise a `DataError` unless the labels are legal, with both classes where `both_classes` says so; see `why_illegal`.

    Args:
        labels: (n,) or (n, C).
        where: name of the split, for messages.
        both_classes: whether each class must occur (for several labels: for at least one label).
    """
    if len(labels) == 0:
        raise DataError(f"data.{where}", "at least one sample", "none", "Check how the data are split.")
    if reason := why_illegal(labels):
        expected, found, fix = reason
        raise DataError(f"labels of data.{where}", expected, found, fix)
    columns = zero_one(labels).reshape(len(labels), -1)
    positives, negatives = (columns == 1).sum(0), (columns == 0).sum(0)
    if both_classes and not ((positives > 0) & (negatives > 0)).any():
        raise DataError(
            f"labels of data.{where}", "both classes", f"{positives.tolist()} positives among {len(labels)} samples",
            "Check which class is encoded as 1, and how the data are split.",
        )  # fmt: skip
