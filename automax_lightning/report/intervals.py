"""95 % intervals of AUROC, AUPRC and their paired differences, from closed formulas that hold with few positives too.

An interval for areas has to hold where nothing varies in the sample (all positives above all negatives) and where five
positives say little about their own spread. So each limit takes the larger of two variances: the one that the sample shows,
and the one that a model of the area implies. `benchmarks/coverage.py` compares these intervals with others.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import norm, t

from automax_lightning.report.bootstrap import Ranking, area
from automax_lightning.trial.score_file import SplitScores, has_both

FEWEST = 5
"""With fewer samples of a class than this there is no interval."""

_QUANTILE = 0.975
_Z = float(norm.ppf(_QUANTILE))


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
        return _limits_of_auroc(self) if self.metric == "AUROC" else _limits_of_auprc(self)


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


def _freedom(influence: np.ndarray, is_positive: np.ndarray) -> float:
    """Satterthwaite's degrees of freedom of a sum of two variances; the smaller sample's where nothing varies."""
    parts, rest = zip(*((float(np.sum(influence[of] ** 2)), of.sum() - 1) for of in (is_positive, ~is_positive)), strict=True)
    if not sum(parts):
        return float(min(rest))
    return float(sum(parts) ** 2 / sum(part**2 / free for part, free in zip(parts, rest, strict=True)))


def _limits_of_auroc(found: Estimate) -> tuple[float, float]:
    """The AUROCs that the sample does not contradict: score interval of Newcombe, Statistics in Medicine 25, 2006 (part 2).

    The variance at each AUROC is that of Hanley & McNeil, Radiology 143, 1982, as far above it as DeLong's is in the sample.
    """
    value, (m, n) = found.value, found.sizes
    inside = float(np.clip(value, 0.5 / (m * n), 1 - 0.5 / (m * n)))
    scale = max(1.0, found.variance / hanley_mcneil(inside, m, n))

    def outside(candidate: float) -> float:
        return abs(candidate - value) - _Z * float(np.sqrt(scale * hanley_mcneil(candidate, m, n)))

    tiny = 1e-12  # at 0 and 1 themselves nothing varies, and `outside` is zero
    low = 0.0 if value < tiny else float(brentq(outside, 0.0, min(value, 1 - tiny)))
    high = 1.0 if value > 1 - tiny else float(brentq(outside, max(value, tiny), 1.0))
    return low, high


def hanley_mcneil(auroc: float, n_positive: int, n_negative: int) -> float:
    """The variance of an AUROC whose scores are exponential in each class; the rarer class is the one with more spread.

    Args:
        auroc: the true one, 0 to 1.
        n_positive: samples of one class.
        n_negative: samples of the other; with the two exchanged it is the same.
    """
    rare, common = sorted((n_positive, n_negative))
    spread, tight = sorted((auroc / (1 + auroc), (1 - auroc) / (2 - auroc)), reverse=True)
    return auroc * (1 - auroc) * (1 + (common - 1) * spread + (rare - 1) * tight) / (rare * common)


def _limits_of_auprc(found: Estimate) -> tuple[float, float]:
    """The logit interval of Boyd, Eng & Page, ECML PKDD 2013, or with the variance that the sample shows if that is larger.

    The average precision of few positives flatters, so Student's t takes the place of the normal quantile below.
    """
    value, (m, _) = found.value, found.sizes
    inside = min(value, 1 - 0.5 / m)
    variance = max(inside * (1 - inside) / m, found.variance)
    error = float(np.sqrt(variance)) / (inside * (1 - inside))
    low, high = expit(logit(inside) - t.ppf(_QUANTILE, m - 1) * error), expit(logit(inside) + _Z * error)
    return float(low), max(float(high), value)


def _gap(ours: Sequence[Estimate], theirs: Sequence[Estimate]) -> Interval:
    """The mean of one over its labels less that of the other, on the same samples."""
    both, count = [*ours, *theirs], len(ours)
    weights = np.repeat([1.0, -1.0], count) / count
    influence = np.stack([each.influence for each in both])
    value = float(weights @ [each.value for each in both])
    student = _student(influence[:count] - influence[count:], [each.is_positive for each in ours])
    down, up = (max(student, side) for side in _mover(both, weights, influence))
    return Interval(value, max(value - down, -1.0), min(value + up, 1.0))


def _student(gaps: np.ndarray, are_positive: Sequence[np.ndarray]) -> float:
    """Half the width by Student's t: of the mean over labels, with the degrees of freedom of the label that has fewest."""
    freedom = min(_freedom(gap, is_positive) for gap, is_positive in zip(gaps, are_positive, strict=True))
    return float(t.ppf(_QUANTILE, freedom) * np.linalg.norm(gaps.mean(axis=0)))


def _mover(estimates: Sequence[Estimate], weights: np.ndarray, influence: np.ndarray) -> tuple[float, float]:
    """How far a weighted sum of areas reaches down and up, from the limits of each and their correlation."""
    values = np.array([each.value for each in estimates])
    low, high = np.array([each.limits for each in estimates]).T
    down, up = values - low, high - values
    shared = influence @ influence.T
    error = np.sqrt(np.diag(shared))
    correlation = np.divide(shared, np.outer(error, error), out=np.eye(len(error)), where=np.outer(error, error) > 0)
    reaches = [weights * np.where(weights > 0, *sides) for sides in ((down, up), (up, down))]
    below, above = (float(np.sqrt(max(0.0, reach @ correlation @ reach))) for reach in reaches)
    return below, above
