"""Features as numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from automax_lightning.auc.data.tables.encoding import encoder
from automax_lightning.errors import DataError


def test_what_is_learnt_is_learnt_from_the_training_rows() -> None:
    table = pd.DataFrame({"a": [0.0, 2.0, 100.0], "kind": ["x", "y", "z"]})
    encode = encoder(table, np.array([0, 1]))
    np.testing.assert_allclose(encode(np.arange(3)), [[-1, 1, 0], [1, 0, 1], [99, 0, 0]])
    assert encode(np.arange(3)).dtype == np.float32


def test_infinite_values_are_named() -> None:
    with pytest.raises(DataError, match=r"feature a: expected finite numbers, found infinite values"):
        encoder(pd.DataFrame({"a": [0.0, np.inf]}), np.array([0, 1]))


def test_dates_are_days_months_and_weekdays_and_durations_are_days() -> None:
    stamps = pd.to_datetime(["2024-01-01", "2024-01-03", None])  # a Monday and a Wednesday
    table = pd.DataFrame({"seen": stamps, "text": ["2024-01-01", "2024-01-03", None], "stay": pd.to_timedelta([1, 3, 5], "D")})
    found = encoder(table, np.array([0, 1]))(np.arange(3))
    np.testing.assert_allclose(found[:, [0, 3]], [[-1, -1], [1, 1], [0, 0]])  # days; the median where there is none
    np.testing.assert_allclose(found[:, [1, 4]], 0)  # January throughout
    np.testing.assert_allclose(found[:, [2, 5]], [[-1, -1], [1, 1], [0, 0]])
    np.testing.assert_allclose(found[:, 6], [-1, 1, 3])


@pytest.mark.parametrize("cell", [[1, 2], {"a": 1}, np.zeros(2)])
def test_lists_in_cells_are_named(cell: object) -> None:
    with pytest.raises(
        DataError, match=r"feature tags: expected one value in each cell, found lists. Make a column of each value"
    ):
        encoder(pd.DataFrame({"tags": [cell, cell]}), np.array([0, 1]))
