"""Ranges in all their kinds: plain, on a log scale, in steps, and with a prior."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ConfigSpace import Beta, Float, Integer, Normal, OrdinalHyperparameter
from ConfigSpace.hyperparameters import Hyperparameter

from automax_lightning.errors import SpaceError
from automax_lightning.utils.serialization import builtin

STEPS = ("step", "q")
PRIORS = ("normal", "beta")
MOST_STEPS = 10_000
"""Values of a range in steps; with more of them the step decides nothing."""


def is_number(value: Any) -> bool:
    """Whether this is a finite number, of Python or NumPy, and no boolean."""
    value = builtin(value)
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def a_range(
    name: str, bounds: Sequence[Any], default: Any = None, log: bool = False, more: Mapping[str, Any] | None = None
) -> Hyperparameter[Any, Any]:
    """The range from `low` to `high`.

    Args:
        name: of the hyperparameter.
        bounds: ``(low, high)``; of two integers the range holds integers.
        default: in the range; None for the lower bound, with a prior for its mode.
        log: whether the scale is logarithmic.
        more: at most one of ``step`` (or ``q``), ``normal: [mean, deviation]`` and ``beta: [alpha, beta]``. On a log scale
            the deviation is that of the natural logarithm.

    Raises:
        SpaceError: if the bounds are no range, the default is outside, or the step or the prior makes no sense.

    Example:
        >>> a_range("width", (16, 64), more={"step": 16}).sequence
        (16, 32, 48, 64)
        >>> a_range("dropout", (0.0, 0.5), more={"beta": [2, 5]}).default_value
        0.1
    """
    low, high = _bounds(name, bounds)
    if log and low <= 0:
        raise SpaceError(name, "a lower bound above 0 on a log scale", repr(low), "Raise it, or leave log out.")
    kind, given = _kind(name, more or {})
    if kind in STEPS:
        return _steps(name, (low, high), default, log, builtin(given), kind)
    integer = isinstance(low, int) and isinstance(high, int)
    _check_default(name, (low, high), default, integer=integer)
    if kind in PRIORS:
        return _with_prior(name, (low, high), default, log, kind, builtin(given))
    default = low if default is None else default
    if integer:
        return Integer(name, (int(low), int(high)), default=default, log=log)
    return Float(name, (float(low), float(high)), default=float(default), log=log)


def _bounds(name: str, bounds: Sequence[Any]) -> tuple[Any, Any]:
    if len(bounds) != 2 or not all(map(is_number, bounds)):
        raise SpaceError(
            name, "two numbers (low, high)", repr(tuple(bounds)),
            "Write (low, high) or {low: .., high: .., log: true} for a range, [a, b] or {choices: [a, b]} for choices, "
            "and {value: ..} for a constant.",
        )  # fmt: skip
    low, high = (builtin(bound) for bound in bounds)
    if not low < high:
        raise SpaceError(name, "low < high", repr((low, high)), f"If the tuple is a value, write {{choices: [({low}, {high})]}}.")
    return low, high


def _kind(name: str, more: Mapping[str, Any]) -> tuple[str, Any]:
    if len(more) > 1:
        raise SpaceError(name, "one of step, normal and beta", f"{sorted(more)}", "Leave all but one out.")
    return next(iter(more.items()), ("", None))


def _check_default(name: str, bounds: tuple[Any, Any], default: Any, *, integer: bool) -> None:
    low, high = bounds
    if default is None:
        return
    if not is_number(default) or not low <= default <= high:
        raise SpaceError(f"{name}.default", f"a number in [{low}, {high}]", repr(default), "Move it into the range.")
    if integer and not isinstance(default, int):
        raise SpaceError(f"{name}.default", "an integer, as both bounds are", repr(default), "Write the bounds as floats.")


def _steps(name: str, bounds: tuple[Any, Any], default: Any, log: bool, step: Any, key: str) -> Hyperparameter[Any, Any]:
    """An ordinal hyperparameter: ConfigSpace has no steps, and of an ordinal no other value can ever be proposed."""
    low, high = bounds
    if not is_number(step) or not 0 < step <= high - low:
        raise SpaceError(f"{name}.{key}", f"a number above 0, at most {high - low}", repr(step), "Write e.g. step: 16.")
    if log:
        raise SpaceError(
            f"{name}.{key}", "no step on a log scale", repr(step), "Leave log out, or write {choices: [16, 32, 64]}."
        )
    first, by = (Decimal(repr(number)) for number in (low, step))  # 0.1 + 2 * 0.1 is 0.3 in decimals alone
    count = int((Decimal(repr(high)) - first) / by) + 1
    if count > MOST_STEPS:
        raise SpaceError(f"{name}.{key}", f"at most {MOST_STEPS} steps", str(count), "Leave the step out.")
    number = int if all(isinstance(each, int) for each in (low, high, step)) else float
    values = [number(first + by * index) for index in range(count)]
    default = low if default is None else builtin(default)
    if default not in values:
        near = min(values, key=lambda value: abs(value - default)) if is_number(default) else low
        raise SpaceError(
            f"{name}.default", f"{low} and a multiple of the step {step} more, up to {high}", repr(default), f"Pass {near}."
        )
    return OrdinalHyperparameter(name, values, default_value=number(default))


def _with_prior(name: str, bounds: tuple[Any, Any], default: Any, log: bool, kind: str, given: Any) -> Hyperparameter[Any, Any]:
    low, high = bounds
    if not isinstance(given, (list, tuple)) or len(given) != 2 or not all(map(is_number, given)):
        example = "[0.1, 0.02]" if kind == "normal" else "[2, 5]"
        raise SpaceError(f"{name}.{kind}", "two numbers", repr(given), f"Write {kind}: {example}.")
    first, second = (float(number) for number in given)
    prior = _normal(name, bounds, first, second, log) if kind == "normal" else _beta(name, first, second)
    made: Hyperparameter[Any, Any]
    if isinstance(low, int) and isinstance(high, int):
        made = Integer(name, (low, high), default=default, log=log, distribution=prior)
    else:
        default = None if default is None else float(default)
        made = Float(name, (float(low), float(high)), default=default, log=log, distribution=prior)
    return made


def _normal(name: str, bounds: tuple[Any, Any], mean: float, deviation: float, log: bool) -> Normal:
    low, high = bounds
    if not low <= mean <= high or not deviation > 0:
        raise SpaceError(f"{name}.normal", f"a mean in [{low}, {high}] and a deviation above 0", f"[{mean}, {deviation}]",
                         "Write normal: [mean, deviation].")  # fmt: skip
    if log and isinstance(low, int) and isinstance(high, int):  # ConfigSpace would round the deviation
        raise SpaceError(f"{name}.normal", "floats where the scale is logarithmic", f"the integers {low} and {high}",
                         f"Write low: {low}.0, high: {high}.0, or leave log out.")  # fmt: skip
    # ConfigSpace takes the logarithm of a deviation on a log scale.
    return Normal(mean, math.exp(deviation) if log else deviation)


def _beta(name: str, alpha: float, beta: float) -> Beta:
    if min(alpha, beta) < 1 or alpha == beta == 1:
        raise SpaceError(f"{name}.beta", "alpha and beta of at least 1, and one of them above", f"[{alpha}, {beta}]",
                         "Write beta: [2, 5].")  # fmt: skip
    return Beta(alpha, beta)
