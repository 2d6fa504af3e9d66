from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace

from automax_lightning.search.proposer.candidates import Candidates, Seen
from automax_lightning.search.storage.history import configuration_key
from automax_lightning.space.configurations import values
from tests.support.proposals import aucm_space, branching_space


def test_candidates_are_legal_and_the_best_come_first() -> None:
    for space in (aucm_space(), branching_space()):
        candidates = Candidates(space)
        parent = space.get_default_configuration()
        generator = np.random.RandomState(0)
        target = space.sample_configuration().get_array()
        target = np.nan_to_num(target)

        def score(vectors: Any, target: Any = target) -> Any:
            return -np.square(np.nan_to_num(vectors) - target).sum(1)

        found = list(candidates.best(score, [parent], generator))[:50]
        scores = score(np.array([config.get_array() for config in found]))
        assert len(found) == 50
        assert (np.diff(scores) <= 1e-12).all()
        for config in found:
            config.check_valid_configuration()


def test_a_small_finite_space_is_a_grid_and_a_large_one_is_not() -> None:
    grid = Candidates(ConfigurationSpace({"a": [1, 2, 3], "b": [True, False]})).grid
    assert grid is not None
    assert len({configuration_key(values(config)) for config in grid.values()}) == len(grid) == 6
    assert Candidates(ConfigurationSpace({"x": (0.0, 1.0)})).grid is None


def test_random_candidates_are_new_until_there_are_none() -> None:
    candidates = Candidates(ConfigurationSpace({"a": [1, 2, 3]}))
    generator, seen = np.random.RandomState(0), Seen()
    for _ in range(3):
        config = candidates.random(generator, seen)
        assert config is not None
        seen.add(configuration_key(values(config)))
    assert len(seen) == 3
    assert candidates.random(generator, seen) is None


@pytest.mark.parametrize("make", [aucm_space, branching_space])
def test_candidates_depend_on_the_generator_alone(make: Any) -> None:
    def drawn(candidates: Candidates) -> list[Any]:
        ordered = candidates.best(lambda pool: -np.nan_to_num(pool).sum(1), [], np.random.RandomState(4))
        return [values(config) for config in itertools.islice(ordered, 5)]

    candidates = Candidates(make())
    assert drawn(candidates) == drawn(candidates) == drawn(Candidates(make()))


def test_the_callers_space_is_left_alone() -> None:
    space, twin = ConfigurationSpace({"x": (0.0, 1.0)}, seed=3), ConfigurationSpace({"x": (0.0, 1.0)}, seed=3)
    Candidates(space).random(np.random.RandomState(0), Seen())
    assert space.sample_configuration() == twin.sample_configuration()
