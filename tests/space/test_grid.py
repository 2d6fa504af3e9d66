from __future__ import annotations

from typing import Any

import pytest
from ConfigSpace import (
    Beta,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    Float,
    ForbiddenEqualsClause,
    Integer,
    Normal,
    OrdinalHyperparameter,
)  # fmt: skip
from ConfigSpace.util import generate_grid

from automax_lightning.errors import SpaceError
from automax_lightning.space.configurations import values
from automax_lightning.space.grid import every_configuration, every_value


@pytest.mark.parametrize(
    ("hyperparameter", "expected"),
    [
        (Integer("n", (1, 5)), [1, 2, 3, 4, 5]),
        (Integer("n", (3, 90), log=True), list(range(3, 91))),
        (Integer("n", (1, 9), distribution=Normal(5, 2)), list(range(1, 10))),
        (Integer("n", (1, 9), distribution=Beta(2, 3)), list(range(1, 10))),
        (OrdinalHyperparameter("n", [0.1, 0.2, 0.3]), [0.1, 0.2, 0.3]),
        (Constant("n", "a"), ["a"]),
    ],
)
def test_every_value_is_there_in_order(hyperparameter: Any, expected: list[Any]) -> None:
    assert list(every_value(hyperparameter)) == expected
    space = ConfigurationSpace()
    space.add(hyperparameter)
    assert sorted(values(config)["n"] for config in every_configuration(space)) == expected


def test_a_real_number_has_no_end_of_values() -> None:
    with pytest.raises(SpaceError, match="x: expected a finite number of values"):
        every_value(Float("x", (0.0, 1.0)))


def test_what_is_inactive_or_forbidden_is_not_enumerated() -> None:
    space = ConfigurationSpace({"kind": ["sgd", "adam"], "steps": (1, 4), "n": (1, 8)})
    space.add(EqualsCondition(space["steps"], space["kind"], "sgd"))
    space.add(ForbiddenEqualsClause(space["n"], 3))
    found = [values(config) for config in every_configuration(space)]
    assert len(found) == 7 * (4 + 1)
    assert len({tuple(sorted(each.items())) for each in found}) == len(found)
    assert {each["n"] for each in found} == {1, 2, 4, 5, 6, 7, 8}
    assert all(("steps" in each) == (each["kind"] == "sgd") for each in found)


def test_choices_alone_keep_the_order_that_searches_of_0_1_0_drew_from() -> None:
    space = ConfigurationSpace({"a": [1, 2, 3], "b": ["x", "y"]})
    assert every_configuration(space) == list(generate_grid(space))


def test_an_empty_space_has_one_configuration() -> None:
    assert [values(config) for config in every_configuration(ConfigurationSpace())] == [{}]
