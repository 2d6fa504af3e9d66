from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automax_lightning.errors import DataError
from automax_lightning.recipes.datasets.text import Sentences, sentences

FRAME = pd.DataFrame(
    {"review": [f"text {n}" for n in range(60)], "label": [int(n % 3 == 0) for n in range(60)], "stars": range(60)}
)


@pytest.mark.parametrize(("has_test", "sizes"), [(True, [36, 12, 12]), (False, [48, 12])])
def test_a_table_of_texts_is_split_and_no_row_is_lost(tmp_path: Path, has_test: bool, sizes: list[int]) -> None:
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    data = sentences(tmp_path / "t.csv", has_test, text="review")
    parts = [part for part in data.datasets if part is not None]
    assert [len(part) for part in parts] == sizes
    texts = sorted(part[position][0] for part in parts for position in range(len(part)))
    assert texts == sorted(FRAME["review"])


def test_text_and_label_stay_together(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "t.parquet")
    train = sentences(tmp_path / "t.parquet", has_test=False, text="review").datasets[0]
    wanted = dict(zip(FRAME["review"], FRAME["label"], strict=True))
    assert [train[n][1] for n in range(len(train))] == [wanted[train[n][0]] for n in range(len(train))]


def test_a_sample_has_a_number_or_a_row_of_labels() -> None:
    assert Sentences(["a"], np.array([1]))[0] == ("a", 1)
    text, labels = Sentences(["a"], np.array([[1, 0]]))[0]
    assert (text, labels.tolist()) == ("a", [1, 0])


def test_numbers_are_read_as_text_and_missing_texts_are_told(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    train = sentences(tmp_path / "t.csv", has_test=False, text="stars").datasets[0]
    assert isinstance(train[0][0], str)
    FRAME.assign(review=[None, *FRAME["review"][1:]]).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(DataError, match=r"dataset.kwargs.text: expected a text in every row, found missing values"):
        sentences(tmp_path / "t.csv", has_test=False, text="review")


def test_a_column_that_is_not_there_has_a_neighbour(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(DataError, match=r"dataset.kwargs.text: expected a column of the table, found 'reviews'.*'review'"):
        sentences(tmp_path / "t.csv", has_test=False, text="reviews")
