"""How the tests of recipes load data."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from automax_lightning.auc.data.datamodule import AUCDataModule
from automax_lightning.recipes.datasets.loaders import load_data
from automax_lightning.recipes.sections import DatasetSection

BOTH = ("val", "test")
DIGITS = load_digits()
PIXELS = (DIGITS.images * 15).astype(np.uint8)


def data(name: Any, splits: tuple[str, ...] = BOTH, **kwargs: Any) -> AUCDataModule:
    return load_data(DatasetSection(str(name), kwargs, splits))


def sizes(module: AUCDataModule) -> list[int]:
    return [len(part) for part in module.datasets if part is not None]
