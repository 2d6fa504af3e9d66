"""Text: a CSV of sentences and labels, and transformers that read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from automax_lightning.auc.data.datamodule import AUCDataModule
from automax_lightning.errors import DataError
from automax_lightning.recipes.datasets import local_files as files


class Sentences(Dataset[tuple[str, int]]):
    """Texts with labels; a batch is a list of strings, which the network turns into tokens.

    Args:
        texts: n strings.
        targets: (n,) or (n, C), 0 or 1.

    Example:
        >>> import numpy as np
        >>> Sentences(["good", "bad"], np.array([1, 0]))[0]
        ('good', 1)
    """

    def __init__(self, texts: list[str], targets: NDArray[Any]) -> None:
        self.texts, self.targets = texts, targets

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, position: int) -> tuple[str, Any]:
        label = self.targets[position]
        return self.texts[position], label if label.ndim else int(label)


def sentences(
    path: Path, has_test: bool, *, text: str, target: str | list[str] = "label", positive: Any = None,
    val_size: float = 0.2, test_size: float = 0.2,
) -> AUCDataModule:  # fmt: skip
    """A CSV or Parquet file with a column of texts."""
    import pandas as pd

    frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    texts, labels = files.column(frame, text, "text"), files.targets(frame, target, positive)
    if bool(texts.isna().any()):
        raise DataError("dataset.kwargs.text", "a text in every row", "missing values", "Drop those rows.")
    words = np.array([str(value) for value in texts], dtype=object)
    rows = files.split_rows(labels, has_test, val_size, test_size)
    return AUCDataModule(*(Sentences(list(words[part]), labels[part]) for part in rows))
