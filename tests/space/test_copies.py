from __future__ import annotations

import json

import numpy as np
import pytest
from ConfigSpace import Beta, Categorical, ConfigurationSpace, EqualsCondition, Float, Integer, Normal, OrdinalHyperparameter

from automax_lightning.space.copies import with_builtin_values, with_uniform_priors
from automax_lightning.space.description import describe_space
from tests.support.proposals import aucm_space, branching_space


def test_numpy_scalars_become_pythons_in_choices_sequences_and_conditions() -> None:
    space = ConfigurationSpace()
    flag = Categorical("flag", [np.bool_(True), np.bool_(False)])
    name = Categorical("name", [np.str_("a"), np.str_("b")], weights=[np.float64(0.25), np.float64(0.75)])
    rank = OrdinalHyperparameter("rank", [np.int64(1), np.int64(8)])
    space.add(flag, name, rank, EqualsCondition(rank, flag, np.bool_(True)))
    copied = with_builtin_values(space)
    assert [type(choice) for choice in (*copied["flag"].choices, *copied["name"].choices, *copied["rank"].sequence)] == [
        bool, bool, str, str, int, int,
    ]  # fmt: skip
    assert json.loads(json.dumps(copied.to_serialized_dict()))["conditions"][0]["value"] is True
    assert describe_space(copied) == describe_space(space)


def test_a_copy_has_the_order_the_vectors_and_the_default_of_the_space() -> None:
    for space in (aucm_space(), branching_space()):
        for copied in (with_builtin_values(space), with_uniform_priors(space)):
            assert list(copied) == list(space)
            assert copied == space
            assert copied.get_default_configuration() == space.get_default_configuration()


def test_a_prior_becomes_uniform_and_values_keep_their_vectors() -> None:
    space = ConfigurationSpace()
    space.add(
        Float("a", (0.1, 10.0), log=True, distribution=Normal(1.0, 0.5)),
        Integer("b", (1, 9), distribution=Normal(5, 2)),
        Float("c", (0.0, 1.0), distribution=Beta(2, 3)),
        Integer("d", (1, 9), distribution=Beta(2, 3)),
    )
    copied = with_uniform_priors(space)
    assert {type(copied[name]).__name__[:7] for name in copied} == {"Uniform"}
    for config in space.sample_configuration(5):
        assert [copied[name].to_vector(config[name]) for name in space] == pytest.approx(config.get_array())
