"""Which rows of a table train, which validate and which test."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automax_lightning.auc.data.division import Division, draw_groups, rarest_label
from automax_lightning.auc.data.tables.roles import Marks
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


def split(labels: NDArray[Any], marks: Marks, val_size: float, test_size: float, seed: int) -> list[NDArray[np.int64]]:
    """Row numbers of the three splits: those that a column tells, in the order of time, by whole groups, or drawn.

    Where splits are told, those for validation are still drawn from the training rows if there are none, and no test split
    is.

    Args:
        labels: (n,) or (n, C).
        marks: what is known of the rows.
        val_size: share for validation.
        test_size: share for the test.
        seed: of what is drawn.

    Raises:
        DataError: if a split would be empty, a group would be in two of them, or one would begin before another ends.
    """
    if marks.splits is None and marks.groups is None and marks.times is None:
        return stratified_splits(labels, val_size, test_size, seed)
    rest, val, test = np.arange(len(labels)), np.zeros(0, np.int64), np.zeros(0, np.int64)
    if marks.splits is not None:
        rest, val, test = (np.flatnonzero(marks.splits == number) for number in range(3))
        test_size = 0.0
    elif test_size:
        rest, test = _drawn(rest, labels, marks, test_size, seed)
    if not len(val):
        rest, val = _drawn(rest, labels, marks, val_size / (1 - test_size), seed)
    parts = [rest, val, test]
    _check_groups(parts, marks)
    _check_times(parts, marks)
    return parts


def _drawn(
    rows: NDArray[np.int64], labels: NDArray[Any], marks: Marks, share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows that stay, and rows that are drawn: the latest, or whole groups, or any."""
    if not len(rows):
        raise DataError("data.train", "at least one row", "none", "Mark rows as train.")
    known = marks.of(rows)
    if known.times is not None:
        later = known.times >= np.sort(known.times)[len(rows) - max(1, round(share * len(rows)))]
    elif known.groups is not None:
        later = np.zeros(len(rows), dtype=bool)
        later[draw_groups(labels[rows], known.groups, share, seed)] = True
    else:
        later = np.zeros(len(rows), dtype=bool)
        later[Division(seed).of(labels[rows], max(1, round(share * len(rows))))[1]] = True
    if later.all():
        raise DataError(
            "TabularDataModule.time", "rows of several times", "one time, which cannot be divided", "Name another column."
        )
    return rows[~later], rows[later]


def _check_groups(parts: list[NDArray[np.int64]], marks: Marks) -> None:
    if marks.groups is None:
        return
    seen = np.concatenate([np.unique(marks.groups[rows]) for rows in parts])
    twice = int((np.unique(seen, return_counts=True)[1] > 1).sum())
    if twice:
        raise DataError("TabularDataModule.groups", "each group in one split", f"{twice} groups in several",
                        "Give all rows of a group the same split.")  # fmt: skip


def _check_times(parts: list[NDArray[np.int64]], marks: Marks) -> None:
    if marks.times is None:
        return
    filled = [(name, marks.times[rows]) for name, rows in zip(("train", "val", "test"), parts, strict=True) if len(rows)]
    for (earlier, before), (later, after) in itertools.pairwise(filled):
        if before.max() > after.min():
            raise DataError("TabularDataModule.time", f"the rows of {earlier} before those of {later}",
                            f"{int((after < before.max()).sum())} rows of {later} before the last of {earlier}",
                            "Correct the column of splits, or leave it out.")  # fmt: skip
