from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from ConfigSpace import Float

from automax_lightning import parse_hyperparameters_from_dict
from automax_lightning.errors import SpaceError
from automax_lightning.space.parsing import is_spec


def parse(spec: Any) -> Any:
    return parse_hyperparameters_from_dict({"x": spec})["x"]


@pytest.mark.parametrize("value", [3, 0.5, "text", True, False, None, np.float64(0.25), np.int64(7)])
def test_a_plain_value_is_a_constant_of_its_own_type(value: Any) -> None:
    for spec in (value, {"val": value}, {"value": value}):
        found = parse(spec).value
        expected = value.item() if isinstance(value, np.generic) else value
        assert found == expected
        assert type(found) is type(expected)


def test_a_constant_may_be_a_tuple_when_it_says_so() -> None:
    assert parse({"value": (0.9, 0.9)}).value == (0.9, 0.9)


@pytest.mark.parametrize(
    ("spec", "low", "high", "default", "log", "kind"),
    [
        ((1, 9), 1, 9, 1, False, "UniformIntegerHyperparameter"),
        ((0.1, 9), 0.1, 9.0, 0.1, False, "UniformFloatHyperparameter"),
        ({"val": (1e-4, 0.1), "log": True, "default": 0.01}, 1e-4, 0.1, 0.01, True, "UniformFloatHyperparameter"),
        ({"val": [1e-4, 0.1], "log": True, "default": 0.01}, 1e-4, 0.1, 0.01, True, "UniformFloatHyperparameter"),
        ({"val": [1e-4, 0.1], "log": True}, 1e-4, 0.1, 1e-4, True, "UniformFloatHyperparameter"),
        ({"val": [0, 10], "default": 3}, 0, 10, 3, False, "UniformIntegerHyperparameter"),
        ({"low": 8, "high": 64, "log": True}, 8, 64, 8, True, "UniformIntegerHyperparameter"),
    ],
)  # fmt: skip
def test_ranges(spec: Any, low: float, high: float, default: float, log: bool, kind: str) -> None:
    found = parse(spec)
    assert type(found).__name__ == kind
    assert (found.lower, found.upper, found.default_value, found.log) == (low, high, default, log)


@pytest.mark.parametrize(
    ("spec", "choices", "default"),
    [
        ([1, 2, 4], (1, 2, 4), 1),
        ([0.1, 0.2], (0.1, 0.2), 0.1),
        ({"val": [0.6, 0.8, 1.0], "default": 1.0, "log": True}, (0.6, 0.8, 1.0), 1.0),
        ({"val": [64, 128], "default": 128}, (64, 128), 128),
        ({"val": ["a", "b"]}, ("a", "b"), "a"),
        ({"choices": [(0.1, 0.1), (0.9, 0.9)], "default": (0.9, 0.9)}, ((0.1, 0.1), (0.9, 0.9)), (0.9, 0.9)),
        ({"choices": [[32], [64, 32]]}, ((32,), (64, 32)), (32,)),
        ([None, "a", 3], (None, "a", 3), None),
        ([True, False], (True, False), True),
    ],
)
def test_choices(spec: Any, choices: tuple[Any, ...], default: Any) -> None:
    found = parse(spec)
    assert tuple(found.choices) == choices
    assert found.default_value == default


def test_a_hyperparameter_is_itself() -> None:
    mine = Float("x", (0, 1))
    assert parse(mine) is mine


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ((1, 1), "x: expected low < high"),
        ((9, 1), r"If the tuple is a value, write \{choices: \[\(9, 1\)\]\}"),
        ((1, 2, 3), r"x: expected two numbers \(low, high\)"),
        (("a", "b"), r"two numbers \(low, high\)"),
        ((True, False), "two numbers"),
        ((0.0, math.inf), "two numbers"),
        ({"val": (0.0, 1.0), "log": True}, "above 0 on a log scale"),
        ({"val": (0.0, 1.0), "default": 1.1}, r"x.default: expected a number in \[0.0, 1.0\]"),
        ({"val": (1, 9), "default": 2.5}, "an integer, as both bounds are"),
        ({"val": [0.0001, 0.1], "default": 0.5}, r"As a range write .* as choices \{choices"),
        ({"val": ["a", "b"], "default": "c"}, r"x.default: expected one of \['a', 'b'\]"),
        ({"choices": []}, "at least one choice"),
        ({"choices": "ab"}, "x.choices: expected a list"),
        ([1, 1.0], "choices that differ"),
        ([True, 1], "choices that differ"),
        ([1.0, math.nan], "choices that equal themselves"),
        ({"low": 1}, "x.high: expected an upper bound"),
        ({"low": 1, "high": 2, "defalt": 1}, "Did you mean 'default'"),
        ({"log": True}, "one of the keys val, low, choices, value"),
        ({"low": 1, "high": 2, "log": "yes"}, "x.log: expected true or false"),
        (object(), "a search spec or a plain value"),
    ],
)
def test_what_is_malformed_is_named_with_its_cure(spec: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        parse(spec)


def test_only_a_dictionary_or_a_hyperparameter_says_by_itself_that_it_is_a_spec() -> None:
    specs = [{"val": 1}, {"low": 1, "high": 2}, {"choices": [1]}, {"value": 1}, Float("x", (0, 1))]
    plain = [1, (1, 2), [1, 2], "a", None, {}, {"margin": 1.0}, {"val": 1, "other": 2}]
    assert all(map(is_spec, specs))
    assert not any(map(is_spec, plain))
