"""Labels as people write them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from automax_lightning.auc.data.tables.label_column import read_labels
from automax_lightning.errors import DataError

WORDS = ["yes", "no", "no", "yes ", "no"]
ONES = [1, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("labels", "positive"),
    [
        (WORDS, True),  # `positive: yes` in YAML 1.1
        (WORDS, "yes"),
        (WORDS, "Yes "),
        ([word.upper() for word in WORDS], "yes"),
        (["malignant" if one else "benign" for one in ONES], "malignant"),
        (["true" if one else "false" for one in ONES], True),
        (["on" if one else "off" for one in ONES], True),
        ([bool(one) for one in ONES], "true"),
        ([bool(one) for one in ONES], 1),
        (ONES, True),
        (ONES, 1),
        (ONES, "1"),
        ([float(one) for one in ONES], "1"),
        (["1.0" if one else "0.0" for one in ONES], 1),
        ([2 - one for one in ONES], 1),
        (pd.Series(WORDS, dtype="category"), "yes"),
        (pd.Series(ONES, dtype="Int64"), 1),
        ([1 - one for one in ONES], False),
        ([1 - one for one in ONES], 0),
    ],
)
def test_the_positive_label_is_found_as_it_is_written(labels: Any, positive: Any) -> None:
    assert read_labels(labels, positive).values.tolist() == ONES


@pytest.mark.parametrize("labels", [ONES, np.array(ONES, bool), np.array(ONES, float), list(map(str, ONES)), ["True", "False"]])
def test_labels_that_are_0_and_1_stay_what_they_are(labels: Any) -> None:
    found = read_labels(labels)
    assert found.values.tolist() == (ONES if len(labels) == 5 else [1, 0])
    assert not found.is_guessed


def test_the_rarer_of_two_labels_counts_as_1_and_it_is_said() -> None:
    found = read_labels(["sick", "well", "well"])
    assert found.values.tolist() == [1, 0, 0]
    assert found.lines() == [
        "The label 'sick' counts as 1 (1 row), 'well' (2 rows) as 0. It is the rarer one; pass positive='well' for the other."
    ]
    assert read_labels([1, 2, 2]).positive == "1"
    assert read_labels(["sick", "well", "well"], "well").lines() == [
        "The label 'well' counts as 1 (2 rows), 'sick' (1 row) as 0."
    ]


@pytest.mark.parametrize("missing", [None, np.nan, "", "  ", pd.NA])
def test_rows_without_a_label_are_left_out(missing: Any) -> None:
    found = read_labels(["a", missing, "b", "b"])
    assert found.kept.tolist() == [0, 2, 3]
    assert found.values.tolist() == [1, 0, 0]
    assert found.lines()[1] == "1 row without a label was dropped."


def test_of_several_labels_some_may_be_unknown() -> None:
    found = read_labels(np.array([[1, 0], [np.nan, 1], [np.nan, np.nan], [0, 1]]))
    assert found.values.tolist() == [[1, 0], [-1, 1], [0, 1]]
    assert found.kept.tolist() == [0, 1, 3]
    assert found.lines()[1:] == ["1 label is not known.", "1 row without a label was dropped."]
    assert read_labels([[1, 0], [-1, 1], [0, -1]]).values.tolist() == [[1, 0], [-1, 1], [0, -1]]
    assert read_labels([["yes", "no"], ["no", "yes"]], "yes").values.tolist() == [[1, 0], [0, 1]]
    with pytest.raises(DataError, match="negatives, or not known"):
        read_labels([[1, -1], [-1, 1]])


@pytest.mark.parametrize("labels", [[-1, 1, 1, -1], [-1.0, 1.0, 1.0, -1.0], ["-1", "1", "1", "-1"]])
def test_minus_one_is_the_negative_class_of_one_label(labels: Any) -> None:
    assert read_labels(labels).values.tolist() == [0, 1, 1, 0]
    with pytest.raises(DataError, match="negative class, or not known"):
        read_labels([*labels, type(labels[0])(0)])


@pytest.mark.parametrize(
    ("labels", "positive", "message"),
    [
        (["Yes", "yes", "no"], None, r"one spelling of a label, found 'Yes' \(1 row\), 'yes' \(1 row\). Write it in one way"),
        (["Yes", "yes", "no"], True, r"one spelling of a label"),
        (["True", "TRUE", "False"], None, r"'TRUE' \(1 row\), 'True' \(1 row\)"),
        (["a", "b"], None, r"both are as frequent, found 'a' \(1 row\), 'b' \(1 row\). Pass positive='a'"),
        (["a", "b"], "c", r"one of the labels 'a' \(1 row\), 'b' \(1 row\), found 'c'"),
        (["on", "yes", "no"], True, r"one label, found True, which may be 'on' \(1 row\), 'yes' \(1 row\)"),
        (["a", None], None, r"two labels, found 'a' \(1 row\) alone, and 1 row without one"),
        ([None, None], None, r"at least one row with a label, found 2 without"),
        ([1, 2, 3], None, r"expected 0 and 1, found \[1, 2, 3\]"),
        ([0.5, 1.5, 2.5], None, r"expected 0 and 1, found \[0.5, 1.5, 2.5\]"),
        ([[1, 2], [2, 1]], None, r"expected 0 and 1, found \[1, 2\]"),
        ([0, 0], None, "both classes"),
        (["a", "a"], "a", "both classes"),
    ],
)
def test_labels_that_say_nothing_are_refused(labels: Any, positive: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_labels(labels, positive)
