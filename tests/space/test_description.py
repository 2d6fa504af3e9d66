"""The space is read back from the fingerprints that real spaces leave in the journal."""

from __future__ import annotations

import json

import pytest
from ConfigSpace import Categorical, ConfigurationSpace, Constant, Float, Integer, Normal
from ConfigSpace.hyperparameters import OrdinalHyperparameter

from automax_lightning.space.description import parameters, space_difference, space_fingerprint
from tests.support.spaces import conditional


def test_every_kind_of_hyperparameter_is_read() -> None:
    space = ConfigurationSpace()
    space.add(
        Float("f", (1e-4, 0.1), log=True), Integer("i", (2, 64)), Categorical("c", [(8,), (16, 8), None, "a"]), Constant("k", 3),
        Float("n", (0, 1), distribution=Normal(0.5, 0.1)), OrdinalHyperparameter("o", ["low", "high"]),
    )  # fmt: skip
    found = {each.name: each for each in parameters(space_fingerprint(space), seen=[{"o": "high"}, {"o": "low"}])}
    assert (found["f"].low, found["f"].high, found["f"].log, found["f"].is_integer) == (1e-4, 0.1, True, False)
    assert (found["i"].low, found["i"].high, found["i"].is_integer) == (2, 64, True)
    assert set(found["c"].choices) == {(8,), (16, 8), None, "a"}
    assert found["k"].is_constant
    assert (found["n"].low, found["n"].high) == (0, 1)
    assert found["o"].choices == ("high", "low")
    assert found["f"].position(10**-2.5) == pytest.approx(0.5)
    assert found["c"].position(found["c"].choices[-1]) == 1.0
    assert found["f"].ticks() == [(0.0, "0.0001"), (1.0, "0.1")]


def test_a_fingerprint_that_cannot_be_read_leaves_what_was_seen() -> None:
    (odd,) = parameters({"x": "CategoricalHyperparameter(choices=(<object at 0x1>,))"}, seen=[{"x": 1}, {"x": 2}, {"x": 1}])
    assert odd.choices == (1, 2)
    (numpy,) = parameters({"x": "UniformFloatHyperparameter(lower=np.float64(0.5), upper=2.0, log=False)"})
    assert (numpy.low, numpy.high) == (0.5, 2.0)


def test_fingerprints_tell_spaces_apart_and_ignore_order() -> None:
    first = ConfigurationSpace({"a": (0.0, 1.0), "b": [1, 2]})
    second = ConfigurationSpace({"b": [1, 2], "a": (0.0, 1.0)})
    third = ConfigurationSpace({"a": (0.0, 2.0), "c": [1, 2]})
    assert space_fingerprint(first) == space_fingerprint(second)
    assert space_difference(space_fingerprint(first), space_fingerprint(second)) == []
    lines = space_difference(space_fingerprint(first), space_fingerprint(third))
    assert [line.split(":")[0] for line in lines] == ["a", "b", "c"]
    assert json.dumps(space_fingerprint(conditional().cs))
