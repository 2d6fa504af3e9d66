"""Columns that are no features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from automax_lightning.auc.data.tables.roles import Marks, Roles, stacked
from automax_lightning.errors import DataError

TABLE = pd.DataFrame({
    "a": [1.0, 2.0, 3.0], "part": ["Train", "validation ", "test"], "patient": ["x", "y", "x"],
    "seen": ["2024-01-01", "2024-01-02", "2024-01-04"], "note": ["p", "q", "r"], "key": [7, 8, 9],
})  # fmt: skip


def test_columns_say_what_they_are_for_and_are_no_features() -> None:
    roles = Roles(split="part", groups="patient", time="seen", drop=("note",), id=("key",))
    features, marks = roles.take(TABLE)
    assert list(features) == ["a"]
    assert marks.splits is not None
    assert marks.groups is not None
    assert marks.times is not None
    assert marks.splits.tolist() == [0, 1, 2]
    assert marks.groups.tolist() == [0, 1, 0]
    assert np.diff(marks.times).tolist() == [1, 2]
    assert roles.given == {"split": "part", "groups": "patient", "time": "seen", "drop": ("note",), "id": ("key",)}


def test_without_roles_all_columns_are_features() -> None:
    features, marks = Roles().take(TABLE)
    assert list(features) == list(TABLE)
    assert (marks.splits, marks.groups, marks.times) == (None, None, None)
    assert Marks(np.arange(3)).of(np.array([2])).splits == [2]


def test_a_row_without_a_group_is_one_by_itself() -> None:
    marks = Roles(groups="g").take(pd.DataFrame({"g": ["x", None, "x", np.nan]}))[1]
    assert marks.groups is not None
    assert marks.groups.tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize(
    ("roles", "columns", "message"),
    [
        (Roles(split="prat"), {}, "TabularDataModule.split: expected a column of the table, found 'prat'. Did you mean 'part'"),
        (Roles(drop=("nte",)), {}, "TabularDataModule.drop: .*Did you mean 'note'"),
        (Roles(id=("kez",)), {}, "TabularDataModule.id: .*Did you mean 'key'"),
        (
            Roles(split="part"),
            {"part": ["train", "holdout", None]},
            r"train, val or test in each row, found 'holdout' \(1 rows\)",
        ),
        (Roles(time="seen"), {"seen": ["01/02/2024", "03/04/2024", "05/06/2024"]}, "month and day are known, found '01/02/2024'"),
        (Roles(time="seen"), {"seen": ["a", "b", "c"]}, "dates of one format, or numbers, found such as 'a'"),
        (Roles(time="seen"), {"seen": ["2024-01-01", None, "2024-01-02"]}, "a time in every row, found 1 rows without"),
        (Roles(time="seen"), {"seen": [1.0, np.nan, 2.0]}, "a time in every row, found 1 rows without"),
    ],
)
def test_columns_that_do_not_say_it_are_named(roles: Roles, columns: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        roles.take(TABLE.assign(**columns))


def test_tables_of_splits_become_one() -> None:
    table, splits = stacked({"train": TABLE, "test": TABLE[list(TABLE)[::-1]]})
    assert splits.tolist() == [0, 0, 0, 2, 2, 2]
    pd.testing.assert_frame_equal(table.iloc[3:].reset_index(drop=True), TABLE)
    with pytest.raises(DataError, match=r"val_path: expected the columns of path, found \['note'\] in one of them alone"):
        stacked({"train": TABLE, "val": TABLE.drop(columns="note")})
