"""Files and folders of one's own: tables, arrays, images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_breast_cancer

from automax_lightning.errors import ConfigError, DataError
from tests.support.recipes import DIGITS, PIXELS, data, sizes


def test_a_table_is_read_and_the_test_split_is_the_recipes_choice(tmp_path: Path) -> None:
    X, y = load_breast_cancer(return_X_y=True)
    frame = pd.DataFrame(X).assign(kind=np.where(y == 0, "bad", "good"))
    frame.to_csv(tmp_path / "d.csv", index=False)
    both = data(tmp_path / "d.csv", target="kind", positive="bad")
    assert sizes(both) == [341, 114, 114]
    assert not data(tmp_path / "d.csv", ("val",), target="kind", positive="bad").has_test
    with pytest.raises(DataError, match="target"):
        data(tmp_path / "d.csv", target="kid")
    with pytest.raises(ConfigError, match="dataset.kwargs.imratio: expected an argument of .*d.csv"):
        data(tmp_path / "d.csv", target="kind", imratio=0.1)


@pytest.mark.parametrize("layout", ["Xy", "medmnist", "table"])
def test_arrays_are_images_or_a_table(tmp_path: Path, layout: str) -> None:
    y = (DIGITS.target >= 5).astype(np.int64)
    if layout == "medmnist":
        parts = np.array_split(np.arange(len(y)), 3)
        content = {f"{name}_images": PIXELS[rows] for name, rows in zip(("train", "val", "test"), parts, strict=True)}
        content |= {f"{name}_labels": y[rows, None] for name, rows in zip(("train", "val", "test"), parts, strict=True)}
    else:
        content = {"X": PIXELS if layout == "Xy" else DIGITS.data, "y": y}
    np.savez(tmp_path / "d.npz", **content)
    module = data(tmp_path / "d.npz")
    assert sizes(module) == ([599, 599, 599] if layout == "medmnist" else [1077, 360, 360])
    x, label = module.datasets[0][0]
    assert x.shape == ((64,) if layout == "table" else (1, 8, 8))
    assert label.ndim == 0


def test_images_in_an_array_are_resized_and_augmented_as_asked(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", X=PIXELS, y=(DIGITS.target >= 5).astype(np.int64))
    assert data(tmp_path / "d.npz", image_size=16).datasets[2][0][0].shape == (1, 16, 16)
    with pytest.raises(ConfigError, match="dataset.kwargs.augment"):
        data(tmp_path / "d.npz", augment="much")


def test_arrays_that_are_missing_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", train_images=PIXELS, train_labels=DIGITS.target)
    with pytest.raises(DataError, match=r"Add \['val_images', 'val_labels', 'test_images', 'test_labels'\]"):
        data(tmp_path / "d.npz")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = np.arange(60)
    for row in rows:
        Image.fromarray(PIXELS[row]).save(tmp_path / f"{row}.png")
    label = np.where(DIGITS.target[rows] >= 5, "high", "low")
    split = np.array(["train"] * 30 + ["val"] * 15 + ["test"] * 15)
    pd.DataFrame({"image": [f"{row}.png" for row in rows], "label": label, "part": split}).to_csv(
        tmp_path / "labels.csv", index=False
    )
    return tmp_path


def test_a_folder_of_images_is_split_for_one_or_as_its_table_says(folder: Path) -> None:
    module = data(folder, positive="high", image_size=8)
    assert sizes(module) == [36, 12, 12]
    x, _ = module.datasets[0][0]
    assert x.shape == (3, 8, 8)
    assert module.num_workers == 2
    given = data(folder, positive="high", image_size=8, split="part")
    assert sizes(given) == [30, 15, 15]
    assert given.train_labels.tolist() == (DIGITS.target[:30] >= 5).astype(int).tolist()


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"labels": "no.csv"}, "dataset.kwargs.labels: expected a CSV file in the folder of images"),
        ({"image": "imgae"}, "dataset.kwargs.image: .*Did you mean 'image'"),
        ({}, "dataset.kwargs.target: expected labels 0 and 1, found .*Write positive"),
        ({"positive": "none"}, "one of the labels .*found .none."),
        ({"target": "labl"}, "dataset.kwargs.target: .*Did you mean 'label'"),
        ({"positive": "high", "val_size": 0.0}, "val_size: expected a share"),
    ],
)
def test_a_folder_that_cannot_be_used_is_named(folder: Path, kwargs: Any, message: str) -> None:
    with pytest.raises((DataError, ConfigError), match=message):
        data(folder, **kwargs)


def test_several_labels_come_from_several_columns(folder: Path) -> None:
    frame = pd.read_csv(folder / "labels.csv").assign(a=[0, 1] * 30, b=[1, 0, 0] * 20)
    frame.to_csv(folder / "labels.csv", index=False)
    assert data(folder, target=["a", "b"], image_size=8).facts.num_labels == 2
