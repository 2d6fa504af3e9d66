from __future__ import annotations

import json
from typing import Any

import pytest
from ConfigSpace import (
    Categorical,
    ConfigurationSpace,
    EqualsCondition,
    ForbiddenEqualsClause,
    Integer,
    OrdinalHyperparameter,
)

from automax_lightning.errors import SpaceError
from automax_lightning.space.configurations import completed, configuration, defaults_of_arms, moved_into, values
from automax_lightning.utils.serialization import decode_values, encode_values
from tests.support.spaces import conditional


def test_values_and_configuration_are_inverse() -> None:
    space = conditional().cs
    for config in space.sample_configuration(50):
        plain = values(config)
        assert configuration(space, plain) == config
        decoded = decode_values(json.loads(json.dumps(encode_values(plain), allow_nan=False)))
        assert decoded == plain
        assert configuration(space, decoded) == config


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"x": 0.5, "y": 1}, r"configuration.y: expected a hyperparameter of the space"),
        ({"x": 1.5}, r"configuration.x: .* found 1.5"),
        ({"x": "a"}, r"configuration.x: .* found 'a'"),
        ({}, r"configuration.x: expected a value, because it is active"),
    ],
)
def test_a_foreign_configuration_is_refused(chosen: dict[str, Any], message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        configuration(ConfigurationSpace({"x": (0.0, 1.0)}), chosen)


def test_plain_values_are_pythons_own() -> None:
    space = ConfigurationSpace({"n": (1, 5), "x": (0.0, 1.0), "flag": [True, False], "name": ["a", "b"]})
    found = values(space.get_default_configuration())
    assert {name: type(value) for name, value in found.items()} == {"n": int, "x": float, "flag": bool, "name": str}


def arms() -> ConfigurationSpace:
    space = ConfigurationSpace({"loss": ["a", "b"], "width": (1, 9), "a:lr": (0.1, 0.3), "b:lr": (0.5, 0.7)})
    for arm in ("a", "b"):
        space.add(EqualsCondition(space[f"{arm}:lr"], space["loss"], arm))
    return space


def test_every_arm_has_its_own_default() -> None:
    assert defaults_of_arms(arms(), "loss") == [
        {"loss": "a", "width": 5, "a:lr": 0.2},
        {"loss": "b", "width": 5, "b:lr": pytest.approx(0.6)},
    ]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"x": 2.0}, {"x": 1.0, "n": 3, "kind": "a"}),
        ({"x": -1}, {"x": 0.0, "n": 3, "kind": "a"}),
        ({"n": 4.6}, {"x": 0.5, "n": 5, "kind": "a"}),
        ({"n": 100}, {"x": 0.5, "n": 5, "kind": "a"}),
        ({"kind": "b", "unknown": 1}, {"x": 0.5, "n": 3, "kind": "b"}),
        ({"kind": "z"}, {"x": 0.5, "n": 3, "kind": "a"}),
        ({"x": "much"}, {"x": 0.5, "n": 3, "kind": "a"}),
        ({"unknown": 1}, None),
        ({}, None),
    ],
)
def test_a_foreign_configuration_is_moved_inside(wanted: dict[str, Any], expected: dict[str, Any] | None) -> None:
    space = ConfigurationSpace({"x": (0.0, 1.0), "n": (1, 5), "kind": ["a", "b"]})
    assert moved_into(space, wanted) == expected


def test_moving_keeps_conditions_and_gives_up_where_the_result_is_forbidden() -> None:
    assert moved_into(arms(), {"loss": "b", "b:lr": 3.0, "a:lr": 0.1}) == {"loss": "b", "width": 5, "b:lr": 0.7}
    space = ConfigurationSpace()
    space.add(Integer("n", (1, 5), default=2), Categorical("kind", ["a", "b"]))
    space.add(ForbiddenEqualsClause(space["n"], 3))
    assert moved_into(space, {"n": 3}) is None
    assert moved_into(space, {"n": 4}) == {"n": 4, "kind": "a"}


def test_what_a_partial_configuration_leaves_out_takes_its_default() -> None:
    space = ConfigurationSpace({"net": ["a", "b"], "lr": (0.0, 1.0), "width": (1, 9)})
    space.add(EqualsCondition(space["width"], space["net"], "b"))
    assert values(completed(space, {"lr": 0.25})) == {"net": "a", "lr": 0.25}
    assert values(completed(space, {"net": "b"})) == {"net": "b", "lr": 0.5, "width": 5}
    assert completed(space, {"net": "a", "lr": 0.5}) == configuration(space, {"net": "a", "lr": 0.5})


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"width": 2}, "initial_configs.width: expected a hyperparameter that is active: .*net"),
        ({"lrr": 2}, "initial_configs.lrr: .*Did you mean 'lr'"),
        ({"lr": 2.0}, "initial_configs.lr: .*Choose a value inside"),
    ],
)
def test_a_partial_configuration_that_cannot_be_is_refused(chosen: Any, message: str) -> None:
    space = ConfigurationSpace({"net": ["a", "b"], "lr": (0.0, 1.0), "width": (1, 9)})
    space.add(EqualsCondition(space["width"], space["net"], "b"))
    with pytest.raises(SpaceError, match=message):
        completed(space, chosen)


def test_a_number_moves_to_the_nearest_step() -> None:
    space = ConfigurationSpace()
    space.add(OrdinalHyperparameter("n", [16, 32, 48]))
    assert moved_into(space, {"n": 35}) == {"n": 32}
