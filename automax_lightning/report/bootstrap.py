"""How sure a curve is: the stratified bootstrap of ROC and precision-recall curves, in NumPy."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from automax_lightning.trial.score_file import SplitScores

GRID = np.linspace(0.0, 1.0, 101)
_LEVEL = (2.5, 97.5)


@dataclasses.dataclass(frozen=True)
class Bands:
    """Pointwise 95 % bands of both curves on `GRID`.

    Args:
        roc: (2, 101), lower and upper true-positive rate at each false-positive rate.
        pr: (2, 101), lower and upper precision at each recall.
    """

    roc: np.ndarray
    pr: np.ndarray


class Ranking:
    """Scores in order, with ties together: counts above each threshold for any resample of the samples.

    Args:
        scores: (N,), more means more positive.
        labels: (N,), 0 or 1, both of them.
    """

    def __init__(self, scores: np.ndarray, labels: np.ndarray) -> None:
        _, threshold = np.unique(-scores, return_inverse=True)
        self.thresholds = int(threshold.max()) + 1
        self.codes = 2 * threshold + (labels == 1)

    def counts(self, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """True and false positives at each threshold, from (0, 0) on.

        Args:
            drawn: indices of samples, repeated as often as they are drawn.
        """
        at = np.bincount(self.codes[drawn], minlength=2 * self.thresholds).reshape(-1, 2)
        above = np.concatenate([np.zeros((1, 2), int), at.cumsum(axis=0)])
        return above[:, 1], above[:, 0]


def area(metric: str, true: np.ndarray, false: np.ndarray) -> float:
    """The area under the ROC curve (``"AUROC"``) or the average precision (``"AUPRC"``) from counts."""
    if metric == "AUPRC":
        return float(np.sum(np.diff(true) * _precision(true, false)[1:]) / true[-1])
    return float(np.sum(np.diff(false) * (true[1:] + true[:-1]) / 2) / (true[-1] * false[-1]))


def bands(held: SplitScores, *, seed: int = 0, repeats: int | None = None) -> Bands:
    """Bands of both curves, from resampling positives and negatives each among themselves.

    Args:
        held: scores (N,) and labels (N,) with both classes.
        seed: seed of the resampling.
        repeats: resamples; None for 1000, or fewer where there are many samples.
    """
    ranking = Ranking(held.scores, held.labels)
    rows: list[tuple[np.ndarray, np.ndarray]] = []
    for drawn in resamples(held.labels, repeats or _repeats(len(held.labels)), seed):
        true, false = ranking.counts(drawn)
        rows.append((_roc_on_grid(true, false), _pr_on_grid(true, false)))
    roc, pr = (np.percentile(np.asarray(column), _LEVEL, axis=0) for column in zip(*rows, strict=True))
    return Bands(roc, pr)


def resamples(labels: np.ndarray, repeats: int, seed: int) -> Iterator[np.ndarray]:
    """Indices of drawn samples: as many of each class for labels (N,)."""
    generator = np.random.default_rng(seed)
    groups = [np.flatnonzero(labels == k) for k in (0, 1)]
    for _ in range(repeats):
        yield np.concatenate([group[generator.integers(len(group), size=len(group))] for group in groups])


def _repeats(size: int) -> int:
    return int(np.clip(20_000_000 // max(size, 1), 200, 1000))


def _precision(true: np.ndarray, false: np.ndarray) -> np.ndarray:
    precision: np.ndarray = true / np.maximum(true + false, 1)
    return precision


def _roc_on_grid(true: np.ndarray, false: np.ndarray) -> np.ndarray:
    rates: np.ndarray = np.interp(GRID, false / false[-1], true / true[-1])
    return rates


def _pr_on_grid(true: np.ndarray, false: np.ndarray) -> np.ndarray:
    first = np.searchsorted(true / true[-1], GRID)
    precision: np.ndarray = _precision(true, false)[np.maximum(first, 1).clip(max=len(true) - 1)]
    return precision
