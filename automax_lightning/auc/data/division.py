"""Rows for training and validation divided anew: one fold of several, or another draw of the same sizes."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import ConcatDataset, Dataset, Subset, TensorDataset

from automax_lightning.auc.data.labels import Labels
from automax_lightning.errors import ConfigError, DataError
from automax_lightning.utils.arguments import Rule, check_arguments, integer

Rows = NDArray[np.int64]

_RULES: dict[str, Rule] = {
    "seed": integer(0, 2**32 - 1),
    "fold": integer(0).or_none,
    "n_folds": integer(2, example=4).or_none,
}


@dataclasses.dataclass(frozen=True)
class Division:
    """How the rows for training and validation are divided.

    Args:
        seed: of the division, 0 .. 2**32 - 1.
        fold: which of the folds validates, from 0; None draws as many rows for validation as there are now.
        n_folds: folds in all, at least 2; None without folds.

    Raises:
        ConfigError: if a value is out of range, or only one of `fold` and `n_folds` is given.

    Example:
        >>> labels = np.array([0, 1] * 4)
        >>> train, val = Division(seed=0, fold=1, n_folds=4).of(labels, 2)
        >>> len(train), len(val), labels[val].sum()
        (6, 2, np.int64(1))
    """

    seed: int
    fold: int | None = None
    n_folds: int | None = None

    def __post_init__(self) -> None:
        check_arguments("resplit", _RULES, vars(self))
        if (self.fold is None) != (self.n_folds is None) or (self.fold or 0) >= (self.n_folds or 1):
            raise ConfigError(
                "resplit.fold", "a fold below n_folds, or neither of them",
                f"fold={self.fold}, n_folds={self.n_folds}", "Pass fold=0, n_folds=4.",
            )  # fmt: skip

    def of(self, labels: Labels, n_val: int, groups: Rows | None = None) -> tuple[Rows, Rows]:
        """The rows that train and those that validate, each in order, stratified by label.

        scikit-learn's `StratifiedKFold`, `StratifiedShuffleSplit` and `StratifiedGroupKFold` do the work.

        Args:
            labels: of all rows, (n,) or (n, C).
            n_val: rows for validation where there are no folds; with groups, about as many.
            groups: number of each row's group, of which none is divided; (n,), or None.

        Raises:
            DataError: if a class has too few rows.
        """
        from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit

        strata = labels if labels.ndim == 1 else rarest_label(labels)
        self._check(strata)
        if groups is not None:
            return self._of_groups(labels, groups, n_val)
        if self.n_folds is None or self.fold is None:
            drawn = StratifiedShuffleSplit(1, test_size=n_val, random_state=self.seed)
            train, val = next(drawn.split(strata, strata))
        else:
            folds = StratifiedKFold(self.n_folds, shuffle=True, random_state=self.seed)
            train, val = list(folds.split(strata, strata))[self.fold]
        return np.sort(train), np.sort(val)

    def _of_groups(self, labels: Labels, groups: Rows, n_val: int) -> tuple[Rows, Rows]:
        if self.n_folds is None or self.fold is None:
            val = draw_groups(labels, groups, n_val / len(labels), self.seed)
        else:
            val = _group_folds(labels, groups, self.n_folds, self.seed)[self.fold]
        return np.setdiff1d(np.arange(len(labels)), val), val

    def _check(self, strata: Labels) -> None:
        needed, fewest = self.n_folds or 2, int(np.unique(strata, return_counts=True)[1].min())
        if fewest < needed:
            raise DataError(
                "data", f"at least {needed} rows of each class for training and validation, one for each part", str(fewest),
                f"Pass n_folds={fewest}, or resampling='holdout'." if fewest > 1 else "Pass resampling='holdout'.",
            )  # fmt: skip


def division_of(seed: int | None, fold: int | None, n_folds: int | None) -> Division | None:
    """The division that three arguments of a datamodule describe; None where none of them is given.

    Raises:
        ConfigError: if a fold has no seed.
    """
    if seed is not None:
        return Division(seed, fold, n_folds)
    if fold is None and n_folds is None:
        return None
    raise ConfigError("resplit_seed", "a seed, where there are folds", "None", "Pass resplit_seed=0.")


def draw_groups(labels: Labels, groups: Rows, share: float, seed: int) -> Rows:
    """Rows of whole groups, about a share of all rows and of each class.

    Args:
        labels: of all rows, (n,) or (n, C).
        groups: number of each row's group, (n,).
        share: of the rows, in (0, 1).
        seed: 0 .. 2**32 - 1.

    Raises:
        DataError: if a class has rows in one group alone.
    """
    most = min(10, fewest_groups(labels, groups))
    if most < 2:
        raise DataError("TabularDataModule.groups", "each class in at least 2 groups", "one whose rows are of one group",
                        "Name another column, or leave groups out.")  # fmt: skip
    parts = (Fraction(taken, folds) for folds in range(2, most + 1) for taken in range(1, folds))
    part = min(parts, key=lambda each: abs(each - share))
    folds = _group_folds(labels, groups, part.denominator, seed)
    return np.sort(np.concatenate(folds[: part.numerator]))


def fewest_groups(labels: Labels, groups: Rows) -> int:
    """How many groups hold rows of the class that fewest of them hold: there can be no more folds.

    Args:
        labels: of all rows, (n,) or (n, C).
        groups: number of each row's group, (n,).

    Example:
        >>> fewest_groups(np.array([1, 1, 0, 0, 0]), np.array([7, 7, 7, 8, 9]))
        1
    """
    strata = labels if labels.ndim == 1 else rarest_label(labels)
    return min(len(np.unique(groups[strata == stratum])) for stratum in np.unique(strata))


def _group_folds(labels: Labels, groups: Rows, n_folds: int, seed: int) -> list[Rows]:
    from sklearn.model_selection import StratifiedGroupKFold

    strata = labels if labels.ndim == 1 else rarest_label(labels)
    fewest = fewest_groups(labels, groups)
    if fewest < n_folds:
        raise DataError(
            "TabularDataModule.groups", f"each class in at least {n_folds} groups, one for each fold", f"{fewest} groups",
            f"Pass n_folds={fewest}." if fewest > 1 else "Pass resampling='holdout'.",
        )  # fmt: skip
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    return [np.sort(val) for _, val in folds.split(strata, strata, groups)]


def rarer(labels: NDArray[Any]) -> int:
    """Rows of the rarer class; of several labels, of the one that has fewest.

    Args:
        labels: (n,) or (n, C), 0 or 1.

    Example:
        >>> rarer(np.array([0, 1, 0, 0])), rarer(np.array([[0, 1], [1, 0], [1, 0], [0, 0]]))
        (1, 1)
    """
    positives = (labels.reshape(len(labels), -1) == 1).sum(0)
    return int(np.minimum(positives, len(labels) - positives).min())


def rarest_label(labels: NDArray[Any]) -> Rows:
    """For each row the number of its rarest positive label plus one, 0 without any; strata of one or two are merged.

    Args:
        labels: (n, C), 0 or 1.
    """
    order = np.argsort((labels == 1).sum(0))[::-1]
    strata = np.zeros(len(labels), dtype=np.int64)
    for label in order:
        if (labels[:, label] == 1).sum() >= 6:
            strata[labels[:, label] == 1] = label + 1
    counts = np.bincount(strata)
    strata[np.isin(strata, np.flatnonzero((counts > 0) & (counts < 6)))] = 0
    merged: Rows = np.unique(strata, return_inverse=True)[1]
    return merged


def pooled(train: Any, val: Any) -> Dataset[Any] | None:
    """The rows of two datasets as one, where a row is the same whichever of them it comes from; else None.

    Two `TensorDataset`s, and two `Subset`s of one dataset, hold such rows. Of other datasets nobody knows: the one for
    training may augment its samples.

    Args:
        train: the training split.
        val: the validation split.
    """
    if type(train) is TensorDataset and type(val) is TensorDataset:
        return TensorDataset(*(torch.cat(pair) for pair in zip(train.tensors, val.tensors, strict=True)))
    if isinstance(train, Subset) and isinstance(val, Subset) and train.dataset is val.dataset:
        return ConcatDataset([train, val])
    return None


def chosen(dataset: Dataset[Any], rows: Rows) -> Dataset[Any]:
    """Some rows of a dataset; of a `TensorDataset` again one, which gathers a batch at once.

    Args:
        dataset: map-style.
        rows: positions in it.
    """
    if type(dataset) is TensorDataset:
        index = torch.from_numpy(rows)
        return TensorDataset(*(tensor[index] for tensor in dataset.tensors))
    return Subset(dataset, rows.tolist())
