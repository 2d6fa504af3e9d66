"""Formulas of 95 % limits, over arrays: of an AUROC, of an AUPRC, and of a weighted sum of either.

An interval for areas has to hold where nothing varies in the sample (all positives above all negatives) and where five
positives say little about their own spread. So each limit takes the larger of two variances: the one that the sample shows,
and the one that a model of the area implies. `benchmarks/coverage.py` compares these intervals with others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm, t

Array = NDArray[np.float64]
Values = Array | float

_QUANTILE = 0.975
_Z = float(norm.ppf(_QUANTILE))


def auroc_limits(value: Values, variance: Values, n_positive: int, n_negative: int) -> tuple[Array, Array]:
    """The AUROCs that a sample does not contradict: score interval of Newcombe, Statistics in Medicine 25, 2006 (part 2).

    The variance at each AUROC is that of Hanley & McNeil, Radiology 143, 1982, times what DeLong's exceeds it in the sample.

    Args:
        value: AUROCs of samples, of any shape.
        variance: DeLong's, of the same shape.
        n_positive: samples of one class, at least 2.
        n_negative: samples of the other.
    """
    value, least = np.asarray(value, float), 0.5 / (n_positive * n_negative)
    scale = np.maximum(1.0, variance / hanley_mcneil(np.clip(value, least, 1 - least), n_positive, n_negative))

    def limit(end: float) -> Array:
        outer, inner = np.full_like(value, end), value
        for _ in range(50):
            middle = (outer + inner) / 2
            is_outside = np.abs(middle - value) > _Z * np.sqrt(scale * hanley_mcneil(middle, n_positive, n_negative))
            outer, inner = np.where(is_outside, middle, outer), np.where(is_outside, inner, middle)
        return inner

    return limit(0.0), limit(1.0)


def hanley_mcneil(auroc: Values, n_positive: int, n_negative: int) -> Array:
    """The variance of an AUROC whose scores are exponential in each class; the rarer class is the one with more spread.

    Args:
        auroc: the true one, 0 to 1, of any shape.
        n_positive: samples of one class.
        n_negative: samples of the other; with the two exchanged it is the same.
    """
    rare, common = sorted((n_positive, n_negative))
    auroc = np.asarray(auroc, float)
    sides = auroc / (1 + auroc), (1 - auroc) / (2 - auroc)
    spread, tight = np.maximum(*sides), np.minimum(*sides)
    return np.asarray(auroc * (1 - auroc) * (1 + (common - 1) * spread + (rare - 1) * tight) / (rare * common))


def auprc_limits(value: Values, variance: Values, n_positive: int, n_negative: int = 0) -> tuple[Array, Array]:
    """The logit interval of Boyd, Eng & Page, ECML PKDD 2013, or with the variance that the sample shows if that is larger.

    The average precision of few positives flatters, so Student's t takes the place of the normal quantile below.

    Args:
        value: average precisions of samples, of any shape, above 0.
        variance: of the infinitesimal jackknife, of the same shape.
        n_positive: positive samples, at least 2.
        n_negative: not used.
    """
    inside = np.minimum(value, 1 - 0.5 / n_positive)
    error = np.sqrt(np.maximum(inside * (1 - inside) / n_positive, variance)) / (inside * (1 - inside))
    high = expit(logit(inside) + _Z * error)
    return np.asarray(expit(logit(inside) - t.ppf(_QUANTILE, n_positive - 1) * error)), np.maximum(high, value)


def student_reach(of_positive: Values, of_negative: Values, n_positive: int, n_negative: int) -> Array:
    """Half the width of Student's interval of a sum of two means, with Satterthwaite's degrees of freedom.

    Args:
        of_positive: the variance that the positive samples bring, of any shape.
        of_negative: that of the negative ones, of the same shape.
        n_positive: positive samples, at least 2.
        n_negative: negative samples, at least 2.
    """
    one, other = np.asarray(of_positive, float), np.asarray(of_negative, float)
    total = np.maximum(one + other, np.finfo(float).tiny)
    shares = one / total, other / total
    rest = shares[0] ** 2 / (n_positive - 1) + shares[1] ** 2 / (n_negative - 1)
    freedom = 1 / np.where(one + other > 0, rest, 1.0)
    return np.asarray(t.ppf(_QUANTILE, freedom) * np.sqrt(one + other))


def mover(weights: Array, values: Array, limits: tuple[Array, Array], covariance: Array) -> tuple[Array, Array]:
    """How far a weighted sum of estimates reaches down and up, from the limits of each (MOVER; Zou 2007).

    Args:
        weights: (K,).
        values: (..., K).
        limits: lower and upper ones, (..., K) each.
        covariance: (..., K, K) of the estimates; those that do not vary count as uncorrelated.
    """
    down, up = values - limits[0], limits[1] - values
    error = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    both = error[..., :, None] * error[..., None, :]
    correlation = np.divide(covariance, both, out=np.broadcast_to(np.eye(len(weights)), both.shape).copy(), where=both > 0)
    reaches = [weights * np.where(weights > 0, *sides) for sides in ((down, up), (up, down))]
    squares = [np.einsum("...i,...ij,...j->...", reach, correlation, reach) for reach in reaches]
    below, above = (np.sqrt(np.maximum(square, 0.0)) for square in squares)
    return below, above
