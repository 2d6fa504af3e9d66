"""Exact ranking metrics: by order only, without thresholds or guesses, and undefined where they are undefined."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torchmetrics.functional.classification import binary_accuracy, binary_auroc, binary_average_precision

from automax_lightning.auc.batch.targets import known
from automax_lightning.errors import ConfigError, DataError, closest


@dataclasses.dataclass(frozen=True)
class Score:
    """The value of a metric.

    Args:
        value: the metric, NaN where it is undefined.
        reason: why it is undefined, or empty.
    """

    value: float
    reason: str = ""


def auroc(scores: Tensor, targets: Tensor) -> Score:
    """The area under the ROC curve: the share of (positive, negative) pairs in the right order, ties counting half.

    It is the Mann-Whitney statistic, computed from integer ranks, so it is exact for any finite scores: there is no
    sigmoid that would tie large logits.

    Args:
        scores: (N,), any real numbers; more means more positive.
        targets: (N,), 0 or 1.

    Returns:
        The area in [0, 1]; undefined for one class or scores that are not finite.

    Raises:
        DataError: if a target is neither 0 nor 1.

    References:
        Hanley and McNeil, The Meaning and Use of the Area under a ROC Curve, Radiology 143 (1982).

    Example:
        >>> auroc(torch.tensor([30.0, 20.0, 20.0]), torch.tensor([1, 1, 0])).value
        0.75
    """
    return _defined(scores, targets, _mann_whitney)


def auprc(scores: Tensor, targets: Tensor) -> Score:
    """The area under the precision-recall curve as average precision, without interpolation.

    Args:
        scores: (N,), any real numbers.
        targets: (N,), 0 or 1.

    Returns:
        The area in [0, 1]; undefined for one class or scores that are not finite.

    Example:
        >>> round(auprc(torch.tensor([0.9, 0.8, 0.1]), torch.tensor([1, 0, 1])).value, 4)
        0.8333
    """
    return _defined(scores, targets, lambda s, t: float(binary_average_precision(_ranks(s), t)))


def partial_auroc(scores: Tensor, targets: Tensor, max_fpr: float = 1.0, min_tpr: float = 0.0) -> Score:
    """The partial area under the ROC curve, one-way or two-way, as ``libauc.metrics.pauc_roc_score`` defines it.

    One-way (`min_tpr` = 0): McClish's standardised area up to `max_fpr`. Two-way: the AUROC of the lowest-scored
    ``1 - min_tpr`` of the positives against the highest-scored `max_fpr` of the negatives.

    Args:
        scores: (N,), any real numbers.
        targets: (N,), 0 or 1.
        max_fpr: upper end of the false-positive rates, in (0, 1].
        min_tpr: lower end of the true-positive rates, in [0, 1).

    Returns:
        The area in [0, 1]; undefined for one class or scores that are not finite.

    References:
        McClish, Analyzing a Portion of the ROC Curve, Medical Decision Making 9 (1989);
        Yang et al., Two-way Partial AUC and Its Properties, Statistical Methods in Medical Research 28 (2019).

    Example:
        >>> round(partial_auroc(torch.tensor([0.9, 0.8, 0.7, 0.1]), torch.tensor([1, 0, 1, 0]), max_fpr=0.5).value, 4)
        0.6667
    """
    check_metric_kwargs({"max_fpr": max_fpr, "min_tpr": min_tpr})
    if min_tpr == 0:
        bound = None if max_fpr == 1 else max_fpr
        return _defined(scores, targets, lambda s, t: float(binary_auroc(_ranks(s), t, max_fpr=bound)))
    return _defined(scores, targets, lambda s, t: _two_way(s, t, max_fpr, min_tpr))


def accuracy(scores: Tensor, targets: Tensor, threshold: float = 0.0) -> Score:
    """The share of samples on the right side of `threshold`; for imbalanced data, mostly the share of negatives.

    Args:
        scores: (N,), logits by default.
        targets: (N,), 0 or 1.
        threshold: scores above it are called positive: 0 for logits, 0.5 for probabilities.

    Returns:
        The share in [0, 1]; undefined for scores that are not finite.

    Example:
        >>> accuracy(torch.tensor([2.0, -1.0]), torch.tensor([1, 1])).value
        0.5
    """
    return _defined(scores, targets, lambda s, t: float(binary_accuracy((s > threshold).long(), t)), one_class=True)


METRICS: Mapping[str, Callable[..., Score]] = {
    "AUROC": auroc,
    "AUPRC": auprc,
    "ACC": accuracy,
    "pAUROC": partial_auroc,
}
"""Name -> function of (scores, targets)."""


def check_metric(name: str) -> None:
    """Raise a `ConfigError` if there is no metric of that name."""
    if name not in METRICS:
        raise ConfigError("metrics", f"one of {sorted(METRICS)}", repr(name), closest(str(name), METRICS))


def check_metric_kwargs(kwargs: Mapping[str, Any]) -> None:
    """Raise a `ConfigError` unless these are legal arguments of the partial AUROC."""
    bounds = {"max_fpr": (0.0, 1.0, "(0, 1]"), "min_tpr": (0.0, 1.0, "[0, 1)")}
    for name, value in kwargs.items():
        if name not in bounds:
            raise ConfigError(f"metric_kwargs.{name}", f"one of {sorted(bounds)}", repr(name), closest(name, bounds))
        legal = 0 < value <= 1 if name == "max_fpr" else 0 <= value < 1
        if not legal:
            raise ConfigError(f"metric_kwargs.{name}", f"a rate in {bounds[name][2]}", repr(value), "Pass 0.3.")


def evaluate(name: str, scores: Tensor, targets: Tensor, *, softmax: bool = True, **kwargs: Any) -> dict[str, Score]:
    """A metric with everything that is logged of it: suffix of the key -> score.

    Args:
        name: a name in `METRICS`.
        scores: (N,) or (N, C).
        targets: (N,) 0 or 1; (N, C) for several labels, with -1 or NaN for "not known"; (N,) in 0 .. C - 1 for several classes.
        softmax: whether rows of several classes may be logits, see `class_scores`; False ranks the columns as they are.
        kwargs: arguments of the metric.

    Returns:
        ``{"": score}`` for one label. For several labels ``""`` is the mean over the defined ones, with ``"_micro"``,
        ``"_defined_labels"`` and ``"/label_k"``, and ``"_unknown_labels"`` where some are. For several classes ``""`` is the mean
        over one-versus-rest tasks, and ``"_ovo"`` of the AUROC the mean over one-versus-one tasks (Hand and Till); the accuracy
        is that of the largest score.

    Raises:
        DataError: if a target is out of range.
    """
    metric = METRICS[name]
    if scores.ndim == 1:
        return {"": metric(scores, targets, **kwargs)}
    if targets.ndim == 1:
        return _of_classes(name, class_scores(scores) if softmax else scores, targets, kwargs)
    each = [metric(*known(s, t), **kwargs) for s, t in zip(scores.T, targets.T, strict=True)]
    pooled = known(scores.reshape(-1), targets.reshape(-1))
    averages: dict[str, Score] = {"": _mean(each), "_micro": metric(*pooled, **kwargs)}
    if len(pooled[0]) < scores.numel():
        averages["_unknown_labels"] = Score(float(scores.numel() - len(pooled[0])))
    averages["_defined_labels"] = Score(float(sum(not math.isnan(score.value) for score in each)))
    return averages | {f"/label_{k}": score for k, score in enumerate(each)}


def class_scores(scores: Tensor) -> Tensor:
    """What ranks samples by one of several exclusive classes: log-probabilities, in the order of the softmax.

    A logit says nothing without the other logits of its row. The logarithm keeps apart what a softmax would round to 1.
    Rows that are probabilities already stay as they are.

    Args:
        scores: (N, C), logits or probabilities.

    Returns:
        (N, C), float64.

    Example:
        >>> class_scores(torch.tensor([[0.0, 0.0], [5.0, 5.0]])).exp().tolist()
        [[0.5, 0.5], [0.5, 0.5]]
    """
    wide = scores.detach().double()
    sums = wide.sum(1)
    if bool((wide >= 0).all()) and torch.allclose(sums, torch.ones_like(sums), atol=1e-4):
        return wide
    return torch.log_softmax(wide, dim=1)


def _of_classes(name: str, scores: Tensor, targets: Tensor, kwargs: Mapping[str, Any]) -> dict[str, Score]:
    n_classes = scores.shape[1]
    if len(targets) and not 0 <= int(targets.min()) <= int(targets.max()) < n_classes:
        raise DataError("targets", f"classes from 0 to {n_classes - 1}, one for each column of the scores",
                        f"{int(targets.min())} to {int(targets.max())}", "Give the network an output per class.")  # fmt: skip
    columns = torch.nn.functional.one_hot(targets.long(), n_classes)
    if name == "ACC":
        return {"": _defined(scores, columns, lambda s, t: _largest_is_target(s, t, n_classes), one_class=True)}
    rest = _mean([METRICS[name](s, t, **kwargs) for s, t in zip(scores.T, columns.T, strict=True)])
    return {"": rest, "_ovo": _one_versus_one(scores, columns)} if name == "AUROC" else {"": rest}


def _largest_is_target(scores: Tensor, targets: Tensor, n_classes: int) -> float:
    found, wanted = scores.reshape(-1, n_classes).argmax(1), targets.reshape(-1, n_classes).argmax(1)
    return float((found == wanted).double().mean())


def _one_versus_one(scores: Tensor, columns: Tensor) -> Score:
    """The mean AUROC over ordered pairs of classes, by the score of the first one.

    For one first class it is an AUROC whose negatives weigh one over the size of their class, so C sorts are enough.

    References:
        Hand and Till, A Simple Generalisation of the Area Under the ROC Curve for Multiple Class Classification Problems,
        Machine Learning 45 (2001), equation (7).
    """
    weights = (columns / columns.sum(0).clamp(min=1).double()).sum(1)
    each = []
    for score, column in zip(scores.T, columns.T, strict=True):
        each.append(_defined(score, column, lambda s, t: _mann_whitney(s, t, weights)))
    return _mean(each)


def _mean(each: list[Score]) -> Score:
    values = [score.value for score in each if not math.isnan(score.value)]
    if values:
        return Score(math.fsum(values) / len(values))
    return Score(math.nan, "no label is defined: " + each[0].reason)


def _defined(scores: Tensor, targets: Tensor, metric: Callable[[Tensor, Tensor], float], *, one_class: bool = False) -> Score:
    scores, targets = scores.detach().reshape(-1), targets.detach().reshape(-1)
    if scores.shape != targets.shape:
        raise DataError("scores", f"{len(targets)}, one for each target", str(len(scores)), "Return one score for each sample.")
    positives, negatives = int((targets == 1).sum()), int((targets == 0).sum())
    if positives + negatives != len(targets):
        raise DataError("targets", "0 and 1", "other values", "Encode the positive class as 1.")
    if not bool(torch.isfinite(scores).all()):
        return Score(math.nan, "some scores are not finite")
    if len(targets) == 0 or (not one_class and (positives == 0 or negatives == 0)):
        return Score(math.nan, f"the targets hold {positives} positives and {negatives} negatives")
    return Score(metric(scores, targets.long()))


def _mann_whitney(scores: Tensor, targets: Tensor, weights: Tensor | None = None) -> float:
    """Exact from integer ranks; with `weights` of the samples, those of the negatives count."""
    # Faster than torchmetrics' curve: only the negatives are sorted, and nothing of the curve is kept.
    negatives, order = scores[targets == 0].sort()
    positives = scores[targets == 1]
    below = torch.searchsorted(negatives, positives, right=False)
    not_above = torch.searchsorted(negatives, positives, right=True)
    if weights is None:
        return int(below.sum() + not_above.sum()) / (2 * len(positives) * len(negatives))
    weight_below = torch.nn.functional.pad(weights[targets == 0][order].cumsum(0), (1, 0))
    total = (weight_below[below] + weight_below[not_above]).sum() / (2 * len(positives) * weight_below[-1])
    return float(total)


def _ranks(scores: Tensor) -> Tensor:
    """The scores' dense ranks in [0, 1]: torchmetrics takes other numbers for logits and ties the large ones."""
    values, ranks = torch.unique(scores, sorted=True, return_inverse=True)
    scaled: Tensor = ranks.double() / max(len(values) - 1, 1)
    return scaled


def _two_way(scores: Tensor, targets: Tensor, max_fpr: float, min_tpr: float) -> float:
    positives, negatives = scores[targets == 1].sort().values, scores[targets == 0].sort(descending=True).values
    positives = positives[: max(round(len(positives) * (1 - min_tpr)), 1)]
    negatives = negatives[: max(round(len(negatives) * max_fpr), 1)]
    chosen = torch.cat([torch.ones_like(positives), torch.zeros_like(negatives)]).long()
    return _mann_whitney(torch.cat([positives, negatives]), chosen)
