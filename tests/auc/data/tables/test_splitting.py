"""Which rows train."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from automax_lightning.auc.data.tables.roles import Marks
from automax_lightning.auc.data.tables.splitting import split, stratified_splits
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


def parts_of(seed: int = 0, **marks: Any) -> list[list[int]]:
    return [rows.tolist() for rows in split(Y, Marks(**marks), 0.2, 0.2, seed)]


def test_without_marks_the_splits_are_those_of_ever() -> None:
    assert parts_of(3) == [rows.tolist() for rows in stratified_splits(Y, 0.2, 0.2, 3)]


def test_a_column_tells_the_splits_and_validation_rows_are_drawn_where_it_tells_none() -> None:
    told = np.arange(50) % 3
    assert parts_of(splits=told) == [np.flatnonzero(told == number).tolist() for number in range(3)]
    train, val, test = parts_of(splits=np.where(told == 1, 0, told))
    assert test == np.flatnonzero(told == 2).tolist()
    assert len(val) == 7
    assert sorted(train + val) == np.flatnonzero(told != 2).tolist()
    assert parts_of(splits=np.minimum(told, 1))[2] == []
    with pytest.raises(DataError, match="at least one row"):
        parts_of(splits=np.full(50, 2))


def test_no_group_is_in_two_splits_and_each_split_has_positives() -> None:
    groups = np.arange(50) // 2
    for seed in range(5):
        parts = parts_of(seed, groups=groups)
        assert sorted(row for rows in parts for row in rows) == list(range(50))
        assert sum(len(set(groups[rows])) for rows in parts) == 25
        assert all(Y[rows].sum() > 0 for rows in parts)
        assert all(len(rows) >= 5 for rows in parts)
    with pytest.raises(DataError, match="each group in one split, found 25 groups in several"):
        parts_of(groups=groups, splits=np.arange(50) % 2)
    with pytest.raises(DataError, match="each class in at least 2 groups"):
        parts_of(groups=np.zeros(50, np.int64))


def test_training_rows_come_first_and_test_rows_last() -> None:
    times = np.random.default_rng(0).permutation(50) // 2 * 1.0
    train, val, test = parts_of(times=times)
    assert times[train].max() < times[val].min()
    assert times[val].max() < times[test].min()
    assert [len(train), len(val), len(test)] == [30, 10, 10]
    with pytest.raises(DataError, match="the rows of train before those of val, found .* rows of val before the last of train"):
        parts_of(times=times, splits=np.arange(50) % 2)
    with pytest.raises(DataError, match="rows of several times"):
        parts_of(times=np.zeros(50))
