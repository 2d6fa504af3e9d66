"""Which rows of a table train, which validate and which test."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from automax_lightning.auc.data.division import rarest_label
from automax_lightning.errors import DataError


def stratified_splits(labels: NDArray[Any], val_size: float, test_size: float, seed: int) -> list[NDArray[np.int64]]:
    """Row numbers of the three splits, stratified by the label, or by the rarest of several labels that is present."""
    from sklearn.model_selection import train_test_split

    strata = labels if labels.ndim == 1 else rarest_label(labels)
    needed = 3 if test_size else 2
    if np.bincount(strata).min() < needed:
        raise DataError(
            "labels", f"at least {needed} samples of each class, one for each split",
            f"{int((labels == 1).sum())} positives",
            "Split the data yourself and pass the datasets to AUCDataModule.",
        )  # fmt: skip
    rows = np.arange(len(labels))
    rest, test = rows, rows[:0]
    try:
        if test_size:
            rest, test = train_test_split(rows, test_size=test_size, stratify=strata, random_state=seed)
        share = val_size / (1 - test_size)
        train, val = train_test_split(rest, test_size=share, stratify=strata[rest], random_state=seed)
    except ValueError as error:
        raise DataError("TabularDataModule", "splits that hold both classes", str(error), "Use larger shares.") from error
    return [np.sort(train), np.sort(val), np.sort(test)]
