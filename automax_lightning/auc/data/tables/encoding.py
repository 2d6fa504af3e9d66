"""The features of a table as float32 numbers, learnt from its training rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from automax_lightning.auc.data.tables.numbers_in_text import dates_in
from automax_lightning.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_LISTS = (list, tuple, dict, set, np.ndarray)


@dataclasses.dataclass(frozen=True, eq=False)
class Encoder:
    """Features of a table's rows.

    Args:
        encode: from row numbers to float32 features.
        names: of the features, ``kind_red`` for a value of a column; none of images.
    """

    encode: Callable[[NDArray[np.int64]], NDArray[np.float32]]
    names: tuple[str, ...] = ()

    def __call__(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The features of some rows."""
        return self.encode(rows)


def encoder(features: Any, train: NDArray[np.int64]) -> Encoder:
    """The features of a table, fitted on the training rows."""
    if not hasattr(features, "columns") and features.ndim > 2:
        return Encoder(_image_encoder(features, train))
    import pandas as pd
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    table = features if hasattr(features, "columns") else pd.DataFrame(features)
    table = table.set_axis([str(name) for name in table.columns], axis=1)
    table = _plain_columns(table)
    numbers = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    others = make_pipeline(
        SimpleImputer(strategy="most_frequent", keep_empty_features=True),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False, max_categories=50),
    )
    transformer = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (others, make_column_selector(dtype_exclude="number")),
    )
    transformer.fit(table.iloc[train])
    names = tuple(str(name).partition("__")[2] for name in transformer.get_feature_names_out())
    return Encoder(lambda rows: np.ascontiguousarray(transformer.transform(table.iloc[rows]), dtype=np.float32), names)


def _plain_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Booleans, dates and durations as numbers, everything else as text with NaN for missing; infinities are an error."""
    import pandas as pd

    columns: dict[Any, Any] = {}
    for name, column in table.items():
        if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_numeric_dtype(column.dtype):
            columns[name] = _finite(str(name), column.astype("float64").to_numpy())
        elif pd.api.types.is_timedelta64_dtype(column.dtype):
            columns[name] = (column / pd.Timedelta(days=1)).to_numpy()
        elif (dates := dates_in(column)) is not None:
            columns |= _date_parts(str(name), dates)
        else:
            columns[name] = _texts(str(name), column)
    plain: pd.DataFrame = pd.DataFrame(columns, index=table.index)
    return plain


def _finite(name: str, values: NDArray[Any]) -> NDArray[Any]:
    if np.isinf(values).any():
        raise DataError(f"feature {name}", "finite numbers", "infinite values", "Replace them by missing values.")
    return values


def _date_parts(name: str, dates: pd.Series[Any]) -> dict[str, NDArray[Any]]:
    """Days since 1970 with their fraction, month 1 to 12, and weekday, 0 for Monday; NaN where there is no date."""
    import pandas as pd

    days = (dates - pd.Timestamp(0)) / pd.Timedelta(days=1)
    parts = {"days": days, "month": dates.dt.month, "weekday": dates.dt.day_of_week}
    return {f"{name} ({part})": values.astype("float64").to_numpy() for part, values in parts.items()}


def _texts(name: str, column: pd.Series[Any]) -> pd.Series[Any]:
    import pandas as pd

    if column.dtype == object and any(isinstance(value, _LISTS) for value in column):
        raise DataError(f"feature {name}", "one value in each cell", "lists", "Make a column of each value, or drop it.")
    return column.astype("object").map(lambda value: np.nan if pd.isna(value) else str(value)).astype("object")


def _image_encoder(features: NDArray[Any], train: NDArray[np.int64]) -> Any:
    """Images keep their shape; they are standardised by one mean and one deviation."""
    pixels = features[train]
    mean, deviation = float(np.nanmean(pixels)), float(np.nanstd(pixels)) or 1.0
    return lambda rows: ((features[rows] - mean) / deviation).astype(np.float32)
