"""Names and values of hyperparameters as a person reads them: the shortest tail that is unique, few digits."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_WIDTH = 40
# What a terminal reads as a command: ESC [ ... letter; a text between ESC ] (or P, X, ^, _) and BEL or ESC \\; ESC letter.
_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-~]"
)
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


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
    full = list(dict.fromkeys(names))
    short: dict[str, str] = {}
    longest = max((len(_parts(name)) for name in full), default=0)
    ways: list[Callable[[str], str]] = [lambda name: _parts(name)[-1], _head_and_tail]
    ways += [lambda name, depth=depth: ".".join(_parts(name)[-depth:]) for depth in range(2, longest)]  # type: ignore[misc]
    for way in ways:
        counts = Counter(map(way, full))
        short |= {name: way(name) for name in full if name not in short and counts[way(name)] == 1}
    return {name: short.get(name, name) for name in full}


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
    text = f"({', '.join(map(show, value))})" if isinstance(value, (tuple, list)) else printable(str(value))
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


def format_duration(seconds: float) -> str:
    """A time in the unit that suits it.

    Args:
        seconds: at least 0.

    Example:
        >>> format_duration(0.25), format_duration(42.3), format_duration(600), format_duration(9000)
        ('0.2 s', '42 s', '10 min', '2.5 h')
    """
    if seconds < 10:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def printable(text: str) -> str:
    r"""Text of a user as it may be shown: without control sequences, which would colour, move or overwrite what stands there.

    Args:
        text: any text; its line breaks and tabs stay.

    Returns:
        The text without terminal escapes, control characters and marks that turn the direction of reading. Half a surrogate
        pair, as in the name of a file that is not UTF-8, is spelled out, because no output could encode it.

    Example:
        >>> printable("\x1b[31mred\x1b[0m \x07bell, \udcff")
        'red bell, \\udcff'
    """
    return _UNPRINTABLE.sub("", _ESCAPE.sub("", text)).encode("utf-8", "backslashreplace").decode()


def configuration_lines(configuration: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    """``name = value``, one line per hyperparameter, with short names.

    Args:
        configuration: hyperparameter -> value.
        names: full name -> short name, as `short_names` returns them; a missing one is shown in full.
    """
    return [f"{names.get(name, name)} = {show(value)}" for name, value in configuration.items()]
