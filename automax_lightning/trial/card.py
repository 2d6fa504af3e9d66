"""How a result and a configuration look in a notebook. Knows of trials only their attributes, so that `trial` may use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from automax_lightning.utils.formatting import format_duration, short_names, show, show_score
from automax_lightning.utils.html import Raw, tag


def result_card(result: Any) -> str:
    """A small table of a result: how it ended, its scores, its epochs.

    Args:
        result: a `TrialResult`.

    Returns:
        HTML without styles of its own, so that light and dark notebooks show it in theirs.
    """
    partial = "" if result.status.name == "SUCCESS" or result.score is None else " (partial)"
    of = "" if result.best_epoch is None else f", best at {result.best_epoch}"
    rows: list[tuple[str, str]] = [
        ("status", result.status.value),
        ("score", f"{show_score(result.score)}{partial}"),
        ("validation", _metrics(result.val)),
        ("test", _metrics(result.test)),
        ("epochs", f"{result.epochs}{of}"),
        ("time", format_duration(result.seconds)),
        ("checkpoint", "" if result.checkpoint is None else str(result.checkpoint)),
        ("reason", result.reason),
    ]
    lines = [tag("tr", tag("th", name, style="text-align: left"), tag("td", value)) for name, value in rows if value]
    return tag("div", tag("strong", f"Trial {result.number}"), tag("table", tag("tbody", *lines)))


def _metrics(values: Any) -> Raw:
    return Raw(", ".join(f"{tag('span', name)} {show(float(value))}" for name, value in values.items()))


def configuration_card(configuration: Mapping[str, Any]) -> str:
    """A small table of hyperparameters, by the shortest unique ends of their names.

    Args:
        configuration: name -> value, for instance a ConfigSpace `Configuration`.
    """
    names = short_names(configuration)
    lines = [
        tag("tr", tag("th", names[name], style="text-align: left"), tag("td", show(value), title=name))
        for name, value in dict(configuration).items()
    ]
    return tag("table", tag("tbody", *lines))
