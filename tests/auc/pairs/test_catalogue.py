"""Promises that the records make to each other; `test_registry` holds them against LibAUC's classes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from automax_lightning.auc.pairs import registry
from automax_lightning.auc.pairs.pair import Pair
from automax_lightning.space.autopartial import parse_hyperparameters_from_dict

PAIRS = [registry.get(name) for name in registry.names()]
IDS = [pair.name for pair in PAIRS]


@pytest.mark.parametrize("pair", PAIRS, ids=IDS)
def test_a_default_space_searches_arguments_that_exist(pair: Pair) -> None:
    pair.check_loss_kwargs(pair.loss_space)
    for choice in pair.optimizers:
        choice.check_kwargs(choice.space)
        assert "lr" in choice.space, choice.name


@pytest.mark.parametrize("pair", PAIRS, ids=IDS)
def test_every_default_lies_in_its_range(pair: Pair) -> None:
    spaces: list[Mapping[str, object]] = [pair.loss_space, *(choice.space for choice in pair.optimizers)]
    parsed = [parse_hyperparameters_from_dict(space) for space in spaces]
    assert all(each.legal_value(each.default_value) for space in parsed for each in space.values())


@pytest.mark.parametrize("pair", PAIRS, ids=IDS)
def test_a_pair_says_what_it_is_for(pair: Pair) -> None:
    assert pair.objective
    assert pair.use_when
    assert not set(pair.fixed) & set(pair.arguments), "a fixed argument is not the user's to pass"
    assert pair.scores in ("sigmoid", "logits")
    assert len({choice.name for choice in pair.optimizers}) == len(pair.optimizers)


def test_the_two_faulty_lower_bounds_of_libauc_are_not_taken_over() -> None:
    lows = {"gamma": 0.05, "tau": 0.3}
    searched = {(pair.name, name): pair.loss_space[name]["val"][0] for pair in PAIRS for name in lows if name in pair.loss_space}
    assert searched
    assert all(low >= lows[name] for (_, name), low in searched.items())
