"""Real data that come with scikit-learn, for a first try."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from automax_lightning.auc.data.tabular import TabularDataModule
from automax_lightning.errors import ConfigError
from automax_lightning.utils.arguments import Rule, check_arguments, flag, integer, number

_RULES: Mapping[str, Rule] = {
    "share": number("a share in (0, 0.5)", lambda x: 0 < x < 0.5, "0.05"),
    "images": flag(),
    "image_size": integer(0, example=8),
}


class DigitsDataModule(TabularDataModule):
    """scikit-learn's digits, 5-9 against 0-4, with the positives thinned: real images, imbalanced, in no time.

    Args:
        share: share of positives among all rows, in (0, 0.5).
        images: samples of shape (1, image_size, image_size) instead of (64,).
        image_size: height and width to which the 8 x 8 images are enlarged, bilinearly; at least 8.
        val_size: share of the rows for validation, in (0, 1).
        test_size: share of the rows for the test, in [0, 1); 0 for no test split.
        batch_size: training samples per rank and batch, at least 2.
        eval_batch_size: evaluation samples per rank and batch, at least 1; None for `batch_size`.
        sampling_rate: share of positives in a training batch, in (0, 1); None for plain shuffling.
        num_workers: worker processes per loader, at least 0.
        seed: seed of the splits and of the training batches; the thinning is always the same.
        split_seed: seed of the splits, where `seed` is to decide the batches only; None for `seed`.
        resplit_seed: seed of another division into training and validation rows; None for that of `split_seed`. The test
            split stays.
        fold: which fold of that division validates, from 0; None draws `val_size` anew.
        n_folds: folds of that division, at least 2.

    Example:
        >>> DigitsDataModule().facts
        DataFacts(length=474, positives=(23,))
    """

    def __init__(
        self,
        share: float = 0.05,
        images: bool = False,
        image_size: int = 8,
        *,
        val_size: float = 0.25,
        test_size: float = 0.25,
        batch_size: int = 64,
        eval_batch_size: int | None = 512,
        sampling_rate: float | None = 0.5,
        num_workers: int = 0,
        seed: int = 0,
        split_seed: int | None = None,
        resplit_seed: int | None = None,
        fold: int | None = None,
        n_folds: int | None = None,
    ) -> None:
        check_arguments("DigitsDataModule", _RULES, locals())
        if image_size < 8 or (image_size > 8 and not images):
            raise ConfigError("DigitsDataModule.image_size", "at least 8, with images=True", repr(image_size),
                              "Pass images=True, image_size=32.")  # fmt: skip
        X, y = _digits(share, image_size if images else None)
        super().__init__(
            X, y, val_size=val_size, test_size=test_size, batch_size=batch_size, eval_batch_size=eval_batch_size,
            sampling_rate=sampling_rate, num_workers=num_workers, seed=seed, split_seed=split_seed,
            resplit_seed=resplit_seed, fold=fold, n_folds=n_folds,
        )  # fmt: skip


def _digits(share: float, image_size: int | None) -> tuple[Any, Any]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    positives = np.flatnonzero(digits.target >= 5)
    negatives = np.flatnonzero(digits.target < 5)
    kept = min(round(len(negatives) * share / (1 - share)), len(positives))
    chosen = np.random.default_rng(0).permutation(positives)[:kept]
    rows = np.sort(np.concatenate([negatives, chosen]))
    labels = (digits.target[rows] >= 5).astype(np.int64)
    if image_size is None:
        return digits.data[rows].astype(np.float32), labels
    images = torch.from_numpy(digits.images[rows, None].astype(np.float32))
    return torch.nn.functional.interpolate(images, size=(image_size, image_size), mode="bilinear").numpy(), labels
