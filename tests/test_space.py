from __future__ import annotations

import json
import math
import pickle
from typing import Any

import cloudpickle
import pytest
from ConfigSpace import (
    AndConjunction,
    Categorical,
    ConfigurationSpace,
    EqualsCondition,
    Float,
    ForbiddenAndConjunction,
    ForbiddenEqualsClause,
    GreaterThanCondition,
    Integer,
)

from automax_lightning import autopartial, parse_hyperparameters_from_dict
from automax_lightning.errors import SpaceError, SpaceTypeError
from automax_lightning.space.configurations import configuration, values
from automax_lightning.space.description import space_difference, space_fingerprint
from automax_lightning.utils.serialization import decode_values, encode_values

pytestmark = pytest.mark.lowest


def collect(*args: Any, **kwds: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return args, kwds


def specs(**kwargs: Any) -> dict[str, Any]:
    return parse_hyperparameters_from_dict(kwargs)


def conditional() -> autopartial:
    inner = autopartial(dict, **specs(kind=["sgd", "adam"], momentum=(0.1, 0.9), nesterov=[True, False], lr=(0.1, 0.5)))
    space = inner.cs
    space.add(EqualsCondition(space["momentum"], space["kind"], "sgd"))
    space.add(
        AndConjunction(
            EqualsCondition(space["nesterov"], space["kind"], "sgd"),
            GreaterThanCondition(space["nesterov"], space["lr"], 0.2),
        )
    )
    space.add(ForbiddenAndConjunction(ForbiddenEqualsClause(space["kind"], "adam"), ForbiddenEqualsClause(space["lr"], 0.1)))
    return inner


def test_every_value_reaches_the_function_with_its_type() -> None:
    given = {"gammas": {"value": (0.9, 0.5)}, "flag": True, "none": None, "text": "a", "count": 3, "rate": 0.5,
             "choice": [None, (1, 2), "b"], "number": (1, 9), "share": (0.0, 1.0)}  # fmt: skip
    make = autopartial(collect, **specs(**given))
    _, found = make(make.cs.get_default_configuration())
    expected = {"gammas": (0.9, 0.5), "flag": True, "none": None, "text": "a", "count": 3, "rate": 0.5,
                "choice": None, "number": 1, "share": 0.0}  # fmt: skip
    assert found == expected
    assert {name: type(value) for name, value in found.items()} == {n: type(v) for n, v in expected.items()}
    for config in make.cs.sample_configuration(20):
        _, found = make(config)
        assert type(found["number"]) is int
        assert type(found["share"]) is float
        assert found["choice"] in (None, (1, 2), "b")


def test_names_nest_under_colons_to_any_depth() -> None:
    innermost = autopartial(collect, **specs(lr=(0.1, 0.5)))
    middle = autopartial(collect, inner=innermost, **specs(k=[1, 2]))
    outer = autopartial(collect, Float("x", (0, 1)), middle=middle)
    assert sorted(outer.cs) == ["middle:inner:lr", "middle:k", "x"]
    args, kwds = outer(outer.cs.get_default_configuration())
    assert args == (0.5,)
    assert kwds == {"middle": ((), {"inner": ((), {"lr": 0.1}), "k": 1})}


def test_a_prefix_says_where_the_space_stands_in_a_larger_one() -> None:
    inner = autopartial(collect, **specs(lr=(0.1, 0.5)))
    outer = autopartial(collect, a=inner, b=inner)
    config = outer.cs.get_default_configuration()
    assert inner(config, prefix="b") == ((), {"lr": 0.1})


def test_an_autopartial_of_an_autopartial_merges_the_spaces() -> None:
    base = autopartial(collect, Float("x", (0, 1)), **specs(lr=(0.1, 0.5)))
    more = autopartial(base, **specs(k=[7, 8]))
    assert sorted(more.cs) == ["k", "lr", "x"]
    assert more(more.cs.get_default_configuration()) == ((0.5,), {"lr": 0.1, "k": 7})
    assert (more.autofunc, more.args, sorted(more.kwds)) == (base, (), ["k"])


def test_one_name_twice_is_an_error() -> None:
    base = autopartial(collect, **specs(lr=(0.1, 0.5)))
    with pytest.raises(SpaceError, match=r"each name once, found \['lr'\] twice"):
        autopartial(base, **specs(lr=[1, 2]))


def test_conditions_and_forbidden_clauses_survive_nesting() -> None:
    inner = conditional()
    outer = autopartial(collect, optimizer=autopartial(collect, kwargs=inner))
    assert len(outer.cs.conditions) == len(inner.cs.conditions)
    assert len(outer.cs.forbidden_clauses) == 1
    for config in outer.cs.sample_configuration(50):
        _, found = outer(config)
        kwargs = found["optimizer"][1]["kwargs"]
        assert ("momentum" in kwargs) == (kwargs["kind"] == "sgd")
        assert ("nesterov" in kwargs) == (kwargs["kind"] == "sgd" and kwargs["lr"] > 0.2)
    with pytest.raises(SpaceError, match="forbidden|Forbidden"):
        configuration(outer.cs, {"optimizer:kwargs:kind": "adam", "optimizer:kwargs:lr": 0.1})


@pytest.mark.parametrize("dump", [pickle.dumps, cloudpickle.dumps])
def test_an_autopartial_survives_a_pickle_round_trip(dump: Any) -> None:
    make = autopartial(collect, inner=conditional())
    twin = pickle.loads(dump(make))
    assert space_fingerprint(twin.cs) == space_fingerprint(make.cs)
    config = make.cs.get_default_configuration()
    assert twin(config) == make(config)


def test_what_cannot_be_called_or_searched_is_refused() -> None:
    with pytest.raises(SpaceTypeError, match=r"autopartial.autofunc: expected a callable, found int"):
        autopartial(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="callable"):
        autopartial("dict")  # type: ignore[arg-type]
    with pytest.raises(SpaceError, match=r"autopartial.lr: expected a ConfigSpace hyperparameter"):
        autopartial(dict, lr=0.1)
    with pytest.raises(ValueError, match=r"autopartial.0"):
        autopartial(dict, (1, 2))


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
        ({}, "exactly the active hyperparameters"),
    ],
)
def test_a_foreign_configuration_is_refused(chosen: dict[str, Any], message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        configuration(ConfigurationSpace({"x": (0.0, 1.0)}), chosen)


@pytest.mark.parametrize("value", [(1, (2.5, None)), math.inf, -math.inf, [1, "a"], {"a": (1,)}, True, None, 1, 1.0, "x"])
def test_encoding_keeps_types(value: Any) -> None:
    decoded = decode_values(json.loads(json.dumps(encode_values({"v": value}), allow_nan=False)))["v"]
    assert decoded == value
    assert type(decoded) is type(value)


def test_encoding_keeps_nan_and_refuses_objects() -> None:
    assert math.isnan(decode_values(encode_values({"v": math.nan}))["v"])
    with pytest.raises(SpaceError, match="v: expected a bool, int, float"):
        encode_values({"v": object()})


def test_fingerprints_tell_spaces_apart_and_ignore_order() -> None:
    first = ConfigurationSpace({"a": (0.0, 1.0), "b": [1, 2]})
    second = ConfigurationSpace({"b": [1, 2], "a": (0.0, 1.0)})
    third = ConfigurationSpace({"a": (0.0, 2.0), "c": [1, 2]})
    assert space_fingerprint(first) == space_fingerprint(second)
    assert space_difference(space_fingerprint(first), space_fingerprint(second)) == []
    lines = space_difference(space_fingerprint(first), space_fingerprint(third))
    assert [line.split(":")[0] for line in lines] == ["a", "b", "c"]
    assert json.dumps(space_fingerprint(conditional().cs))


def test_hyperparameters_of_the_users_own_are_taken_as_they_are() -> None:
    make = autopartial(collect, n=Integer("n", (1, 5), default=4), c=Categorical("c", ["u", "v"], default="v"))
    assert make(make.cs.get_default_configuration()) == ((), {"n": 4, "c": "v"})
