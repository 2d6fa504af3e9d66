"""How sure a curve or a difference is: the stratified bootstrap of ROC and precision-recall curves, in NumPy."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from automax_lightning.trial.score_file import SplitScores, has_both

GRID = np.linspace(0.0, 1.0, 101)
_LEVEL = (2.5, 97.5)


@dataclasses.dataclass(frozen=True)
class Interval:
    """A value with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Bands:
    """Pointwise 95 % bands of both curves on `GRID`, and intervals of the areas.

    Args:
        roc: (2, 101), lower and upper true-positive rate at each false-positive rate.
        pr: (2, 101), lower and upper precision at each recall.
        auroc: area under the ROC curve.
        auprc: average precision.
    """

    roc: np.ndarray
    pr: np.ndarray
    auroc: Interval
    auprc: Interval


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
    true, false = ranking.counts(np.arange(len(held.labels)))
    rows: list[tuple[np.ndarray, np.ndarray, float, float]] = []
    for drawn in resamples(held.labels, repeats or _repeats(len(held.labels)), seed):
        tp, fp = ranking.counts(drawn)
        rows.append((_roc_on_grid(tp, fp), _pr_on_grid(tp, fp), area("AUROC", tp, fp), area("AUPRC", tp, fp)))
    roc, pr, rocs, prs = (np.percentile(np.asarray(column), _LEVEL, axis=0) for column in zip(*rows, strict=True))
    auroc, auprc = Interval(area("AUROC", true, false), *rocs), Interval(area("AUPRC", true, false), *prs)
    return Bands(roc, pr, auroc, auprc)


def difference(
    one: SplitScores, other: SplitScores, metric: str, *, seed: int = 0, repeats: int | None = None
) -> Interval | None:
    """How much better `one` is than `other` on the same samples, with the interval of the paired difference.

    Several labels are averaged, as the metric itself does.

    Args:
        one: scores (N,) or (N, C) of one trial.
        other: scores and labels of another trial, of the same shapes.
        metric: ``"AUROC"`` or ``"AUPRC"``.
        seed: seed of the resampling.
        repeats: resamples; None for 1000, or fewer where there are many samples.

    Returns:
        The difference, or None where the two were not scored on the same samples, or a class is missing.

    Example:
        >>> labels = np.array([1, 1, 0, 0])
        >>> good, bad = (SplitScores(np.array(s), labels) for s in ([4.0, 3, 2, 1], [1.0, 4, 3, 2]))
        >>> difference(good, bad, "AUROC").value
        0.5
    """
    if one.labels.shape != other.labels.shape or not np.array_equal(one.labels, other.labels):
        return None
    columns = [k for k, labels in enumerate(_columns(one.labels)) if has_both(labels)]
    if not columns or not (np.isfinite(one.scores).all() and np.isfinite(other.scores).all()):
        return None
    labels = _columns(one.labels)[columns]
    pairs = [
        [Ranking(scores, truth) for scores, truth in zip(_columns(held.scores)[columns], labels, strict=True)]
        for held in (one, other)
    ]

    def gap(drawn: np.ndarray) -> float:
        each = [[area(metric, *ranking.counts(drawn)) for ranking in rankings] for rankings in pairs]
        return float(np.mean(each[0]) - np.mean(each[1]))

    strata = labels[0] if len(labels) == 1 else labels.T
    chances = resamples(strata, repeats or _repeats(labels.size), seed)
    gaps = [gap(drawn) for drawn in chances if len(labels) == 1 or all(has_both(truth[drawn]) for truth in labels)]
    if not gaps:
        return None
    low, high = np.percentile(gaps, _LEVEL)
    return Interval(gap(np.arange(labels.shape[1])), float(low), float(high))


def resamples(labels: np.ndarray, repeats: int, seed: int) -> Iterator[np.ndarray]:
    """Indices of drawn samples: as many of each class for labels (N,), among all for labels (N, C)."""
    generator = np.random.default_rng(seed)
    groups = [np.flatnonzero(labels == k) for k in (0, 1)] if labels.ndim == 1 else [np.arange(len(labels))]
    for _ in range(repeats):
        yield np.concatenate([group[generator.integers(len(group), size=len(group))] for group in groups])


def _columns(values: np.ndarray) -> np.ndarray:
    return values[None, :] if values.ndim == 1 else values.T


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
