"""95 % intervals of AUROC, AUPRC and their paired differences, from closed formulas that hold with few positives too."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from automax_lightning.report.bootstrap import Ranking, area
from automax_lightning.report.limits import auprc_limits, auroc_limits, mover, student_reach
from automax_lightning.trial.score_file import SplitScores, has_both

FEWEST = 5
"""With fewer samples of a class than this there is no interval."""


@dataclasses.dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Estimate:
    """An area, and how much each sample has moved it.

    Args:
        metric: ``"AUROC"`` or ``"AUPRC"``.
        value: the area, 0 to 1.
        influence: (N,), of each sample; the sum of their squares is the variance of the area.
        is_positive: (N,), the labels.
    """

    metric: str
    value: float
    influence: np.ndarray
    is_positive: np.ndarray

    @property
    def sizes(self) -> tuple[int, int]:
        """Positive and negative samples."""
        count = int(np.sum(self.is_positive))
        return count, len(self.is_positive) - count

    @property
    def variance(self) -> float:
        """Of the area; for the AUROC it is that of DeLong et al., Biometrics 44, 1988."""
        return float(self.influence @ self.influence)

    @property
    def limits(self) -> tuple[float, float]:
        """The 95 % interval of the area alone."""
        find = auroc_limits if self.metric == "AUROC" else auprc_limits
        low, high = find(self.value, self.variance, *self.sizes)
        return float(low), float(high)


def interval(held: SplitScores, metric: str) -> Interval | None:
    """The area of one trial with its interval.

    Args:
        held: scores (N,) and labels (N,) with both classes.
        metric: ``"AUROC"`` or ``"AUPRC"``.

    Returns:
        None with fewer than `FEWEST` samples of a class.

    Example:
        >>> labels = np.repeat([1, 0], [10, 90])
        >>> found = interval(SplitScores(np.arange(100)[::-1], labels), "AUROC")
        >>> found.value, round(found.low, 3), found.high
        (1.0, 0.845, 1.0)
    """
    if rarest(held.labels) < FEWEST:
        return None
    found = estimate(held.scores, held.labels, metric)
    return Interval(found.value, *found.limits)


def difference(one: SplitScores, other: SplitScores, metric: str) -> Interval | None:
    """How much better `one` is than `other` on the same samples, with the interval of the paired difference.

    It is the wider of two: the limits of both areas combined with their correlation (MOVER; Zou, Psychological Methods 12,
    2007), and Student's t with the variance of the difference (DeLong et al. 1988 for the AUROC) and the degrees of freedom of
    Satterthwaite, Biometrics Bulletin 2, 1946. Several labels are averaged, as the metric itself does.

    Args:
        one: scores (N,) or (N, C) of one trial.
        other: scores and labels of another trial, of the same shapes.
        metric: ``"AUROC"`` or ``"AUPRC"``.

    Returns:
        The difference; None where the two were not scored on the same samples, a class is missing, or a label has fewer
        than `FEWEST` samples of a class.

    Example:
        >>> labels = np.repeat([1, 0], [10, 10])
        >>> good, bad = (SplitScores(np.arange(20.0) * sign, labels) for sign in (-1, 1))
        >>> difference(good, bad, "AUROC").value
        1.0
    """
    if not is_comparable(one, other) or rarest(one.labels) < FEWEST:
        return None
    return _gap(*(_estimates(held, metric) for held in (one, other)))


def is_comparable(one: SplitScores, other: SplitScores) -> bool:
    """Whether two trials were scored on the same samples, with finite scores and a label that has both classes.

    Args:
        one: scores and labels of one trial.
        other: of another trial.
    """
    is_same = one.labels.shape == other.labels.shape and np.array_equal(one.labels, other.labels)
    return is_same and one.is_usable and other.is_usable


def is_alike(one: SplitScores, other: SplitScores) -> bool:
    """Whether two comparable trials place each sample alike among those of the other class.

    Args:
        one: scores and labels of one trial.
        other: of another trial.
    """
    pairs = zip(_estimates(one, "AUROC"), _estimates(other, "AUROC"), strict=True)
    return all(a.value == b.value and np.allclose(a.influence, b.influence, rtol=0, atol=1e-12) for a, b in pairs)


def rarest(labels: np.ndarray) -> int:
    """Samples of the rarest class, over the labels that have both; 0 if none has.

    Args:
        labels: (N,) or (N, C), 0 or 1.
    """
    return min((count for count, *_ in _classes(labels)), default=0)


def of_rarest(labels: np.ndarray) -> str:
    """What `rarest` counts, in words.

    Args:
        labels: (N,) or (N, C), 0 or 1; at least one label has both classes.

    Example:
        >>> of_rarest(np.array([1, 1, 0])), of_rarest(np.array([[1, 0], [0, 1], [0, 1], [1, 1]]))
        ('1 negative sample', '1 negative sample of label 1')
    """
    count, index, kind = min(_classes(labels), key=lambda each: each[0])
    return f"{count} {kind} sample{'' if count == 1 else 's'}{'' if labels.ndim == 1 else f' of label {index}'}"


def _classes(labels: np.ndarray) -> list[tuple[int, int, str]]:
    """Samples, label and name of each class, of the labels that have both."""
    columns = [(index, column) for index, column in enumerate(_columns(labels)) if has_both(column)]
    kinds = ((1, "positive"), (0, "negative"))
    return [(int(np.sum(column == k)), index, kind) for index, column in columns for k, kind in kinds]


def estimate(scores: np.ndarray, labels: np.ndarray, metric: str) -> Estimate:
    """An area with the influence of each sample.

    Args:
        scores: (N,), more means more positive.
        labels: (N,), 0 or 1, at least two of each.
        metric: ``"AUROC"`` or ``"AUPRC"``.
    """
    ranking = Ranking(scores, labels)
    true, false = ranking.counts(np.arange(len(labels)))
    moved = _moved_auroc(true, false) if metric == "AUROC" else _moved_auprc(true, false)
    influence = moved.reshape(-1)[ranking.codes]
    is_positive = labels == 1
    for is_of in (is_positive, ~is_positive):
        size = int(is_of.sum())
        influence[is_of] = (influence[is_of] - influence[is_of].mean()) / np.sqrt(size * (size - 1))
    return Estimate(metric, area(metric, true, false), influence, is_positive)


def _estimates(held: SplitScores, metric: str) -> list[Estimate]:
    """One for each label that has both classes."""
    pairs = zip(_columns(held.scores), _columns(held.labels), strict=True)
    return [estimate(scores, labels, metric) for scores, labels in pairs if has_both(labels)]


def _columns(values: np.ndarray) -> np.ndarray:
    return values[None, :] if values.ndim == 1 else values.T


def _moved_auroc(true: np.ndarray, false: np.ndarray) -> np.ndarray:
    """Placement values (DeLong et al. 1988), (threshold, class): the share of the other class that is beaten there."""
    n_positive, n_negative = true[-1], false[-1]
    of_positive = 1 - (false[1:] + false[:-1]) / (2 * n_negative)
    of_negative = (true[1:] + true[:-1]) / (2 * n_positive)
    return np.stack([of_negative, of_positive], axis=1)


def _moved_auprc(true: np.ndarray, false: np.ndarray) -> np.ndarray:
    """The infinitesimal jackknife (Efron & Stein, Annals of Statistics 9, 1981) of the average precision, at each threshold.

    A sample at a threshold is counted at all lower ones: it changes the precision of each positive that stands there.
    A positive has its own precision as well.
    """
    at, above = np.diff(true), np.maximum(true + false, 1)[1:].astype(float)
    by_true, by_false = at * false[1:] / above**2, -at * true[1:] / above**2
    below = [np.cumsum(change[::-1])[::-1] for change in (by_true, by_false)]
    n_positive, n_negative = true[-1], false[-1]
    return np.stack([below[1] * n_negative / n_positive, true[1:] / above + below[0]], axis=1)


def _gap(ours: Sequence[Estimate], theirs: Sequence[Estimate]) -> Interval:
    """The mean of one over its labels less that of the other, on the same samples."""
    both, count = [*ours, *theirs], len(ours)
    weights = np.repeat([1.0, -1.0], count) / count
    values, influence = np.array([each.value for each in both]), np.stack([each.influence for each in both])
    low, high = np.array([each.limits for each in both]).T
    student = _student(influence[:count] - influence[count:], ours)
    down, up = (max(student, float(side)) for side in mover(weights, values, (low, high), influence @ influence.T))
    value = float(weights @ values)
    return Interval(value, max(value - down, -1.0), min(value + up, 1.0))


def _student(gaps: np.ndarray, estimates: Sequence[Estimate]) -> float:
    """Student's half width of the mean over labels; with several, by the quantile of the label that has the largest."""
    quantiles = []
    for gap, found in zip(gaps, estimates, strict=True):
        one, other = (float(np.sum(gap[of] ** 2)) for of in (found.is_positive, ~found.is_positive))
        if one + other > 0:
            quantiles.append(float(student_reach(one, other, *found.sizes)) / (one + other) ** 0.5)
    return max(quantiles, default=0.0) * float(np.linalg.norm(gaps.mean(axis=0)))
