"""`TabularDataModule`: arrays, a DataFrame or a CSV/Parquet file as scaled float32 tensors in three stratified splits."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import TensorDataset

from automax_lightning.auc.data.datamodule import AUCDataModule
from automax_lightning.auc.data.division import Division, division_of, fewest_groups
from automax_lightning.auc.data.fingerprint import fingerprint, place, plain
from automax_lightning.auc.data.tables.encoding import Encoder, encoder
from automax_lightning.auc.data.tables.label_column import LabelColumn, read_labels
from automax_lightning.auc.data.tables.reading import Location, Reading, as_frame, check_location, checked, location_of
from automax_lightning.auc.data.tables.roles import Marks, Roles, stacked
from automax_lightning.auc.data.tables.splitting import split as split_rows
from automax_lightning.auc.data.tables.summary import feature_lines
from automax_lightning.errors import ConfigError, DataError, closest
from automax_lightning.utils.arguments import Rule, check_arguments, integer, number, text
from automax_lightning.utils.arguments import path as path_rule
from automax_lightning.utils.row_counts import RowCounts

if TYPE_CHECKING:
    import pandas as pd

Target = str | Sequence[str] | None
_COLUMN = text("column", "the name of a column").or_none
_COLUMNS = Rule("names of columns", lambda x: x is None or isinstance(x, (str, list, tuple)), "['column']")
_MARK = text(";").or_none
_SHARE = number("a share of the rows in [0, 1)", lambda x: 0 <= x < 1, "0.2")
_RULES: Mapping[str, Rule] = {
    "path": path_rule().or_none, "val_size": _SHARE, "test_size": _SHARE, "split_seed": integer(0, 2**32 - 1).or_none,
    "split": _COLUMN, "groups": _COLUMN, "time": _COLUMN, "drop": _COLUMNS, "id": _COLUMNS,
    "val_path": path_rule().or_none, "test_path": path_rule().or_none,
    "sep": _MARK, "decimal": _MARK, "thousands": _MARK, "encoding": _MARK,
}  # fmt: skip


class TabularDataModule(AUCDataModule):
    """A table as class-balanced batches of float32 tensors, gathered whole from memory.

    Numbers are imputed with the median and standardised, dates become numbers (days, month, weekday), everything else is
    imputed with the most frequent value and one-hot encoded; scikit-learn learns all of it on the training split alone. The three
    splits are stratified and depend on `seed` only; a `clone` with another seed keeps them and changes the batches.

    Args:
        X: features, an array (n, d) of numbers, an array of images (n, ...), or a DataFrame.
        y: labels, (n,) or (n, C); None takes the column(s) `target` of the DataFrame.
        path: instead of `X` a ``.csv``, ``.tsv`` (both also ``.gz``), ``.parquet``, ``.feather``, ``.xlsx`` or ``.npz`` (arrays
            ``X`` and ``y``) file, a folder of Parquet files, or an address such as ``https://...`` or ``s3://...``, whose content
            is taken to stay what it is; read on first use.
        target: name of the label column, or names for several labels.
        positive: the label that counts as 1, compared as trimmed text; ``True`` is ``yes`` too, which YAML reads so. With None
            0 and 1 stay, and of two other labels the rarer one is 1. Rows without a label are dropped.
        sep: between two fields of a text file; None for the first of ``, ; tab |`` that divides all rows alike.
        decimal: decimal mark of a text file; None guesses it for each column, ``,`` only where `sep` is another.
        thousands: mark between groups of three digits in a text file; None guesses it for each column.
        encoding: of a text file; None for UTF-8 or UTF-16, or else cp1252.
        split: name of a column that says train, val or test. Where it never says val, rows for validation are drawn from those
            for training.
        val_path: file of the rows for validation; `path` then holds those for training. Without it, they are drawn from `path`.
        test_path: file of the rows for the test.
        groups: name of a column such as ``patient``: rows with the same value are never in two splits.
        time: name of a column of dates or numbers: training rows come before those for validation, and these before the test.
            It is no feature. There is no other division of these rows: `resplit` refuses.
        drop: names of columns that are left out.
        id: name or names of columns that name a row, which are no features.
        val_size: share of the rows for validation, in (0, 1).
        test_size: share of the rows for the test, in [0, 1); 0 for no test split.
        batch_size: training samples per rank and batch, at least 2.
        eval_batch_size: evaluation samples per rank and batch, at least 1; None for `batch_size`.
        sampling_rate: share of positives in a training batch, in (0, 1); None for plain shuffling.
        num_workers: worker processes per loader, at least 0; 0 is best for data in memory.
        seed: seed of the splits and of the training batches.
        pin_memory: whether loaders pin their batches, as in `torch.utils.data.DataLoader`.
        split_seed: seed of the splits, where `seed` is to decide the batches only; None for `seed`.
        resplit_seed: seed of another division into training and validation rows; None for that of `split_seed`. The test
            split stays.
        fold: which fold of that division validates, from 0; None draws `val_size` anew.
        n_folds: folds of that division, at least 2.

    Raises:
        DataError: if labels or features cannot be used, or a split has too few positives.
        ConfigError: if a setting is out of range.

    Example:
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(60, 4))
        >>> data = TabularDataModule(X, (X[:, 0] > 0.5).astype(int), batch_size=8)
        >>> [len(split) for split in data.datasets], data.num_features
        ([36, 12, 12], 4)
    """

    # For a datamodule that an older release has pickled.
    _reading = Reading()
    _roles = Roles()
    _other_paths: Mapping[str, Location] = {}
    _lines: Sequence[str] = ()

    def __init__(
        self,
        X: Any = None,
        y: Any = None,
        *,
        path: str | Path | None = None,
        target: str | list[str] | None = None,
        positive: int | str | bool | None = None,
        sep: str | None = None,
        decimal: str | None = None,
        thousands: str | None = None,
        encoding: str | None = None,
        split: str | None = None,
        val_path: str | Path | None = None,
        test_path: str | Path | None = None,
        groups: str | None = None,
        time: str | None = None,
        drop: list[str] | None = None,
        id: str | list[str] | None = None,
        val_size: float = 0.2,
        test_size: float = 0.2,
        batch_size: int = 128,
        eval_batch_size: int | None = None,
        sampling_rate: float | None = 0.5,
        num_workers: int = 0,
        seed: int = 0,
        pin_memory: bool = False,
        split_seed: int | None = None,
        resplit_seed: int | None = None,
        fold: int | None = None,
        n_folds: int | None = None,
    ) -> None:
        check_arguments("TabularDataModule", _RULES, locals())
        self._configure(batch_size, eval_batch_size, sampling_rate, num_workers, seed, pin_memory)
        self._check_sources(X, path, val_size, test_size)
        self._source, self._labels = as_frame(X), y
        self._path = None if path is None else location_of(path)
        self._reading = Reading(sep, decimal, thousands, encoding)
        self.target, self.positive = target, positive
        self.val_size, self.test_size = val_size, test_size
        self.split_seed = seed if split_seed is None else split_seed
        self._fewest_groups: int | None = None
        self._division = division_of(resplit_seed, fold, n_folds)
        self._other_paths = {n: location_of(p) for n, p in (("val", val_path), ("test", test_path)) if p is not None}
        ids = [id] if isinstance(id, str) else id or []
        self._roles = Roles(split, groups, time, tuple(drop or ()), tuple(ids))
        self._check_roles()

    def _check_roles(self) -> None:
        for name, location in self._other_paths.items():
            check_location(location, f"TabularDataModule.{name}_path")
        if self._other_paths and self._path is None:
            raise ConfigError("TabularDataModule.path", "a file of the training rows, beside val_path and test_path", "none",
                              "Pass path=.")  # fmt: skip
        if self._other_paths and self._roles.split:
            raise ConfigError("TabularDataModule.split", "a column of splits, or files of them", "both", "Leave split out.")
        if self._roles.time and self._roles.groups:
            raise ConfigError(
                "TabularDataModule.time", "time or groups", "both", "Pass one of them, and a column split= for both."
            )
        if self._roles.time and self._division is not None:
            self._refuse_time()

    def _refuse_time(self) -> None:
        raise ConfigError(
            "AutoMAXConfig.resampling", f"'holdout', because rows are divided by the column {self._roles.time!r}",
            "another division of them", "Pass resampling='holdout'.",
        )  # fmt: skip

    @staticmethod
    def _check_sources(X: Any, path: str | Path | None, val_size: float, test_size: float) -> None:
        if (X is None) == (path is None):
            given = "neither" if X is None else "both"
            raise ConfigError("TabularDataModule", "either X or path", given, "Pass X and y, or path= and target=.")
        if path is not None:
            check_location(location_of(path))
        if not (0 < val_size < 1 and 0 <= test_size < 1 and val_size + test_size < 1):
            raise ConfigError(
                "TabularDataModule.val_size", "shares with val_size > 0, test_size >= 0 and a sum below 1",
                f"val_size={val_size}, test_size={test_size}", "Pass val_size=0.2, test_size=0.2.",
            )  # fmt: skip

    @property
    def num_features(self) -> int:
        """Width of the encoded table."""
        return int(self.datasets[0].tensors[0].shape[1])

    def _content(self) -> dict[str, Any]:
        """The table as it was given, which needs neither to be split nor encoded."""
        splits = {"val_size": self.val_size, "test_size": self.test_size, "split_seed": self.split_seed}
        if self._division is not None:
            splits |= dataclasses.asdict(self._division)
        labels = {"target": plain(self.target), "positive": plain(self.positive), "y": fingerprint(self._labels)}
        return {
            "X": fingerprint(self._source) if self._path is None else place(self._path),
            **labels,
            **splits,
            **self._unusual(),
        }

    def _unusual(self) -> dict[str, Any]:
        """The arguments that were given and are not those of every table, so that older searches know their data again."""
        reading = {name: value for name, value in dataclasses.asdict(self._reading).items() if value is not None}
        others = {f"{name}_path": place(path) for name, path in self._other_paths.items()}
        return {**reading, **others, **plain(self._roles.given)}

    @property
    def row_counts(self) -> RowCounts | None:
        """As `AUCDataModule.row_counts`; None where the caller has said which rows validate. Folds are of whole groups."""
        if self._roles.time or self._roles.split or self._other_paths:
            return None
        counts = super().row_counts
        if counts is None or self._fewest_groups is None:
            return counts
        return dataclasses.replace(counts, both=min(counts.both, self._fewest_groups))

    def resplit(self, seed: int, fold: int | None = None, n_folds: int | None = None) -> TabularDataModule:
        """As `AUCDataModule.resplit`; features are encoded as they are here.

        Scaling and categories are those of this datamodule's own training rows, so that the models of all folds take the same
        features, and a row can be given to all of them. Labels have no part in it.
        """
        if self._roles.time:
            self._refuse_time()
        fresh = copy.copy(self)
        fresh.trainer, fresh._datasets, fresh._division = None, None, Division(seed, fold, n_folds)
        return fresh

    def summary(self) -> list[str]:
        """As `AUCDataModule.summary`, after the label that is 1, and columns that are constant or tell the label."""
        splits = super().summary()
        return [*self._lines, *splits]

    def _lines_of(self, column: LabelColumn, names: Sequence[str]) -> list[str]:
        others = [str(name) for value in self._roles.given.values() for name in ([value] if isinstance(value, str) else value)]
        left_out = [f"No features: {', '.join(others)}."] if others else []
        read = f"{len(column.values)} rows" + (f", {len(names)} features after encoding." if names else " of images.")
        return [read, *left_out, *column.lines()[0 if column.values.ndim == 1 else 1 :]]

    @staticmethod
    def _feature_lines(encode: Encoder, train: NDArray[np.int64], labels: NDArray[Any]) -> list[str]:
        return feature_lines(encode(train), labels[train], encode.names) if encode.names else []

    def _make_datasets(self) -> tuple[Any, Any, Any]:
        features, column, marks = self._read()
        labels = column.values
        parts = split_rows(labels, marks, self.val_size, self.test_size, self.split_seed)
        encode = encoder(features, parts[0])
        rows = np.sort(np.concatenate(parts[:2]))
        groups = marks.of(rows).groups
        self._fewest_groups = None if groups is None else fewest_groups(labels[rows], groups)
        if self._division is not None:
            parts[:2] = [rows[part] for part in self._division.of(labels[rows], len(parts[1]), groups)]
        self._lines = (*self._lines_of(column, encode.names), *self._feature_lines(encode, parts[0], labels))
        sets = [TensorDataset(torch.from_numpy(encode(rows)), torch.from_numpy(labels[rows])) for rows in parts if len(rows)]
        return (sets[0], sets[1], sets[2] if len(sets) == 3 else None)

    def _loaded(self) -> tuple[Any, Any]:
        """The table, and labels that are no column of it."""
        if self._path is None:
            is_frame = hasattr(self._source, "columns")
            return (checked(self._source, "TabularDataModule.X") if is_frame else self._source), self._labels
        table, labels = self._reading.read(self._path)
        return table, labels if self._labels is None else self._labels

    def _with_others(self, table: Any) -> tuple[Any, NDArray[np.int64] | None]:
        """The table with the rows of `val_path` and `test_path`, and which split each row is in."""
        if not self._other_paths:
            return table, None
        tables = {"train": table, **{name: self._reading.read(path)[0] for name, path in self._other_paths.items()}}
        if not all(hasattr(each, "columns") for each in tables.values()):
            raise DataError("TabularDataModule.val_path", "files of tables", "an .npz file", "Write a .parquet file.")
        return stacked(tables)

    def _read(self) -> tuple[Any, LabelColumn, Marks]:
        table, labels = self._loaded()
        table, splits = self._with_others(table)
        marks = Marks(splits)
        if hasattr(table, "columns"):
            table, found = self._roles.take(table)
            marks = found if splits is None else dataclasses.replace(found, splits=splits)
            table, labels = _take_target(table, labels, self.target)
        elif self._roles.given:
            raise DataError("TabularDataModule.X", f"columns of the names {plain(self._roles.given)}", "an array without names",
                            "Pass a pandas DataFrame.")  # fmt: skip
        else:
            table = np.asarray(table)
            if table.dtype.kind not in "biuf" or table.ndim < 2:
                raise DataError(
                    "TabularDataModule.X", "an array (n, d) of numbers, or a DataFrame",
                    f"dtype {table.dtype}, shape {table.shape}", "Pass strings and categories in a pandas DataFrame.",
                )  # fmt: skip
        if labels is None:
            raise DataError("TabularDataModule.y", "labels", "none", "Pass y, or target= with a DataFrame or a path.")
        if len(labels) != len(table):
            raise DataError("TabularDataModule.y", f"{len(table)} labels", str(len(labels)), "Check the rows.")
        encoded = read_labels(labels, self.positive)
        if encoded.n_missing:
            table = table.iloc[encoded.kept] if hasattr(table, "columns") else table[encoded.kept]
            marks = marks.of(encoded.kept)
        copied = label_among(table, encoded.values)
        if copied is not None:
            raise DataError(
                "TabularDataModule.X", "features that do not hold the label", f"column {copied!r}, which tells it in every row",
                "Drop that column, or name it as target=.",
            )  # fmt: skip
        return table, encoded, marks


def _take_target(table: pd.DataFrame, labels: Any, target: Target) -> tuple[pd.DataFrame, Any]:
    if target is None:
        return table, labels
    names = [target] if isinstance(target, str) else list(target)
    for name in names:
        if name not in table.columns:
            raise DataError("TabularDataModule.target", "a column of the table", repr(name),
                            closest(str(name), map(str, table.columns)))  # fmt: skip
    chosen = table[names[0]] if isinstance(target, str) else table[names]
    return table.drop(columns=names), chosen if labels is None else labels


def label_among(table: Any, labels: NDArray[np.int64]) -> Any:
    """The column of a table that is a copy of a label, whatever its two values are called; None if there is none.

    Args:
        table: a DataFrame, or an array (n, d).
        labels: (n,) or (n, C), 0 or 1.

    Example:
        >>> label_among(np.array([[0.5, 3.0], [0.1, 7.0], [0.2, 7.0]]), np.array([0, 1, 1]))
        1
    """
    import pandas as pd

    if not hasattr(table, "columns") and table.ndim > 2:
        return None
    frame = table if hasattr(table, "columns") else pd.DataFrame(table)
    # Numbered by first appearance, a copy has the label's own pattern.
    patterns = {pd.factorize(column)[0].tobytes() for column in labels.reshape(len(labels), -1).T if len(np.unique(column)) == 2}
    for name, column in frame.items():
        codes, values = pd.factorize(column, use_na_sentinel=False)
        if len(values) == 2 and codes.tobytes() in patterns:
            return name
    return None
