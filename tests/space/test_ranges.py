"""Ranges in steps and with priors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace

from automax_lightning import parse_hyperparameters_from_dict
from automax_lightning.errors import SpaceError
from automax_lightning.space.description import describe_space, parameters
from automax_lightning.space.grid import every_configuration
from automax_lightning.space.parsing import is_spec


def parse(spec: Any) -> Any:
    assert is_spec(spec)
    return parse_hyperparameters_from_dict({"x": spec})["x"]


@pytest.mark.parametrize(
    ("spec", "values"),
    [
        ({"low": 16, "high": 64, "step": 16}, [16, 32, 48, 64]),
        ({"low": 16, "high": 70, "q": 16, "default": 32}, [16, 32, 48, 64]),
        ({"low": 0.1, "high": 0.5, "step": 0.1}, [0.1, 0.2, 0.3, 0.4, 0.5]),
        ({"low": 0, "high": 1, "step": 0.25}, [0.0, 0.25, 0.5, 0.75, 1.0]),
        ({"val": [16, 64], "step": 24}, [16, 40, 64]),
        ({"val": (np.int64(1), np.int64(3)), "step": np.int64(2)}, [1, 3]),
    ],
)
def test_a_step_leaves_no_value_between(spec: Any, values: list[Any]) -> None:
    found = parse(spec)
    assert list(found.sequence) == values
    assert {type(value) for value in found.sequence} == {type(values[0])}
    assert found.default_value == spec.get("default", values[0])


def test_a_space_of_steps_is_finite_and_described() -> None:
    space = ConfigurationSpace()
    space.add(parse({"low": 0.1, "high": 0.3, "step": 0.1}))
    assert sorted(config["x"] for config in every_configuration(space)) == [0.1, 0.2, 0.3]
    (only,) = parameters(describe_space(space))
    assert only.choices == (0.1, 0.2, 0.3)


@pytest.mark.parametrize("integers", [False, True])
def test_a_normal_prior(integers: bool) -> None:
    bounds = {"low": 0, "high": 100} if integers else {"low": 0.0, "high": 100.0}
    found = parse({**bounds, "normal": [40, 5]})
    drawn = np.asarray(found.sample_value(2000, seed=0))
    assert found.default_value == 40
    assert isinstance(found.default_value, int if integers else float)
    assert abs(drawn.mean() - 40) < 0.5
    assert abs(drawn.std() - 5) < 0.5


def test_on_a_log_scale_the_deviation_is_that_of_the_logarithm() -> None:
    drawn = np.log(np.asarray(parse({"low": 1e-6, "high": 1e2, "log": True, "normal": [0.01, 0.7]}).sample_value(4000, seed=0)))
    assert abs(drawn.mean() - np.log(0.01)) < 0.05
    assert abs(drawn.std() - 0.7) < 0.05


def test_a_beta_prior() -> None:
    found = parse({"low": 0.0, "high": 0.5, "beta": [2, 5], "default": 0.2})
    assert found.default_value == 0.2
    assert abs(np.mean(found.sample_value(4000, seed=0)) - 0.5 * 2 / 7) < 0.01


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"low": 1, "high": 9, "step": 0}, "x.step: expected a number above 0, at most 8"),
        ({"low": 1, "high": 9, "step": 9}, "x.step: expected a number above 0, at most 8"),
        ({"low": 1, "high": 9, "q": "2"}, "x.q: expected a number"),
        ({"low": 1, "high": 9, "step": 2, "log": True}, "x.step: expected no step on a log scale"),
        ({"low": 1, "high": 9, "step": 2, "default": 4}, "x.default: expected 1 and a multiple of the step 2 more.* Pass 3"),
        ({"low": 0.0, "high": 1.0, "step": 1e-6}, "at most 10000 steps"),
        ({"low": 1, "high": 9, "step": 2, "q": 2}, "x: expected one of step"),
        ({"low": 1, "high": 9, "step": 2, "normal": [2, 1]}, "x: expected one of step"),
        ({"low": 1, "high": 9, "normal": 2}, r"x.normal: expected two numbers, found 2. Write normal: \[0.1, 0.02\]"),
        ({"low": 1, "high": 9, "normal": [2, 0]}, "a deviation above 0"),
        ({"low": 1, "high": 9, "normal": [10, 1]}, r"a mean in \[1, 9\]"),
        ({"low": 1, "high": 9, "normal": [2, 1], "log": True}, "floats where the scale is logarithmic"),
        ({"low": 1, "high": 9, "beta": [0.5, 2]}, "alpha and beta of at least 1"),
        ({"low": 1, "high": 9, "beta": [1, 1]}, "alpha and beta of at least 1"),
        ({"low": 1, "high": 9, "beta": [2, 5], "default": 10}, "x.default: expected a number in"),
    ],
)
def test_what_makes_no_sense_is_refused(spec: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        parse(spec)
