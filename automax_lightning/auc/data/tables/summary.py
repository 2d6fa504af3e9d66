"""What is to be said of an encoded table before anybody trains on it: constant features, and features that tell the label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SHOWN = 5
_MOST_CELLS = 20_000_000
_FEWEST = 10
"""Rows of each class below which a feature may tell the label by chance."""

LEAK = 0.98
"""AUROC of a single feature from which on it may tell the label."""


def feature_lines(features: NDArray[Any], labels: NDArray[Any], names: Sequence[str]) -> list[str]:
    """Sentences on the features of the training rows.

    Args:
        features: (n, d).
        labels: (n,) or (n, C), 0 or 1.
        names: of the d features.

    Example:
        >>> feature_lines(np.zeros((3, 1)), np.array([0, 1, 0]), ["a"])
        ['Constant in the training rows: a.']
    """
    constant = [names[int(i)] for i in np.flatnonzero((features == features[:1]).all(0))]
    lines = [f"Constant in the training rows: {_listed(constant)}."] if constant else []
    return [*lines, *_leaks(features, labels, names)]


def _leaks(features: NDArray[Any], labels: NDArray[Any], names: Sequence[str]) -> list[str]:
    if labels.ndim > 1 or min(int((labels == 1).sum()), int((labels == 0).sum())) < _FEWEST:
        return []
    scores = single_auroc(features, labels)
    found = sorted(np.flatnonzero(scores > LEAK), key=lambda i: -scores[i])[:_SHOWN]
    return [
        f"{names[int(i)]} alone has AUROC {scores[i]:.3f} on the training rows: if it is not known before the label, drop it."
        for i in found
    ]


def single_auroc(features: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.float64]:
    """The AUROC of each feature by itself, in the better direction; of very many cells from evenly chosen rows.

    Args:
        features: (n, d).
        labels: (n,), 0 or 1, both of them.
    """
    from scipy.stats import rankdata

    n_rows = max(1000, _MOST_CELLS // max(1, features.shape[1]))
    if len(features) > n_rows:
        rows = np.argsort(labels, kind="stable")[np.linspace(0, len(labels) - 1, n_rows).astype(int)]
        features, labels = features[rows], labels[rows]
    positives = int((labels == 1).sum())
    ranks = rankdata(features, axis=0)[labels == 1].sum(0)
    scores = (ranks - positives * (positives + 1) / 2) / (positives * (len(labels) - positives))
    better: NDArray[np.float64] = np.maximum(scores, 1 - scores)
    return better


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
