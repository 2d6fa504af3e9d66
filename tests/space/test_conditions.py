"""Conditional search spaces, as a `when` in a spec."""

from __future__ import annotations

from typing import Any

import pytest

from automax_lightning import autopartial, parse_hyperparameters_from_dict
from automax_lightning.errors import SpaceError
from automax_lightning.space.conditions import add_conditions, extremes, split_when
from automax_lightning.space.configurations import values


def made(specs: dict[str, Any]) -> autopartial:
    plain, conditions = split_when(specs)
    space = autopartial(dict, **parse_hyperparameters_from_dict(plain))
    add_conditions(space, conditions)
    return space


SPECS: dict[str, Any] = {
    "kind": {"choices": ["a", "b", "c"]},
    "hidden": {"choices": [[8], [8, 8]]},
    "x": {"low": 0.0, "high": 1.0, "when": {"kind": ["a", "b"]}},
    "y": {"low": 1, "high": 3, "when": {"kind": "b", "hidden": [8, 8]}},
    "z": {"value": 1, "when": {"y": [1, 2]}},
}


def test_a_key_is_there_exactly_where_all_its_conditions_hold() -> None:
    space = made(SPECS).cs
    space.seed(0)
    seen = set()
    for sampled in space.sample_configuration(200):
        chosen = values(sampled)
        assert ("x" in chosen) == (chosen["kind"] in ("a", "b"))
        assert ("y" in chosen) == (chosen["kind"] == "b" and chosen["hidden"] == (8, 8))
        assert ("z" in chosen) == (chosen.get("y") in (1, 2))
        seen |= set(chosen)
    assert seen == set(SPECS)


def test_extremes_are_all_choices_and_both_bounds() -> None:
    space = made(SPECS).cs
    assert [list(extremes(space[name])) for name in ("kind", "hidden", "x", "y", "z")] == [
        ["a", "b", "c"], [(8,), (8, 8)], [0.0, 1.0, 0.0], [1, 3, 1], [1],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ({"kind": "d"}, "search.x.when.kind: .*'d'"),
        ({"kinds": "a"}, "search.x.when: .*Did you mean 'kind'"),
        ({"x": 0.5}, "search.x.when: expected another searched key"),
        ({}, "x.when: expected another searched key and its value"),
        ("kind", "x.when: .*Write when"),
    ],
)
def test_conditions_that_cannot_hold_are_errors(when: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        made({"kind": ["a", "b"], "x": {"low": 0.0, "high": 1.0, "when": when}})
