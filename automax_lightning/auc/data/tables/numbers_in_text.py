"""Numbers and dates that a file writes as text: ``1.234,5``, ``1,234.5``, ``03.11.2024``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_PROBED = 50
"""Texts that are looked at before all of a column, most of which are neither numbers nor dates."""

_COMMA_DECIMAL = r"[-+]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?([eE][-+]?\d+)?"
_COMMA_GROUPS = r"[-+]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?"
_FORMATS = ("ISO8601", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%b-%Y", "%m/%d/%Y %H:%M", "%d.%m.%Y %H:%M")
_DATE = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ].*)?|\d{1,2}[./]\d{1,2}[./]\d{4}( \d{1,2}:\d{2})?|\d{1,2}-[A-Za-z]{3}-\d{4}"


def with_numbers(table: pd.DataFrame, *, is_comma_free: bool) -> pd.DataFrame:
    """The table with columns of numbers for columns of texts such as ``1.234,5`` or ``1,234.5``.

    Args:
        table: stays as it is.
        is_comma_free: whether commas divide no fields, so that they may be decimal marks.
    """
    found = {name: _numbers(column, is_comma_free) for name, column in table.items() if is_text(column)}
    changed: pd.DataFrame = table.assign(**{str(name): numbers for name, numbers in found.items() if numbers is not None})
    return changed


def dates_in(column: pd.Series[Any]) -> pd.Series[Any] | None:
    """The column as dates, if all its texts are dates of one format; else None.

    Month and day are read in the order that fits all rows, the American one first.

    Args:
        column: of any type.

    Example:
        >>> import pandas as pd
        >>> dates_in(pd.Series(["03.11.2024", None])).dt.month.tolist()
        [11.0, nan]
    """
    import pandas as pd

    if isinstance(column.dtype, pd.DatetimeTZDtype):
        in_utc: pd.Series[Any] = column.dt.tz_convert("UTC").dt.tz_localize(None)
        return in_utc
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column
    if not is_text(column):
        return None
    texts = _all_like(column, _DATE)
    if texts is None:
        return None
    for form in _FORMATS:
        dates = pd.to_datetime(texts, format=form, errors="coerce", utc=True)
        if bool(dates.notna().all()):
            naive: pd.Series[Any] = dates.dt.tz_localize(None).reindex(column.index)
            return naive
    return None


def has_two_orders(column: pd.Series[Any]) -> bool:
    """Whether month and day could change places in all rows, so that nobody knows which is which.

    Args:
        column: of texts.
    """
    import pandas as pd

    if not is_text(column):
        return False
    texts = column.dropna().astype(str).str.strip()
    return all(bool(pd.to_datetime(texts, format=form, errors="coerce").notna().all()) for form in ("%m/%d/%Y", "%d/%m/%Y"))


def is_text(column: pd.Series[Any]) -> bool:
    """Whether a column holds texts, or whatever objects."""
    import pandas as pd

    return pd.api.types.is_object_dtype(column.dtype) or pd.api.types.is_string_dtype(column.dtype)


def _numbers(column: pd.Series[Any], is_comma_free: bool) -> pd.Series[Any] | None:
    import pandas as pd

    texts = _all_like(column, _COMMA_DECIMAL) if is_comma_free else None
    if texts is not None:
        plain = texts.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    else:
        texts = _all_like(column, _COMMA_GROUPS)
        if texts is None:
            return None
        plain = texts.str.replace(",", "", regex=False)
    has_commas = bool(texts.str.contains(",", regex=False).any())
    return pd.to_numeric(plain).astype("float64").reindex(column.index) if has_commas else None


def _all_like(column: pd.Series[Any], pattern: str) -> pd.Series[str] | None:
    """The texts of a column, trimmed and without missing ones, if all of them match; else None."""
    texts = column.dropna()
    first = texts.iloc[:_PROBED].astype(str).str.strip()
    if not len(first) or not bool(first.str.fullmatch(pattern).all()):
        return None
    texts = texts.astype(str).str.strip()
    return texts if bool(texts.str.fullmatch(pattern).all()) else None
