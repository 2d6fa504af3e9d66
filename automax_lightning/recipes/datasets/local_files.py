"""Files and folders of your own as the data of a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from automax_lightning.auc.data.datamodule import AUCDataModule
from automax_lightning.auc.data.tables.label_column import read_labels
from automax_lightning.auc.data.tabular import TabularDataModule
from automax_lightning.errors import DataError, closest
from automax_lightning.recipes.datasets.images import ImageArrays, ImageFiles, augmentation
from automax_lightning.recipes.datasets.splits import held_out

if TYPE_CHECKING:
    import pandas as pd

Arrays = tuple[NDArray[Any], NDArray[Any]]
_SPLITS = ("train", "val", "test")


def table(
    path: Path, has_test: bool, *, target: str | list[str] = "label", positive: Any = None, val_size: float = 0.2,
    test_size: float = 0.2, seed: int = 0,
) -> AUCDataModule:  # fmt: skip
    """A CSV or Parquet file, see `TabularDataModule`; `seed` is that of the splits alone."""
    return TabularDataModule(
        path=path, target=target, positive=positive, val_size=val_size, test_size=test_size if has_test else 0.0, seed=seed
    )


def arrays(
    path: Path, has_test: bool, *, image_size: int | None = None, crop_size: int | None = None, augment: str | None = None,
    val_size: float = 0.2, test_size: float = 0.2,
) -> AUCDataModule:  # fmt: skip
    """An ``.npz`` file with ``X`` and ``y``, or with ``train_images, train_labels, val_images, ...`` as MedMNIST's have.

    Arrays of bytes with three or four dimensions are images; anything else is a table.
    """
    with np.load(path, allow_pickle=False) as file:
        content = {name: file[name] for name in file.files}
    if {"X", "y"} <= set(content):
        X, y = content["X"], content["y"]
        if X.dtype != np.uint8 or X.ndim < 3:
            return TabularDataModule(X, y, val_size=val_size, test_size=test_size if has_test else 0.0)
        return image_arrays(_three_parts((X, _flat(y)), has_test, val_size, test_size), image_size, crop_size, augment)
    wanted = _SPLITS if has_test else _SPLITS[:2]
    missing = [f"{split}_{kind}" for split in wanted for kind in ("images", "labels") if f"{split}_{kind}" not in content]
    if missing:
        raise DataError(str(path), "the arrays X and y, or train_images, train_labels, val_images, ...",
                        f"{sorted(content)}", f"Add {missing}.")  # fmt: skip
    parts = [(content[f"{split}_images"], _flat(content[f"{split}_labels"])) for split in wanted]
    return image_arrays(parts, image_size, crop_size, augment)


def folder(
    path: Path, has_test: bool, *, labels: str = "labels.csv", image: str = "image", target: str | list[str] = "label",
    positive: Any = None, split: str | None = None, image_size: int = 224, crop_size: int | None = None,
    augment: str | None = None, val_size: float = 0.2, test_size: float = 0.2,
) -> AUCDataModule:  # fmt: skip
    """A folder of images, and a CSV with a column of their paths in it, a column of labels, and perhaps one of splits."""
    import pandas as pd

    listed = path / labels
    if not listed.is_file():
        raise DataError("dataset.kwargs.labels", "a CSV file in the folder of images", str(listed),
                        f"Write a file with the columns {image}, {target}.")  # fmt: skip
    frame = pd.read_csv(listed)
    names, classes = column(frame, image, "image"), targets(frame, target, positive)
    if split is None:
        rows = split_rows(classes, has_test, val_size, test_size)
    else:
        marks = column(frame, split, "split").astype(str).to_numpy()
        rows = [np.flatnonzero(marks == part) for part in (_SPLITS if has_test else _SPLITS[:2])]
    parts = [([path / str(names.iloc[row]) for row in chosen], classes[chosen]) for chosen in rows]
    return image_files(parts, image_size, crop_size, augment)


def image_arrays(
    parts: list[Arrays], image_size: int | None = None, crop_size: int | None = None, augment: str | None = None
) -> AUCDataModule:
    """Images in memory: training, validation and perhaps test split."""
    shape = parts[0][0].shape
    size = image_size or int(shape[2] if len(shape) == 4 and shape[1] in (1, 3) else shape[1])
    chosen = augmentation(augment)
    crop = crop_size or max(size - 2, 1)
    transforms = [chosen.train(size, crop), *[chosen.evaluate(size, crop)] * 2]
    return AUCDataModule(*(ImageArrays(*part, transform) for part, transform in zip(parts, transforms, strict=False)))


def image_files(
    parts: list[tuple[list[Path], NDArray[Any]]], size: int, crop_size: int | None = None, augment: str | None = None
) -> AUCDataModule:
    """Images in files: training, validation and perhaps test split; two workers read them."""
    chosen = augmentation(augment)
    crop = crop_size or max(size - 2, 1)
    transforms = [chosen.train(size, crop), *[chosen.evaluate(size, crop)] * 2]
    datasets = (ImageFiles(*part, transform) for part, transform in zip(parts, transforms, strict=False))
    return AUCDataModule(*datasets, num_workers=2)


def column(frame: pd.DataFrame, name: str, setting: str) -> pd.Series[Any]:
    """A column of a table.

    Raises:
        DataError: if there is none of that name.
    """
    if name not in frame.columns:
        raise DataError(f"dataset.kwargs.{setting}", "a column of the table", repr(name), closest(str(name), map(str, frame)))
    return frame[name]


def targets(frame: pd.DataFrame, names: str | list[str], positive: Any) -> NDArray[np.int64]:
    """The labels (n,) or (n, C) in a table's columns; `positive` counts as 1 where they are not 0 and 1 already.

    Raises:
        DataError: if they cannot be used.
    """
    columns = [column(frame, name, "target") for name in ([names] if isinstance(names, str) else names)]
    if any(bool(each.isna().any()) for each in columns):
        raise DataError("dataset.kwargs.target", "a label in every row", "missing values", "Drop those rows, or label them.")
    values = np.stack([each.to_numpy() for each in columns], axis=1)
    if positive is not None:
        values = read_labels(values, positive).values.reshape(values.shape)
    elif not np.isin(values, (0, 1)).all():
        labels = [str(label) for label in np.unique(values.astype(str))[:6]]
        raise DataError("dataset.kwargs.target", "labels 0 and 1", str(labels), f"Write positive: {labels[-1]}.")
    return _flat(values.astype(np.int64))


def _flat(labels: NDArray[Any]) -> NDArray[Any]:
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels


def split_rows(labels: NDArray[Any], has_test: bool, val_size: float, test_size: float) -> list[NDArray[Any]]:
    """Row numbers of the training, the validation and, if wanted, the test split, stratified."""
    rest, test = np.arange(len(labels)), None
    if has_test:
        rest, test = held_out(labels, test_size, "dataset.kwargs.test_size")
    train, val = held_out(labels[rest], val_size / (1 - test_size) if has_test else val_size)
    return [rest[train], rest[val], *([] if test is None else [test])]


def _three_parts(whole: Arrays, has_test: bool, val_size: float, test_size: float) -> list[Arrays]:
    return [(whole[0][rows], whole[1][rows]) for rows in split_rows(whole[1], has_test, val_size, test_size)]
