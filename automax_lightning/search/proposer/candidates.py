"""Configurations as arrays: random ones, neighbours of good ones, and the one that an acquisition function likes best."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from ConfigSpace import Configuration, ConfigurationSpace
from ConfigSpace.hyperparameters import CategoricalHyperparameter, Constant, OrdinalHyperparameter
from ConfigSpace.util import get_one_exchange_neighbourhood
from numpy.typing import NDArray

from automax_lightning.search.storage.history import configuration_key
from automax_lightning.space.configurations import values
from automax_lightning.space.copies import with_builtin_values
from automax_lightning.space.grid import every_configuration

Array = NDArray[np.float64]
Key = tuple[tuple[str, Any], ...]
Seen = set[Key]

_GRID_LIMIT = 5000
_RANDOM, _AROUND, _PARENTS, _ROUNDS = 3000, 500, 6, 3


class Candidates:
    """Draws and improves configurations of one space; every answer depends on the arguments alone.

    Args:
        space: never changed; its own random state is not used.
    """

    def __init__(self, space: ConfigurationSpace) -> None:
        self.space = with_builtin_values(space)
        self.names = list(self.space)
        self.is_free = not self.space.conditions and not self.space.forbidden_clauses

    @cached_property
    def grid(self) -> dict[Key, Configuration] | None:
        """Every configuration of a small finite space by its key, else None."""
        if self.space.estimate_size() > _GRID_LIMIT:
            return None
        return {configuration_key(values(config)): config for config in every_configuration(self.space)}

    def are_exhausted(self, seen: Seen) -> bool:
        """Whether every configuration of a finite space has been seen."""
        return self.grid is not None and self.grid.keys() <= seen

    def random(self, generator: np.random.RandomState, seen: Seen) -> Configuration | None:
        """A configuration not seen yet; None where there is none."""
        if self.grid is not None:
            left = [config for key, config in self.grid.items() if key not in seen]
            return left[generator.randint(len(left))] if left else None
        self.space.seed(int(generator.randint(2**31)))
        while True:  # a space of more than a few thousand configurations: a new one is found at once
            config = self.space.sample_configuration()
            if configuration_key(values(config)) not in seen:
                return config

    def best(
        self, score: Callable[[Array], Array], parents: Sequence[Configuration], generator: np.random.RandomState
    ) -> Iterator[Configuration]:
        """Configurations in the order of `score`, the best first.

        Args:
            score: (n, d) vectors -> (n,) scores, more is better.
            parents: good configurations, around which it looks more closely.
            generator: all randomness.
        """
        if self.grid is not None:
            grid = list(self.grid.values())
            pool = np.array([config.get_array() for config in grid])
            return (grid[i] for i in np.argsort(-score(pool), kind="stable"))
        pool = self._pool(parents, generator)
        found = score(pool)
        for spread in (0.1, 0.03, 0.01)[: _ROUNDS if self.is_free else 0]:
            top = pool[np.argsort(-found, kind="stable")[:_PARENTS]]
            near = self._around(top, spread, generator, _AROUND // _PARENTS)
            pool, found = np.concatenate([pool, near]), np.concatenate([found, score(near)])
        order = np.argsort(-found, kind="stable")
        return (Configuration(self.space, vector=pool[i]) for i in order)

    def _pool(self, parents: Sequence[Configuration], generator: np.random.RandomState) -> Array:
        if not self.is_free:
            return self._legal_pool(parents, generator)
        columns = [self.space[name].sample_vector(_RANDOM, seed=generator) for name in self.names]
        drawn = np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)
        if not parents:
            return drawn
        known = np.array([parent.get_array() for parent in parents])
        return np.concatenate([drawn, self._around(known, 0.15, generator, 3 * _AROUND // len(known))])

    def _legal_pool(self, parents: Sequence[Configuration], generator: np.random.RandomState) -> Array:
        """Conditions and forbidden clauses are ConfigSpace's to keep; it goes one by one, so the pool is smaller."""
        self.space.seed(int(generator.randint(2**31)))
        drawn = list(self.space.sample_configuration(_RANDOM // 4))
        for parent in parents:
            drawn += get_one_exchange_neighbourhood(parent, seed=int(generator.randint(2**31)))
        return np.array([config.get_array() for config in drawn])

    def _around(self, known: Array, spread: float, generator: np.random.RandomState, each: int) -> Array:
        """Gaussian steps for numbers, a change now and then for choices."""
        near = np.repeat(known, each, axis=0)
        for column, name in enumerate(self.names):
            hyperparameter = self.space[name]
            if isinstance(hyperparameter, Constant):
                continue
            if isinstance(hyperparameter, OrdinalHyperparameter):
                last = len(hyperparameter.sequence) - 1
                moved = near[:, column] + _step(spread, last) * generator.normal(size=len(near))
                near[:, column] = np.clip(np.rint(moved), 0, last)
                continue
            if isinstance(hyperparameter, CategoricalHyperparameter):
                drawn = hyperparameter.sample_vector(len(near), seed=generator)
                changes = generator.uniform(size=len(near)) < max(spread, 0.05)
                near[changes, column] = np.asarray(drawn)[changes]
                continue
            moved = np.clip(near[:, column] + spread * generator.normal(size=len(near)), 0, 1)
            near[:, column] = hyperparameter.to_vector(hyperparameter.to_value(moved))  # integers snap to their grid
        return near


def _step(spread: float, last: int) -> float:
    """How far a rank moves: as far as a number on the same scale, and far enough to reach its neighbour now and then."""
    return max(spread * last, 0.4)
