"""What columns of a table are for, besides features and labels: which split a row is in, which rows belong together, and when."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from automax_lightning.auc.data.tables.numbers_in_text import dates_in, has_two_orders
from automax_lightning.errors import DataError, closest

if TYPE_CHECKING:
    import pandas as pd

_SPLITS = {"train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "dev": 1, "test": 2, "testing": 2}


@dataclasses.dataclass(frozen=True, eq=False)
class Marks:
    """What is known of the rows besides features and labels.

    Args:
        splits: 0 for training, 1 for validation, 2 for the test; (n,), or None.
        groups: number of the group that a row belongs to; (n,), or None.
        times: days since 1970, or any number that grows with time; (n,), or None.
    """

    splits: NDArray[np.int64] | None = None
    groups: NDArray[np.int64] | None = None
    times: NDArray[np.float64] | None = None

    def of(self, rows: NDArray[np.int64]) -> Marks:
        """Those of some rows."""
        chosen: dict[str, Any] = {name: values[rows] for name, values in vars(self).items() if values is not None}
        return Marks(**chosen)


@dataclasses.dataclass(frozen=True)
class Roles:
    """Names of columns that are no features.

    Args:
        split: says train, val or test.
        groups: rows with the same value stay together.
        time: rows are divided in its order.
        drop: columns that are left out.
        id: columns that name a row.
    """

    split: str | None = None
    groups: str | None = None
    time: str | None = None
    drop: tuple[str, ...] = ()
    id: tuple[str, ...] = ()

    @property
    def given(self) -> dict[str, Any]:
        """The roles that columns have."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value}

    def take(self, table: pd.DataFrame) -> tuple[pd.DataFrame, Marks]:
        """The features of a table, and what the other columns say of its rows.

        Raises:
            DataError: if a column is missing, or does not say what it should.
        """
        named = {name: (value,) if isinstance(value, str) else value for name, value in self.given.items()}
        for role, names in named.items():
            for name in names:
                if name not in table.columns:
                    raise DataError(f"TabularDataModule.{role}", "a column of the table", repr(name),
                                    closest(name, map(str, table.columns)))  # fmt: skip
        marks = Marks(
            None if self.split is None else _splits(table[self.split], self.split),
            None if self.groups is None else _groups(table[self.groups]),
            None if self.time is None else _times(table[self.time], self.time),
        )
        others = {name for names in named.values() for name in names}
        return table.drop(columns=[name for name in table.columns if name in others]), marks


def stacked(tables: dict[str, pd.DataFrame]) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Tables of the splits as one, and which split each row is in.

    Args:
        tables: ``"train"``, and ``"val"`` or ``"test"`` or both.

    Raises:
        DataError: if they have not the same columns.
    """
    import pandas as pd

    first = tables["train"]
    for name, table in tables.items():
        different = [str(column) for column in first.columns.symmetric_difference(table.columns)]
        if different:
            raise DataError(f"TabularDataModule.{name}_path", "the columns of path", f"{different[:5]} in one of them alone",
                            "Give both files the same columns.")  # fmt: skip
    splits = np.concatenate([np.full(len(table), _SPLITS[name], dtype=np.int64) for name, table in tables.items()])
    return pd.concat([table[first.columns] for table in tables.values()], ignore_index=True), splits


def _splits(column: pd.Series[Any], name: str) -> NDArray[np.int64]:
    texts = column.astype(object).map(lambda value: str(value).strip())
    found = texts.map(lambda text: _SPLITS.get(text.casefold(), -1)).to_numpy(dtype=np.int64)
    if (found < 0).any():
        others = ", ".join(f"{text!r} ({count} rows)" for text, count in texts[found < 0].value_counts().head(5).items())
        raise DataError(f"column {name}", "train, val or test in each row", others, "Rename them.")
    return found


def _groups(column: pd.Series[Any]) -> NDArray[np.int64]:
    """A row without a group is one by itself."""
    import pandas as pd

    codes = pd.factorize(column)[0].astype(np.int64)
    alone = np.flatnonzero(codes < 0)
    codes[alone] = codes.max(initial=-1) + 1 + np.arange(len(alone))
    return codes


def _times(column: pd.Series[Any], name: str) -> NDArray[np.float64]:
    import pandas as pd

    where = f"column {name}"
    if has_two_orders(column):
        first = repr(str(column.dropna().iloc[0]))
        raise DataError(where, "dates of which month and day are known", first, "Write YYYY-MM-DD.")
    dates = dates_in(column)
    if dates is None and not pd.api.types.is_numeric_dtype(column.dtype):
        raise DataError(where, "dates of one format, or numbers", f"such as {column.iloc[0]!r}", "Write YYYY-MM-DD.")
    numbers = column if dates is None else (dates - pd.Timestamp(0)) / pd.Timedelta(days=1)
    times: NDArray[np.float64] = numbers.astype("float64").to_numpy()
    if np.isnan(times).any():
        raise DataError(where, "a time in every row", f"{int(np.isnan(times).sum())} rows without", "Drop those rows.")
    return times
