"""The ``metrics`` and ``metric_kwargs`` lists of a recipe, as the one `AUROC` callback takes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from automax_lightning.errors import ConfigError, closest

_NAMES = {"auroc": "AUROC", "auprc": "AUPRC", "acc": "ACC", "pauroc": "pAUROC"}


@dataclasses.dataclass(frozen=True)
class Metrics:
    """What is computed after each epoch.

    Args:
        names: metric names, at least one; the first is the target.
        kwargs: ``max_fpr`` and ``min_tpr`` of the partial one.
    """

    names: tuple[str, ...] = ("AUROC",)
    kwargs: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def target(self) -> str:
        """What the search maximises."""
        return self.names[0]


def metrics_of(names: Any = None, kwargs: Any = None) -> Metrics:
    """The metrics of a recipe's two lists, in which the n-th arguments belong to the n-th name.

    An AUROC with a range is a partial one, and keeps its name unless the whole AUROC is listed beside it.

    Args:
        names: ``["AUROC", "AUPRC", "ACC"]``, in any case; None for the AUROC.
        kwargs: a dictionary for each name, or one dictionary; ``max_fpr`` and ``min_tpr`` of an AUROC.

    Raises:
        ConfigError: if a name or an argument is unknown, or there are two different ranges.

    Example:
        >>> metrics_of(["AUROC", "AUROC"], [{}, {"max_fpr": 0.3}])
        Metrics(names=('AUROC', 'pAUROC'), kwargs={'max_fpr': 0.3})
        >>> metrics_of(["auroc"], [{"max_fpr": 0.3, "min_tpr": 0.7}]).target
        'AUROC'
    """
    listed = ["AUROC"] if names is None else [names] if isinstance(names, str) else names
    if not isinstance(listed, Sequence) or not listed:
        raise ConfigError("metrics", "a list of names", repr(names), "Write metrics: [AUROC].")
    canonical = [_name(name) for name in listed]
    ranges = _ranges(kwargs, canonical)
    whole = any(name == "AUROC" and not own for name, own in zip(canonical, ranges, strict=True))
    partial = "pAUROC" if whole or "pAUROC" in canonical else "AUROC"
    chosen = [partial if own else name for name, own in zip(canonical, ranges, strict=True)]
    different = [dict(pairs) for pairs in dict.fromkeys(tuple(sorted(own.items())) for own in ranges if own)]
    if len(different) > 1 or len(set(chosen)) < len(chosen):
        raise ConfigError("metric_kwargs", "metrics that differ, and one range for the partial AUROC",
                          f"{different or canonical}", "Leave the others out.")  # fmt: skip
    return Metrics(tuple(chosen), different[0] if different else {})


def _name(name: Any) -> str:
    canonical = _NAMES.get(str(name).lower())
    if canonical is None:
        raise ConfigError("metrics", f"one of {sorted(_NAMES.values())}", repr(name), closest(str(name), _NAMES.values()))
    return canonical


def _ranges(kwargs: Any, names: Sequence[str]) -> list[dict[str, float]]:
    """The arguments of each metric; a single dictionary belongs to the first AUROC."""
    if isinstance(kwargs, Mapping):
        first = next((n for n, name in enumerate(names) if name in ("AUROC", "pAUROC")), 0)
        kwargs = [{}] * first + [kwargs]
    given = [dict(own or {}) for own in kwargs or []]
    if len(given) > len(names):
        raise ConfigError("metric_kwargs", f"at most {len(names)} dictionaries, one for each metric", str(len(given)),
                          "Leave out what belongs to no metric.")  # fmt: skip
    ranges = given + [{} for _ in names[len(given) :]]
    for name, own in zip(names, ranges, strict=True):
        if own and name not in ("AUROC", "pAUROC"):
            raise ConfigError(f"metric_kwargs of {name}", "nothing", str(own), "Give the range to AUROC.")
    return ranges
