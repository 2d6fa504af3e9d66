from __future__ import annotations

import pickle
from typing import Any

import cloudpickle
import pytest
from ConfigSpace import (
    Categorical,
    Float,
    Integer,
)

from automax_lightning import autopartial, parse_hyperparameters_from_dict
from automax_lightning.errors import SpaceError, SpaceKeyError, SpaceTypeError
from automax_lightning.space.configurations import configuration
from automax_lightning.space.description import describe_space
from tests.support.spaces import conditional

pytestmark = pytest.mark.lowest


def collect(*args: Any, **kwds: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return args, kwds


def specs(**kwargs: Any) -> dict[str, Any]:
    return parse_hyperparameters_from_dict(kwargs)


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
    assert (more.autofunc, more.args, sorted(more.kwds)) == (collect, base.args, ["k", "lr"])


def test_merging_keeps_the_order_of_arguments_and_each_ones_place() -> None:
    base = autopartial(collect, autopartial(collect, **specs(lr=(0.1, 0.5))))
    more = autopartial(base, autopartial(collect, **specs(k=[7, 8])), Float("x", (0, 1)))
    assert sorted(more.cs) == ["0:k", "0:lr", "x"]
    assert more(more.cs.get_default_configuration()) == ((((), {"lr": 0.1}), ((), {"k": 7}), 0.5), {})


def test_the_words_of_the_original_are_understood() -> None:
    inner = autopartial(collect, **specs(lr=(0.1, 0.5)))
    outer = autopartial(collect, optimizer_kwargs=inner)
    config = outer.cs.get_default_configuration()
    assert outer(space=config) == ((), {"optimizer_kwargs": ((), {"lr": 0.1})})
    assert inner(space=config, prefix="optimizer_kwargs:") == inner(config, "optimizer_kwargs") == ((), {"lr": 0.1})


@pytest.mark.parametrize(
    ("chosen", "prefix", "message"),
    [
        ({}, "", r"configuration.lr: expected a value, because it is active, found none. Add 'lr': 0.1"),
        ({"lr": 0.2, "lrr": 0.1}, "", r"configuration.lrr: expected a hyperparameter of the space.*Did you mean 'lr'"),
        ({"lr": 0.2}, "inner", r"configuration.lr: expected a value"),
        ({"inner:lr": 0.2, "inner:k": 1}, "inner:", r"configuration.k: expected a hyperparameter of the space"),
    ],
)
def test_unknown_and_missing_names_are_key_errors(chosen: dict[str, Any], prefix: str, message: str) -> None:
    make = autopartial(collect, **specs(lr=(0.1, 0.5)))
    with pytest.raises(SpaceKeyError, match=message) as caught:
        make(chosen, prefix)
    assert isinstance(caught.value, KeyError)
    assert make({f"{prefix}lr" if prefix.endswith(":") else "lr": 0.2}, prefix if prefix.endswith(":") else "") == (
        (),
        {"lr": 0.2},
    )


def test_only_what_is_active_has_to_be_there() -> None:
    make = autopartial(collect, kwargs=conditional())
    assert make({"kwargs:kind": "adam", "kwargs:lr": 0.3}) == ((), {"kwargs": conditional()({"kind": "adam", "lr": 0.3})})
    with pytest.raises(SpaceKeyError, match=r"configuration.kwargs:momentum: expected a value, because it is active"):
        make({"kwargs:kind": "sgd", "kwargs:lr": 0.1})


def test_a_pickle_of_a_partial_that_was_not_flattened_is_read() -> None:
    base, own = autopartial(collect, **specs(lr=(0.1, 0.5))), specs(k=[7, 8])
    twin = autopartial.__new__(autopartial)
    twin.__setstate__({"autofunc": base, "args": (), "kwds": own, "cs": None})
    assert (twin.autofunc, sorted(twin.kwds), sorted(twin.cs)) == (collect, ["k", "lr"], ["k", "lr"])


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
    assert describe_space(twin.cs) == describe_space(make.cs)
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


def test_hyperparameters_of_the_users_own_are_taken_as_they_are() -> None:
    make = autopartial(collect, n=Integer("n", (1, 5), default=4), c=Categorical("c", ["u", "v"], default="v"))
    assert make(make.cs.get_default_configuration()) == ((), {"n": 4, "c": "v"})
