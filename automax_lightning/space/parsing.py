"""What a user writes for a hyperparameter, turned into a ConfigSpace `Hyperparameter`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ConfigSpace import Categorical, Constant
from ConfigSpace.hyperparameters import Hyperparameter

from automax_lightning.errors import SpaceError, closest
from automax_lightning.space.ranges import PRIORS, STEPS, a_range, is_number
from automax_lightning.utils.serialization import builtin

_SCALARS = (bool, int, float, str, type(None))
_MAIN_KEYS = ("val", "value", "choices", "low")
_KEYS = {
    "val": {"val", "default", "log", *STEPS},
    "value": {"value"},
    "choices": {"choices", "default", "log"},
    "low": {"low", "high", "default", "log", *STEPS, *PRIORS},
}
_HOW = (
    "Write (low, high) or {low: .., high: .., log: true} for a range, [a, b] or {choices: [a, b]} for choices, "
    "and {value: ..} for a constant."
)


def is_spec(value: Any) -> bool:
    """Whether `value` says by itself that it is to be searched: a `Hyperparameter`, or a dictionary with a spec's keys.

    Tuples and lists are no explicit specs: they may as well be ordinary values.

    Example:
        >>> is_spec({"low": 1, "high": 9}), is_spec((1, 9)), is_spec({"margin": 1.0})
        (True, False, False)
    """
    if isinstance(value, Hyperparameter):
        return True
    if not isinstance(value, Mapping):
        return False
    main = next((key for key in _MAIN_KEYS if key in value), None)
    return main is not None and set(value) <= _KEYS[main]


def parse_hyperparameters_from_dict(items: Mapping[str, Any]) -> dict[str, Hyperparameter[Any, Any]]:
    """One ConfigSpace `Hyperparameter` for each item.

    ===================================  =======================================================================
    value                                becomes
    ===================================  =======================================================================
    int, float, str, bool, None          a constant
    ``(low, high)``                      a range, of integers if both bounds are; the default is the lower bound
    ``[a, b, ...]``                      choices, the first is the default
    ``{"val": ..., "default", "log"}``   as above, with default and log scale; `log` is ignored for choices
    ``{"low", "high", "default", "log"}`` a range, without doubt
    ``{"low", "high", "step": 16}``      the values low, low + 16, ... up to high, integers or floats; ``q`` says the same
    ``{"low", "high", "normal": [m, s]}`` a range with a normal prior of mean m and deviation s (on a log scale, of the logarithm)
    ``{"low", "high", "beta": [a, b]}``  a range with a beta prior
    ``{"choices", "default"}``           choices, without doubt; they may be tuples
    ``{"value": ...}``                   a constant, without doubt
    a `Hyperparameter`                   itself
    ===================================  =======================================================================

    YAML has no tuples, so inside ``val`` a list of two numbers is a range where ``log: true`` or a default strictly
    between them says so.

    Args:
        items: name -> spec.

    Returns:
        name -> hyperparameter of that name.

    Raises:
        SpaceError: if a spec is malformed, ambiguous, or its default is not one of its values.

    Example:
        >>> space = parse_hyperparameters_from_dict({"lr": {"val": [1e-4, 0.1], "log": True, "default": 0.01}, "k": [1, 2]})
        >>> space["lr"].log, space["lr"].default_value, space["k"].choices
        (True, 0.01, (1, 2))
    """
    if not isinstance(items, Mapping):
        raise SpaceError(
            "parse_hyperparameters_from_dict", "a dictionary name -> spec", type(items).__name__, "Pass {'lr': (0.01, 1)}."
        )
    return {name: _parse(name, value) for name, value in items.items()}


def _parse(name: str, value: Any) -> Hyperparameter[Any, Any]:
    if isinstance(value, Hyperparameter):
        return value
    value = builtin(value)
    if isinstance(value, _SCALARS):
        return Constant(name, value)
    if isinstance(value, Mapping):
        return _parse_mapping(name, value)
    if isinstance(value, tuple):
        return a_range(name, value, None, False)
    if isinstance(value, list):
        return _choices(name, value, None, has_default=False)
    raise SpaceError(name, "a search spec or a plain value", f"{type(value).__name__} {value!r}", _HOW)


def _parse_mapping(name: str, spec: Mapping[str, Any]) -> Hyperparameter[Any, Any]:
    main = next((key for key in _MAIN_KEYS if key in spec), None)
    if main is None:
        raise SpaceError(name, "one of the keys val, low, choices, value", f"{sorted(map(str, spec))}", _HOW)
    for key in spec:
        if key not in _KEYS[main]:
            raise SpaceError(f"{name}.{key}", f"only {sorted(_KEYS[main])}", repr(key), closest(str(key), _KEYS[main]))
    default, log = builtin(spec.get("default")), spec.get("log", False)
    if not isinstance(log, bool):
        raise SpaceError(f"{name}.log", "true or false", repr(log), "Write log: true.")
    if main == "value":
        return Constant(name, builtin(spec["value"]))
    if main == "low":
        if "high" not in spec:
            raise SpaceError(f"{name}.high", "an upper bound beside low", "none", "Add high: ...")
        return a_range(name, (spec["low"], spec["high"]), default, log, _more(spec))
    if main == "choices":
        return _choices(name, _sequence(name, spec["choices"]), default, has_default="default" in spec)
    if more := _more(spec):
        return a_range(name, _sequence(name, spec["val"], "val"), default, log, more)
    return _parse_val(name, builtin(spec["val"]), default, log, has_default="default" in spec)


def _more(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {key: spec[key] for key in (*STEPS, *PRIORS) if key in spec}


def _parse_val(name: str, value: Any, default: Any, log: bool, *, has_default: bool) -> Hyperparameter[Any, Any]:
    if isinstance(value, tuple):
        return a_range(name, value, default, log)
    if isinstance(value, list):
        if _reads_as_range(name, value, default, log, has_default=has_default):
            return a_range(name, tuple(value), default, log)
        return _choices(name, value, default, has_default=has_default)
    if isinstance(value, _SCALARS):
        return Constant(name, value)
    raise SpaceError(f"{name}.val", "a range, a list of choices or a plain value", repr(value), _HOW)


def _reads_as_range(name: str, value: Sequence[Any], default: Any, log: bool, *, has_default: bool) -> bool:
    """YAML's list of two numbers: a range where only that makes sense, choices where only that does."""
    if len(value) != 2 or not all(is_number(bound) for bound in value):
        return False
    if not has_default:
        return log
    if default in value:
        return log
    if is_number(default) and min(value) < default < max(value):
        return True
    raise SpaceError(
        name, "a default that belongs to val", f"val: {list(value)}, default: {default!r}",
        f"As a range write {{low: {value[0]}, high: {value[1]}, default: ..}}, "
        f"as choices {{choices: {list(value)}, default: ..}}.",
    )  # fmt: skip


def _choices(name: str, choices: Sequence[Any], default: Any, *, has_default: bool) -> Hyperparameter[Any, Any]:
    options = [_hashable(builtin(choice)) for choice in choices]
    if not options:
        raise SpaceError(name, "at least one choice", "an empty list", _HOW)
    for option in options:
        if option != option:
            raise SpaceError(name, "choices that equal themselves", repr(option), "Search a number or None in its place.")
        if options.count(option) > 1:
            same = [other for other in options if other == option]
            raise SpaceError(name, "choices that differ", f"{same}", "Leave one of them out.")
    default = _hashable(default) if has_default else options[0]
    if default not in options:
        raise SpaceError(f"{name}.default", f"one of {options}", repr(default), "Choose one of them as default.")
    return Categorical(name, options, default=default)


def _sequence(name: str, value: Any, key: str = "choices") -> Sequence[Any]:
    if isinstance(value, (list, tuple)):
        return value
    raise SpaceError(f"{name}.{key}", "a list", repr(value), f"Write {key}: [a, b].")


def _hashable(value: Any) -> Any:
    """A list inside choices can only mean a tuple: ConfigSpace needs choices that can be hashed."""
    return tuple(_hashable(item) for item in value) if isinstance(value, list) else value
