"""Names and values of hyperparameters as a person reads them: the shortest tail that is unique, few digits."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_WIDTH = 40


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Each name as its shortest unique tail, or as its head and its last part where that is shorter.

    Args:
        names: full names, with colons or dots between their parts.

    Example:
        >>> short_names(["model.init_args.optimizer_kwargs.lr", "data.batch_size"])
        {'model.init_args.optimizer_kwargs.lr': 'lr', 'data.batch_size': 'batch_size'}
        >>> list(short_names(["APLoss:optimizer_kwargs:lr", "AUCMLoss:optimizer_kwargs:lr"]).values())
        ['APLoss lr', 'AUCMLoss lr']
    """
    wanted = list(dict.fromkeys(names))
    found: dict[str, str] = {}
    longest = max((len(_parts(name)) for name in wanted), default=0)
    ways: list[Callable[[str], str]] = [lambda name: _parts(name)[-1], _head_and_tail]
    ways += [lambda name, depth=depth: ".".join(_parts(name)[-depth:]) for depth in range(2, longest)]  # type: ignore[misc]
    for way in ways:
        taken = Counter(map(way, wanted))
        found |= {name: way(name) for name in wanted if name not in found and taken[way(name)] == 1}
    return {name: found.get(name, name) for name in wanted}


def _parts(name: str) -> list[str]:
    return [part for part in re.split(r"[:.]", name) if part] or [name]


def _head_and_tail(name: str) -> str:
    parts = _parts(name)
    return name if len(parts) == 1 else f"{parts[0]} {parts[-1]}"


def show(value: Any) -> str:
    """A value in few characters: four digits, tuples in brackets, long text cut.

    Example:
        >>> show(0.000123456), show((32, 16)), show(None), show(True)
        ('0.0001235', '(32, 16)', 'None', 'True')
    """
    if isinstance(value, float):
        return f"{value:.4g}"
    text = f"({', '.join(map(show, value))})" if isinstance(value, (tuple, list)) else str(value)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def show_score(score: float | None) -> str:
    """A score with four decimals, or a dash where there is none.

    Example:
        >>> show_score(0.98765), show_score(None), show_score(-1.5e-06)
        ('0.9877', '-', '-1.5e-06')
    """
    if score is None or math.isnan(score):
        return "-"
    return f"{score:.4f}" if score == 0 or 0.001 <= abs(score) < 1000 else f"{score:.4g}"


def show_seconds(seconds: float) -> str:
    """A time in the unit that suits it.

    Example:
        >>> show_seconds(0.25), show_seconds(75), show_seconds(5400), show_seconds(200_000)
        ('0.2 s', '75 s', '90 min', '55.6 h')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 300:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def configuration_lines(configuration: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    """``name = value``, a line each, with short names.

    Args:
        configuration: hyperparameter -> value.
        names: what `short_names` made; a missing one is shown in full.
    """
    return [f"{names.get(name, name)} = {show(value)}" for name, value in configuration.items()]


def duration(seconds: float) -> str:
    """A time as a person says it.

    Example:
        >>> duration(42.3), duration(600), duration(9000)
        ('42 s', '10 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
