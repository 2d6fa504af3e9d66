"""Scores of several models on one scale: the quantile of each among a model's validation scores, and their mean.

Needs no torch: a report averages what trials have kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from automax_lightning.trial.score_file import SplitScores, has_both

Average = Literal["rank", "probability", "output"]
"""How members are averaged: by quantile; by the probabilities of exclusive classes; or just what the networks return."""


def averaging(validation: Sequence[SplitScores | None]) -> Average:
    """How the scores of these members are averaged, decided by what they have kept of the validation split.

    One score per row, or one for each of several labels, becomes a quantile: losses have scales of their own. A quantile
    would destroy the comparison between the columns of exclusive classes, so these are averaged as probabilities. Without
    validation scores (a regression, say) nothing is known but the outputs.

    Args:
        validation: validation scores and labels of each member; None where none were kept.

    Example:
        >>> averaging([SplitScores(np.array([0.1, 0.7]), np.array([0, 1]))]), averaging([None])
        ('rank', 'output')
    """
    kept = [each for each in validation if each is not None]
    if not kept or len(kept) < len(validation):
        return "output"
    if all(_are_classes(each.labels) for each in kept):
        return "probability"
    is_binary = all(bool(np.isin(each.labels, (0, 1, -1)).all()) and bool(np.isfinite(each.scores).all()) for each in kept)
    return "rank" if is_binary else "output"


def _are_classes(labels: np.ndarray) -> bool:
    """Whether each row belongs to exactly one of at least three classes."""
    return labels.ndim == 2 and labels.shape[1] > 2 and bool(((labels.sum(axis=1) == 1) & (labels >= 0).all(axis=1)).all())


def quantiles(reference: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Where each score stands among the reference scores: its mid-rank in the empirical distribution, in (0, 1).

    A score of the reference has (scores below + half of the equal ones) / N. Between two neighbours it is linear, and
    outside it goes to 0 and 1 with the distance over the standard deviation, so that no order is lost: the result ranks
    any rows as the scores do.

    Args:
        reference: (N,), or (N, C) for C columns, each by itself; N at least 1, finite.
        scores: (M,) or (M, C), finite.

    Returns:
        The same shape as `scores`, float64.

    Example:
        >>> quantiles(np.array([1.0, 2.0, 2.0, 5.0]), np.array([1.0, 2.0, 3.5, 5.0, 99.0])).round(3).tolist()
        [0.125, 0.5, 0.688, 0.875, 0.998]
    """
    if scores.ndim == 2:
        return np.stack([quantiles(reference[:, k], scores[:, k]) for k in range(scores.shape[1])], axis=1)
    values, counts = np.unique(np.asarray(reference, np.float64), return_counts=True)
    levels = (np.cumsum(counts) - counts / 2) / len(reference)
    wanted = np.asarray(scores, np.float64)
    spread = float(np.std(reference, dtype=np.float64)) or 1.0
    inside = np.interp(wanted, values, levels)
    below = levels[0] / (1 + np.maximum(values[0] - wanted, 0) / spread)
    above = 1 - (1 - levels[-1]) / (1 + np.maximum(wanted - values[-1], 0) / spread)
    outside = np.where(wanted < values[0], below, above)
    result = np.where((wanted < values[0]) | (wanted > values[-1]), outside, inside)
    return np.asarray(np.clip(result, np.finfo(np.float64).tiny, np.nextafter(1.0, 0.0)))


def on_one_scale(average: Average, reference: np.ndarray | None, scores: np.ndarray) -> np.ndarray:
    """One member's scores as they enter the mean.

    Args:
        average: how members are averaged.
        reference: the member's validation scores, for ``"rank"``.
        scores: (M,) or (M, C).
    """
    if average == "rank":
        assert reference is not None  # without it the members are not averaged by rank
        return quantiles(reference, scores)
    wide = np.asarray(scores, np.float64)
    return _probabilities(wide) if average == "probability" else wide


def _probabilities(scores: np.ndarray) -> np.ndarray:
    """Rows that are probabilities stay; others are taken for logits."""
    if (scores >= 0).all() and np.allclose(scores.sum(axis=1), 1, atol=1e-4):
        return scores
    grown = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True))


def weighted_mean(members: Sequence[np.ndarray], weights: Sequence[int]) -> np.ndarray:
    """The mean over members.

    Args:
        members: arrays of one shape.
        weights: how often each member counts, at least 1.
    """
    mean = sum(weight * scores for weight, scores in zip(weights, members, strict=True)) / sum(weights)
    # Equal means of different quantiles are ties, and must not be ordered by the last bits of their sums.
    fraction, exponent = np.frexp(mean)
    rounded = np.ldexp(np.rint(fraction * 2.0**44) / 2.0**44, exponent)
    return np.asarray(np.where((rounded >= 1) & (mean < 1), mean, rounded))


def ranking_score(metric: str, scores: np.ndarray, labels: np.ndarray) -> float | None:
    """AUROC or average precision, the mean over labels that have both classes; None where there is none.

    Args:
        metric: ``"AUROC"`` or ``"AUPRC"``.
        scores: (N,) or (N, C).
        labels: the same shape.

    Example:
        >>> ranking_score("AUROC", np.array([3.0, 2.0, 2.0]), np.array([1, 1, 0]))
        0.75
    """
    columns = [(scores, labels)] if labels.ndim == 1 else list(zip(scores.T, labels.T, strict=True))
    values = [_area(metric, s, y) for s, y in columns if has_both(y)]
    return float(np.mean(values)) if values else None


def _area(metric: str, scores: np.ndarray, labels: np.ndarray) -> float:
    values, threshold = np.unique(-scores, return_inverse=True)
    true = np.bincount(threshold, weights=labels == 1, minlength=len(values)).cumsum()
    false = np.bincount(threshold, weights=labels == 0, minlength=len(values)).cumsum()
    if metric == "AUPRC":
        return float(np.sum(np.diff(true, prepend=0) * true / (true + false)) / true[-1])
    before = np.concatenate([[0.0], true[:-1]])
    return float(np.sum(np.diff(false, prepend=0) * (true + before) / 2) / (true[-1] * false[-1]))
