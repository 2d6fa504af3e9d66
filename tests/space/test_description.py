"""The space is read back from what real spaces leave in the journal, today's form and that of 0.1.0."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ConfigSpace import (
    AndConjunction,
    Categorical,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    Float,
    ForbiddenAndConjunction,
    ForbiddenEqualsClause,
    InCondition,
    Integer,
    LessThanCondition,
    Normal,
)
from ConfigSpace.hyperparameters import OrdinalHyperparameter

from automax_lightning.config import AutoMAXConfig
from automax_lightning.errors import SpaceError
from automax_lightning.space.description import describe_space, parameters, space_texts
from automax_lightning.tuner.setup import SearchSetup
from automax_lightning.utils.serialization import decode, encode
from tests.support.spaces import conditional


@pytest.mark.parametrize("describe", [describe_space, space_texts])
def test_every_kind_of_hyperparameter_is_read(describe: Callable[[ConfigurationSpace], dict[str, Any]]) -> None:
    space = ConfigurationSpace()
    space.add(
        Float("f", (1e-4, 0.1), log=True), Integer("i", (2, 64)), Categorical("c", [(8,), (16, 8), None, "a"]), Constant("k", 3),
        Float("n", (0, 1), distribution=Normal(0.5, 0.1)), OrdinalHyperparameter("o", ["low", "high"]),
    )  # fmt: skip
    found = {each.name: each for each in parameters(describe(space), seen=[{"o": "low"}, {"o": "high"}])}
    assert (found["f"].low, found["f"].high, found["f"].log, found["f"].is_integer) == (1e-4, 0.1, True, False)
    assert (found["i"].low, found["i"].high, found["i"].is_integer) == (2, 64, True)
    assert set(found["c"].choices) == {(8,), (16, 8), None, "a"}
    assert found["k"].is_constant
    assert (found["n"].low, found["n"].high) == (0, 1)
    assert found["o"].choices == ("low", "high")
    assert found["f"].position(10**-2.5) == pytest.approx(0.5)
    assert found["c"].position(found["c"].choices[-1]) == 1.0
    assert found["f"].ticks() == [(0.0, "0.0001"), (1.0, "0.1")]


def test_a_fingerprint_that_cannot_be_read_leaves_what_was_seen() -> None:
    (odd,) = parameters({"x": "CategoricalHyperparameter(choices=(<object at 0x1>,))"}, seen=[{"x": 1}, {"x": 2}, {"x": 1}])
    assert odd.choices == (1, 2)
    (numpy,) = parameters({"x": "UniformFloatHyperparameter(lower=np.float64(0.5), upper=2.0, log=False)"})
    assert (numpy.low, numpy.high) == (0.5, 2.0)


def test_descriptions_tell_spaces_apart_and_keep_their_order() -> None:
    first = ConfigurationSpace({"a": (0.0, 1.0), "b": [1, 2]})
    second = ConfigurationSpace({"b": [1, 2], "a": (0.0, 1.0)})
    third = ConfigurationSpace({"a": (0.0, 2.0), "c": [1, 2]})
    assert describe_space(first) == describe_space(second)
    assert [name for name, entry in describe_space(first).items() if describe_space(third).get(name) != entry] == ["a", "b"]
    assert [each.name for each in parameters(describe_space(conditional().cs))] == list(conditional().cs)


def test_what_text_could_not_tell_apart_is_told_apart() -> None:
    def normal(sigma: float) -> ConfigurationSpace:
        space = ConfigurationSpace()
        space.add(Float("n", (0, 1), distribution=Normal(0.5, sigma)))
        return space

    assert space_texts(normal(0.1)) == space_texts(normal(0.2))
    assert describe_space(normal(0.1)) != describe_space(normal(0.2))


def test_a_description_is_strict_json_and_keeps_every_type() -> None:
    space = ConfigurationSpace()
    space.add(Categorical("c", [(1, (2, 3)), None, True, 1.5]), Constant("k", (4,)), OrdinalHyperparameter("o", [np.int64(1), 2]))
    described = describe_space(space)
    read = decode(json.loads(json.dumps(encode(described), allow_nan=False)))
    assert read == described
    found = {each.name: each.choices for each in parameters(read)}
    assert found == {"c": ((1, (2, 3)), None, True, 1.5), "k": ((4,),), "o": (1, 2)}
    assert [type(choice) for choice in found["o"]] == [int, int]


def test_a_choice_that_json_cannot_hold_is_named() -> None:
    with pytest.raises(SpaceError, match=r"c\.choices: expected a bool, int, float"):
        describe_space(ConfigurationSpace({"c": [object(), object()]}))


def test_conditions_read_the_same_in_both_forms() -> None:
    space = ConfigurationSpace({"a": [1, 2, 3], "b": (0.0, 1.0), "c": (0, 5), "d": (0, 5), "e": (0, 5), "condition": (0, 1)})
    a, b, c, d, e = (space[name] for name in "abcde")
    space.add(
        InCondition(c, a, [1, 2]),
        EqualsCondition(d, a, 2),
        AndConjunction(InCondition(e, a, [1, 3]), LessThanCondition(e, b, 0.5)),
    )
    space.add(ForbiddenAndConjunction(ForbiddenEqualsClause(a, 2), ForbiddenEqualsClause(d, 2)))
    described = {each.name: each.condition for each in parameters(describe_space(space))}
    assert described == {"a": "", "b": "", "condition": "", "c": "a in {1, 2}", "d": "a == 2", "e": "a in {1, 3} && b < 0.5"}
    texts = {each.name: each.condition for each in parameters(space_texts(space))}
    assert {name: texts[name] for name in "abcd"} == {name: described[name] for name in "abcd"}


def test_a_search_is_compared_in_the_form_of_its_journal(tmp_path: Path) -> None:
    config = AutoMAXConfig(name="s", output_directory=tmp_path)
    new, old = (SearchSetup.of(conditional(), config, "score", {"space": form}) for form in ({}, space_texts(conditional().cs)))
    assert new.journal_settings["space"] == describe_space(conditional().cs)
    assert old.journal_settings["space"] == space_texts(conditional().cs)
