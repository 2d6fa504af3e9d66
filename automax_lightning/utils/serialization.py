"""Configurations as strict JSON and back, with every Python type intact. Needs no ConfigSpace."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from automax_lightning.errors import SpaceError

_TUPLE, _FLOAT = "__tuple__", "__float__"


@runtime_checkable
class _Scalar(Protocol):
    """A NumPy scalar, told by what it has: this package needs the standard library only."""

    dtype: Any
    shape: tuple[int, ...]

    def item(self) -> Any:
        """The Python value."""


def builtin(value: Any) -> Any:
    """The value with Python's own types in place of NumPy's, inside of containers too.

    Args:
        value: anything; what is no NumPy scalar, tuple, list or mapping is itself.

    Example:
        >>> import numpy as np
        >>> builtin((np.int64(3), np.bool_(True), {"a": np.str_("b")}))
        (3, True, {'a': 'b'})
    """
    if isinstance(value, _Scalar) and value.shape == ():
        return value.item()
    if type(value) in (tuple, list):
        return type(value)(builtin(item) for item in value)
    if type(value) is dict:
        return {builtin(key): builtin(item) for key, item in value.items()}
    return value


def encode_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as JSON: tuples and non-finite floats are tagged, everything else is itself.

    Args:
        values: name -> bool, int, float, str, None, or tuples and lists of them.

    Raises:
        SpaceError: if a value is of another type.

    Example:
        >>> encode_values({"gammas": (0.9, 0.5), "lr": 0.1})
        {'gammas': {'__tuple__': [0.9, 0.5]}, 'lr': 0.1}
    """
    return {name: encode(value, name) for name, value in values.items()}


def decode_values(encoded: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `encode_values`.

    Example:
        >>> decode_values({"gammas": {"__tuple__": [0.9, 0.5]}})
        {'gammas': (0.9, 0.5)}
    """
    return {name: decode(value) for name, value in encoded.items()}


def encode(value: Any, where: str = "value") -> Any:
    """One value as JSON; a NumPy scalar becomes Python's."""
    value = builtin(value)
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value) if math.isfinite(value) else {_FLOAT: repr(float(value))}
    if isinstance(value, tuple):
        return {_TUPLE: [encode(item, where) for item in value]}
    if isinstance(value, list):
        return [encode(item, where) for item in value]
    if isinstance(value, Mapping):
        return {str(key): encode(item, f"{where}.{key}") for key, item in value.items()}
    raise SpaceError(where, "a bool, int, float, str, None or a tuple of them", type(value).__name__, "Search its name.")


def decode(value: Any) -> Any:
    """One value from JSON."""
    if isinstance(value, Mapping):
        if _TUPLE in value:
            return tuple(decode(item) for item in value[_TUPLE])
        if _FLOAT in value:
            return float(value[_FLOAT])
        return {key: decode(item) for key, item in value.items()}
    return [decode(item) for item in value] if isinstance(value, list) else value
