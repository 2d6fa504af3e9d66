"""Labels as people write them: 0 and 1, -1 and 1, booleans, floats; for several labels also "not known"."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from automax_lightning.errors import DataError

UNKNOWN = -1
"""Of several labels, one that is not known; NaN says the same."""


def why_illegal(labels: NDArray[Any]) -> tuple[str, str, str] | None:
    """What is wrong with the labels of a whole split: expected, found, and what to do; None if nothing is.

    For one label, 0 and 1, or -1 and 1 of which -1 is the negative class. For several, 0 and 1, and NaN or -1 for what is
    not known.

    Args:
        labels: (n,) or (n, C).

    Example:
        >>> why_illegal(np.array([-1, 1])), why_illegal(np.array([[0, 1], [-1, np.nan]]))
        (None, None)
        >>> why_illegal(np.array([-1, 0, 1]))[0]
        '0 and 1, or -1 and 1'
    """
    if labels.dtype.kind not in "biuf":
        return _illegal(labels.astype(str))
    several = labels.ndim > 1
    has_negative, has_zero = bool((labels == -1).any()), bool((labels == 0).any())
    legal = np.isin(labels, (-1, 0, 1)) | (several & (labels != labels))
    if not legal.all():
        return _illegal(labels)
    if several and has_negative and not has_zero:
        return ("0 and 1, and -1 or NaN for what is not known", "-1 and no 0: negatives, or not known?",
                "Write negatives as 0, and NaN for what is not known.")  # fmt: skip
    if not several and has_negative and has_zero:
        return ("0 and 1, or -1 and 1", "-1, 0 and 1: is -1 the negative class, or not known?",
                "Drop the rows that are not known, and write the negative class as 0.")  # fmt: skip
    return None


def _illegal(labels: NDArray[Any]) -> tuple[str, str, str]:
    values = np.unique(labels)
    return ("0 and 1", f"{values[:6].tolist()}{' ...' if len(values) > 6 else ''}",
            "Encode the positive class as 1; TabularDataModule does it with positive=<its label>.")  # fmt: skip


def zero_one(labels: NDArray[Any]) -> NDArray[np.int64]:
    """Legal labels as integers 0 and 1, for several labels -1 where one is not known.

    Args:
        labels: (n,) or (n, C).

    Example:
        >>> zero_one(np.array([-1.0, 1.0])).tolist(), zero_one(np.array([[np.nan, 1], [-1, 0]])).tolist()
        ([0, 1], [[-1, 1], [-1, 0]])
    """
    positive: NDArray[np.int64] = (labels == 1).astype(np.int64)
    if labels.ndim > 1 and labels.dtype.kind != "b":
        positive[(labels != labels) | (labels == UNKNOWN)] = UNKNOWN
    return positive


def plain_targets(targets: Tensor) -> Tensor:
    """The labels of a whole split for a metric: as `zero_one`, and anything illegal as it is, for the metric to refuse.

    Args:
        targets: (N,), of which -1 is the negative class unless there are zeros; or (N, C), where it is "not known".

    Example:
        >>> plain_targets(torch.tensor([-1, 1])).tolist(), plain_targets(torch.tensor([[-1, 1], [0, 1]])).tolist()
        ([0, 1], [[-1, 1], [0, 1]])
    """
    if targets.dtype is torch.bool:
        return targets.long()
    if targets.ndim > 1:
        return torch.nan_to_num(targets, nan=UNKNOWN)
    return targets if bool((targets == 0).any()) else torch.where(targets == -1, 0, targets)


def known(scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The scores and targets of one label where it is known.

    Args:
        scores: (N,).
        targets: (N,), 0, 1, or -1 and NaN for "not known".

    Example:
        >>> known(torch.tensor([0.1, 0.2, 0.3]), torch.tensor([1, -1, 0]))[1].tolist()
        [1, 0]
    """
    if targets.dtype is torch.bool:
        return scores, targets
    is_known = (targets != UNKNOWN) & (targets == targets)
    return (scores, targets) if bool(is_known.all()) else (scores[is_known], targets[is_known])


def trained_on(labels: Tensor, num_labels: int, where: str) -> Tensor:
    """The labels of a training batch that are not all 0 and 1: as 0 and 1, with NaN for what is not known.

    Args:
        labels: (N, num_labels), float.
        num_labels: of the task.
        where: for the message.

    Raises:
        DataError: if there are other values, or -1 and 0 for one label.

    Example:
        >>> trained_on(torch.tensor([[-1.0], [1.0]]), 1, "targets").tolist()
        [[0.0], [1.0]]
    """
    unknown = (labels == UNKNOWN) | labels.isnan()
    is_legal = bool((unknown | (labels == 0) | (labels == 1)).all())
    if num_labels == 1:
        is_legal = is_legal and not bool(labels.isnan().any()) and not bool((labels == 0).any())
    if not is_legal:
        raise DataError(
            where, "0 and 1, or -1 and 1; for several labels 0 and 1, and -1 or NaN for what is not known", "other values",
            "Encode the positive class as 1. If this is an input, make batches ((x1, x2), y).",
        )  # fmt: skip
    return (labels == 1).float() if num_labels == 1 else labels.masked_fill(unknown, torch.nan)
