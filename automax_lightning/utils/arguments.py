"""Checks of public arguments: a table of rules per function, and one error that names the argument, the rule and a fix."""

from __future__ import annotations

import dataclasses
import math
import numbers
import os
from collections.abc import Callable, Mapping
from typing import Any

from automax_lightning.errors import ConfigError, closest

_SHOWN = 60


@dataclasses.dataclass(frozen=True)
class Rule:
    """What an argument may be.

    Args:
        expected: the legal values, as part of a sentence.
        is_legal: whether a value is one of them; never raises.
        example: a legal value, as it is written in Python.
        choices: the legal names, of which the closest is named.
    """

    expected: str
    is_legal: Callable[[Any], bool]
    example: str
    choices: tuple[str, ...] = ()

    @property
    def or_none(self) -> Rule:
        """The same rule, or None."""
        return dataclasses.replace(self, expected=f"{self.expected}, or None", is_legal=lambda x: x is None or self.is_legal(x))


def integer(low: int, high: int | None = None, *, example: int | None = None) -> Rule:
    """An integer in a range; True and 2.0 are none.

    Example:
        >>> integer(1).is_legal(2), integer(1).is_legal(True), integer(0, 5).is_legal(6)
        (True, False, False)
    """
    expected = f"an integer of at least {low}" if high is None else f"an integer in [{low}, {high}]"
    shown = low if example is None else example
    return Rule(expected, lambda x: _is_integer(x) and low <= x and (high is None or x <= high), str(shown))


def number(expected: str, is_inside: Callable[[float], bool], example: str) -> Rule:
    """A finite number with a property, int or float.

    Args:
        expected: the property in words.
        is_inside: whether a finite number has it.
        example: a legal value.
    """

    def is_legal(value: Any) -> bool:
        is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        return is_number and math.isfinite(value) and is_inside(value)

    return Rule(expected, is_legal, example)


def seconds(example: str = "3600") -> Rule:
    """A number of seconds above 0."""
    return number("a number of seconds above 0", lambda x: x > 0, example)


def flag() -> Rule:
    """True or False; 1 and "yes" are neither."""
    return Rule("true or false", lambda x: isinstance(x, bool), "False")


def one_of(*choices: str) -> Rule:
    """One of a few names."""
    return Rule(f"one of {choices}", lambda x: isinstance(x, str) and x in choices, repr(choices[0]), choices)


def text(example: str, expected: str = "a non-empty text") -> Rule:
    """A text of at least one character."""
    return Rule(expected, lambda x: isinstance(x, str) and x != "", repr(example))


def file_name(example: str) -> Rule:
    """A name that any file system takes, with room for a suffix: at most 200 bytes, without slashes or control characters."""

    def is_legal(value: Any) -> bool:
        if not isinstance(value, str) or not value.strip() or value in (".", ".."):
            return False
        try:
            length = len(value.encode())
        except UnicodeEncodeError:  # a lone surrogate
            return False
        return length <= 200 and value.isprintable() and not set(value) & set("/\\")

    expected = "a non-empty name of at most 200 bytes, without slashes and control characters"
    return Rule(expected, is_legal, repr(example))


def path() -> Rule:
    """A path as a text or a `Path`, without null characters."""

    def is_legal(value: Any) -> bool:
        return isinstance(value, (str, os.PathLike)) and bool(os.fspath(value)) and "\0" not in os.fspath(value)

    return Rule("a path", is_legal, "'./automax_output'")


def sequence(expected: str, is_item: Callable[[Any], bool], example: str) -> Rule:
    """A list or a tuple whose items have a property.

    Args:
        expected: the sequence in words.
        is_item: whether an item is legal; never raises.
        example: a legal value.
    """
    return Rule(expected, lambda x: isinstance(x, (list, tuple)) and all(map(is_item, x)), example)


def mapping(example: str = "{}") -> Rule:
    """A dictionary."""
    return of_type("a dictionary name -> value", Mapping, example)


def of_type(expected: str, kinds: type | tuple[type, ...], example: str) -> Rule:
    """An instance of one of some classes.

    Args:
        expected: the classes in words.
        kinds: the classes.
        example: how to get one.
    """
    return Rule(expected, lambda x: isinstance(x, kinds), example)


def check_arguments(where: str, rules: Mapping[str, Rule], values: Mapping[str, Any]) -> None:
    """Raise for the first argument that breaks its rule.

    Args:
        where: name of the function.
        rules: argument -> its rule.
        values: argument -> value; arguments without a rule are left alone.

    Raises:
        ConfigError: with the dotted name, the rule, the value and a legal one.

    Example:
        >>> check_arguments("f", {"n": integer(1)}, {"n": 0})
        Traceback (most recent call last):
        ...
        automax_lightning.errors.ConfigError: f.n: expected an integer of at least 1, found 0. Pass n=1.
    """
    for name, rule in rules.items():
        if name in values and not rule.is_legal(values[name]):
            fix = closest(str(values[name]), rule.choices) if rule.choices else f"Pass {name}={rule.example}."
            raise ConfigError(f"{where}.{name}", rule.expected, _shown(values[name]), fix)


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}... ({type(value).__name__}, {len(shown)} characters)"


def _is_integer(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)
