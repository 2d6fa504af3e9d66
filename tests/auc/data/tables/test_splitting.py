"""Which rows train."""

from __future__ import annotations

import numpy as np
import pytest

from automax_lightning.auc.data.tables.splitting import stratified_splits
from automax_lightning.errors import DataError

Y = (np.arange(50) % 5 == 0).astype(np.int64)


def test_each_row_is_in_one_split_and_each_split_has_its_share_of_positives() -> None:
    parts = stratified_splits(Y, 0.2, 0.2, 3)
    assert sorted(np.concatenate(parts).tolist()) == list(range(50))
    assert [int(Y[rows].sum()) for rows in parts] == [6, 2, 2]
    assert [len(rows) for rows in stratified_splits(Y, 0.2, 0.0, 3)] == [40, 10, 0]


def test_a_class_needs_a_row_in_each_split() -> None:
    with pytest.raises(DataError, match="at least 3 samples of each class"):
        stratified_splits(np.array([0, 0, 0, 1, 1]), 0.2, 0.2, 0)
    with pytest.raises(DataError, match="splits that hold both classes"):
        stratified_splits(Y, 0.02, 0.2, 0)
