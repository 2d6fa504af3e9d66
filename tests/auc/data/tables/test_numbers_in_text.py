"""Numbers and dates that a file writes as text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from automax_lightning.auc.data.tables.numbers_in_text import dates_in, has_two_orders, with_numbers


@pytest.mark.parametrize(
    ("texts", "is_comma_free", "expected"),
    [
        (["1,5", "-2,25", None], True, [1.5, -2.25, np.nan]),
        (["1.234,5", "7", " 8,0"], True, [1234.5, 7, 8]),
        (["1,234", "1,234,567.5"], True, [1234, 1234567.5]),
        (["1,234.5", "99"], False, [1234.5, 99]),
        (["1,234", "a"], False, None),
        (["1,2", "3,4"], False, None),  # two numbers in a field, perhaps
        (["12", "13"], True, None),  # a code that is kept as text, perhaps
        ([None, None], True, None),
    ],
)
def test_commas_are_decimal_marks_or_divide_thousands(texts: Any, is_comma_free: bool, expected: Any) -> None:
    table = pd.DataFrame({"a": pd.Series(texts, dtype=object)})
    found = with_numbers(table, is_comma_free=is_comma_free)["a"]
    if expected is None:
        expected = table["a"].tolist()
    pd.testing.assert_series_equal(found, pd.Series(expected, name="a", dtype=found.dtype))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["2024-11-03", None], "2024-11-03"),
        (["2024-11-03T12:00:00Z", None], "2024-11-03 12:00"),
        (["2024/11/03", None], "2024-11-03"),
        (["03.11.2024", None], "2024-11-03"),
        (["11/03/2024", None], "2024-11-03"),
        (["13/11/2024", None], "2024-11-13"),
        (["3-Nov-2024", None], "2024-11-03"),
    ],
)
def test_dates_of_one_format_are_dates(texts: Any, expected: str) -> None:
    found = dates_in(pd.Series(texts))
    assert found is not None
    assert found.iloc[0] == pd.Timestamp(expected)
    assert found.isna().tolist() == [False, True]


def test_dates_of_pandas_are_dates_without_a_zone() -> None:
    stamps = pd.Series(pd.to_datetime(["2024-11-03 12:00"]))
    for column in (stamps, stamps.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")):
        found = dates_in(column)
        assert found is not None
        assert found.iloc[0] == stamps.iloc[0]


@pytest.mark.parametrize("values", [["2024-11-03", "03.11.2024"], ["2024-13-45"], ["red"], [1.5], [None], ["2024"]])
def test_everything_else_is_no_date(values: Any) -> None:
    assert dates_in(pd.Series(values)) is None


def test_month_and_day_that_may_change_places_are_known() -> None:
    assert has_two_orders(pd.Series(["01/02/2024", "03/04/2024"]))
    assert not has_two_orders(pd.Series(["01/02/2024", "13/04/2024"]))
    assert not has_two_orders(pd.Series(["2024-02-01"]))
    assert not has_two_orders(pd.Series([1.0]))
