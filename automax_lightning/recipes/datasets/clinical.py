"""Melanoma and CheXpert, which nobody may hand on: image files that the user has put under ``root_path``.

LibAUC's own classes need packages and versions that no longer exist (albumentations before 1.0, pandas before 3); the
rules by which they read labels and splits are kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from automax_lightning.auc.data.datamodule import AUCDataModule
from automax_lightning.errors import DataError
from automax_lightning.recipes.datasets.local_files import column, image_files
from automax_lightning.recipes.datasets.splits import held_out

if TYPE_CHECKING:
    import pandas as pd

_LABELS = ["Cardiomegaly", "Edema", "Consolidation", "Atelectasis", "Pleural Effusion"]
_UNCERTAIN_IS_POSITIVE = ("Edema", "Atelectasis")
_MELANOMA = "https://www.kaggle.com/cdeotte/jpeg-melanoma-256x256"
_CHEXPERT = "https://stanfordmlgroup.github.io/competitions/chexpert"


def melanoma(
    has_test: bool, *, root_path: str = "./data", image_size: int = 256, augment: str = "medical", val_size: float = 0.2,
    test_size: float = 0.2,
) -> AUCDataModule:  # fmt: skip
    """SIIM-ISIC melanoma from ``<root_path>/melanoma/{train.csv, train/*.jpg}``; the last records are the test split.

    Args:
        has_test: whether the test split is wanted.
        root_path: where the folder is.
        image_size: height and width.
        augment: name of an augmentation in `images.AUGMENTATIONS`.
        val_size: share of the training part that is held out, in (0, 1).
        test_size: share of the records in the test split, in (0, 1).
    """
    root = Path(root_path) / "melanoma"
    frame = _csv(root / "train.csv", f"Unpack {_MELANOMA} into {root}, so that there are train.csv and train/*.jpg.")
    frame = frame[column(frame, "tfrecord", "root_path") != -1].reset_index(drop=True)
    records = frame["tfrecord"].nunique()
    is_train = (frame["tfrecord"] < records - int(records * test_size)).to_numpy()
    labels = column(frame, "target", "root_path").to_numpy().astype(np.int64)
    paths = np.array([root / "train" / f"{name}.jpg" for name in column(frame, "image_name", "root_path")], dtype=object)
    train = np.flatnonzero(is_train)
    rows, held = held_out(labels[train], val_size)
    chosen = [train[rows], train[held], *([np.flatnonzero(~is_train)] if has_test else [])]
    return image_files([(list(paths[part]), labels[part]) for part in chosen], image_size, None, augment)


def chexpert(
    has_test: bool, *, root_path: str = "./data", image_size: int = 224, augment: str = "medical", val_size: float = 0.05,
    label: str | None = None,
) -> AUCDataModule:  # fmt: skip
    """CheXpert's five competition labels from ``<root_path>/CheXpert-v1.0-small``; its valid.csv is the test split.

    Frontal views only. An uncertain finding counts as positive for edema and atelectasis, and as negative for others.

    Args:
        has_test: whether the test split is wanted.
        root_path: where the folder is.
        image_size: height and width.
        augment: name of an augmentation in `images.AUGMENTATIONS`.
        val_size: share of train.csv that is held out, in (0, 1).
        label: the one to train on; None for all five.
    """
    root = Path(root_path) / "CheXpert-v1.0-small"
    if label is not None and label not in _LABELS:
        raise DataError("dataset.kwargs.label", f"one of {_LABELS}", repr(label), "Leave it out for all five.")
    parts = []
    for name in ("train.csv", "valid.csv")[: 2 if has_test else 1]:
        frame = _csv(root / name, f"Unpack CheXpert-v1.0-small from {_CHEXPERT} into {root}.")
        frame = frame[column(frame, "Frontal/Lateral", "root_path") == "Frontal"]
        paths = np.array([root / path.split("CheXpert-v1.0-small/")[-1] for path in frame["Path"]], dtype=object)
        labels = np.stack([_certain(frame[finding], finding) for finding in _LABELS], axis=1)
        parts.append((paths, labels if label is None else labels[:, _LABELS.index(label)]))
    paths, labels = parts[0]
    rows, held = held_out(labels, val_size)
    splits = [(paths[rows], labels[rows]), (paths[held], labels[held]), *parts[1:]]
    return image_files([(list(chosen), targets) for chosen, targets in splits], image_size, None, augment)


def _certain(values: pd.Series[float], label: str) -> NDArray[np.int64]:
    marks = values.fillna(0.0).to_numpy()
    return np.where(marks == -1, int(label in _UNCERTAIN_IS_POSITIVE), marks).astype(np.int64)


def _csv(path: Path, hint: str) -> pd.DataFrame:
    import pandas as pd

    if not path.is_file():
        raise DataError(f"dataset {path.parent.name}", str(path.absolute()), "no such file", hint)
    return pd.read_csv(path)
