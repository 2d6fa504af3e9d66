"""The next configuration as a pure function of (space, settings, seed, history)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ConfigSpace import Configuration, ConfigurationSpace
from ConfigSpace.hyperparameters import (
    BetaFloatHyperparameter,
    BetaIntegerHyperparameter,
    NormalFloatHyperparameter,
    NormalIntegerHyperparameter,
)

from automax_lightning.errors import ConfigError, closest
from automax_lightning.search.proposer.candidates import Candidates, Seen
from automax_lightning.search.proposer.surrogates import Acquisition, failure_cost, forest, gaussian_process
from automax_lightning.search.storage.history import Key, Observation, configuration_key
from automax_lightning.space.configurations import completed, configuration, values
from automax_lightning.space.copies import with_uniform_priors

if TYPE_CHECKING:
    from smac.facade.abstract_facade import AbstractFacade

_PRIORS = (BetaFloatHyperparameter, BetaIntegerHyperparameter, NormalFloatHyperparameter, NormalIntegerHyperparameter)


@dataclasses.dataclass(frozen=True)
class Proposal:
    """The next configuration.

    Args:
        values: plain Python values by name.
        origin: ``"default"``, ``"warm"``, ``"initial"``, ``"portfolio"``, ``"random"``, ``"forest"`` or ``"gp"``.
    """

    values: Mapping[str, Any]
    origin: str


@dataclasses.dataclass(frozen=True)
class Engine:
    """How to propose after the initial design.

    Args:
        retrain_after: trials between two trainings of the surrogate.
        random_share: share of proposals that are drawn at random.
        process_until: up to this many trials the Gaussian process proposes, then the forest, which stays quick.
    """

    retrain_after: int = 1
    random_share: float = 0.1
    process_until: int = 60


ENGINES = {
    "automax": Engine(),
    "original": Engine(retrain_after=8, random_share=0.2, process_until=0),
    "random": Engine(random_share=1.0),
}
"""Presets; ``"original"`` are the settings that the original AutoMAX documents."""


class Proposer:
    """Proposes configurations with SMAC's surrogates.

    Nothing but converted values is kept from one proposal to the next: the surrogate is trained anew on the whole
    history, and all randomness comes from the seed and the number of proposals so far. So a search that is resumed in
    another process, with another hash seed, or extended, proposes as if it had never stopped.

    Args:
        space: the search space.
        seed: 0 .. 2**32 - 1.
        preset: a name in `ENGINES`.
        n_configs: size of the initial design: the default configuration, then Sobol points.
        initial_configs: configurations to try right after the default, before the Sobol points; what one leaves out takes its
            default.
        portfolio: configurations that are tried after these, unless another search has told something.
        directory: where the facade says its files belong.

    Raises:
        ConfigError: if there is no such preset.
        SpaceError: if an initial configuration is not of the space.

    Example:
        >>> space = ConfigurationSpace({"x": (0.0, 1.0)})
        >>> proposer = Proposer(space, seed=0)
        >>> first = proposer.propose([])
        >>> first.origin, first.values
        ('default', {'x': 0.5})
    """

    def __init__(
        self,
        space: ConfigurationSpace,
        *,
        seed: int,
        preset: str = "automax",
        n_configs: int = 1,
        initial_configs: Sequence[Mapping[str, Any]] = (),
        portfolio: Sequence[Mapping[str, Any]] = (),
        directory: Path | None = None,
    ) -> None:
        if preset not in ENGINES:
            raise ConfigError("AutoMAXConfig.preset", f"one of {sorted(ENGINES)}", repr(preset), closest(preset, ENGINES))
        self.space, self.seed, self.engine, self.directory = space, seed, ENGINES[preset], directory
        self.n_configs = n_configs
        self._given = [completed(space, chosen) for chosen in initial_configs]
        self._portfolio = [configuration(space, chosen) for chosen in portfolio]
        self._candidates = Candidates(space)
        self._points: list[Configuration] | None = None
        self._configs: dict[Key, Configuration] = {}

    def propose(self, history: Sequence[Observation], known: Sequence[Observation] = ()) -> Proposal | None:
        """The next configuration, one that is not in the history; None if a finite space has no other.

        Args:
            history: all proposals so far, in order.
            known: what another search has found out; its best is tried right after the default.
        """
        tried: Seen = {observation.key for observation in history}
        for origin, config in self._initial_design(known):
            if configuration_key(values(config)) not in tried:
                return Proposal(values(config), origin)
        generator = self._generator(len(history))
        is_random = generator.uniform() < self.engine.random_share
        elsewhere = [observation for observation in known if observation.key not in tried]
        everything = [*elsewhere, *history]
        seen = {observation.key for observation in everything}
        if self._candidates.are_exhausted(seen):
            return None
        if is_random or not any(observation.cost is not None for observation in everything):
            return _proposal(self._candidates.random(generator, seen), "random")
        return self._model_based(everything, seen, generator)

    def _model_based(self, history: Sequence[Observation], seen: Seen, generator: np.random.RandomState) -> Proposal | None:
        known = len(history) - (len(history) - 1) % self.engine.retrain_after
        configs, costs = self._training_data(history[:known])
        is_process = len(history) <= self.engine.process_until
        score = self._surrogate(is_process, configs, costs, int(generator.randint(2**31)))
        parents = [configs[i] for i in np.argsort(costs, kind="stable")[:6]]
        for config in self._candidates.best(score, parents, generator):
            if configuration_key(values(config)) not in seen:
                return Proposal(values(config), "gp" if is_process else "forest")
        return _proposal(self._candidates.random(generator, seen), "random")

    def _surrogate(
        self, is_process: bool, configs: Sequence[Configuration], costs: np.ndarray[Any, Any], seed: int
    ) -> Acquisition:
        X = np.array([config.get_array() for config in configs])
        make = gaussian_process if is_process else forest
        return make(self._uniform, X, costs, seed)

    @cached_property
    def _uniform(self) -> ConfigurationSpace:
        """As a surrogate sees the space: where values lie, and not how often they are drawn."""
        return with_uniform_priors(self._candidates.space)

    def _training_data(self, history: Sequence[Observation]) -> tuple[list[Configuration], np.ndarray[Any, np.dtype[np.float64]]]:
        """Failures at a finite cost; trials in flight at the median, so that the next proposal looks elsewhere."""
        known = [observation.cost for observation in history if observation.cost is not None]
        failed, liar = failure_cost(known), float(np.median(known)) if known else 0.0
        costs = [failed if o.failed else liar if o.cost is None else o.cost for o in history]
        configs = [self._configuration(observation) for observation in history]
        return configs, np.array(costs, dtype=np.float64)

    def _configuration(self, observation: Observation) -> Configuration:
        if observation.key not in self._configs:
            self._configs[observation.key] = configuration(self._candidates.space, observation.values)
        return self._configs[observation.key]

    def _generator(self, proposals: int) -> np.random.RandomState:
        return np.random.RandomState(np.random.SeedSequence((self.seed, proposals)).generate_state(4))

    def _initial_design(self, known: Sequence[Observation]) -> list[tuple[str, Configuration]]:
        costs = [(each.cost, index) for index, each in enumerate(known) if each.cost is not None]
        best = [configuration(self.space, known[min(costs)[1]].values)] if costs else []
        if self._points is None:
            missing = self.n_configs - 1 - len(self._given)
            self._points = self._sobol(missing) if missing > 0 else []
        later = [("warm", config) for config in best] + [("initial", config) for config in (*self._given, *self._points)]
        later += [("portfolio", config) for config in self._portfolio if not best]
        return [("default", self.space.get_default_configuration()), *later]

    def _sobol(self, count: int) -> list[Configuration]:
        from smac import Scenario
        from smac.initial_design import SobolInitialDesign

        scenario = Scenario(self._candidates.space, seed=self.seed, n_trials=10 * count)
        design = SobolInitialDesign(scenario, n_configs=count, max_ratio=1.0)
        return list(design.select_configurations())[:count]

    def facade_for(self, history: Sequence[Observation]) -> AbstractFacade:
        """A SMAC facade that was told the whole history, for SMAC's own tools; it never writes and never asks."""
        from automax_lightning.search.proposer.smac_facade import facade

        configs, costs = self._training_data(history) if history else ([], np.array([]))
        done = [not (o.cost is None and not o.failed) for o in history]
        told = [(config, cost) for config, cost, over in zip(configs, costs.tolist(), done, strict=True) if over]
        space = self._candidates.space
        if any(isinstance(space[name], _PRIORS) for name in space.conditional_hyperparameters):  # SMAC takes none
            told = [(Configuration(self._uniform, vector=config.get_array()), cost) for config, cost in told]
            space = self._uniform
        return facade(space, self.seed, told, self.directory)


def _proposal(config: Configuration | None, origin: str) -> Proposal | None:
    return None if config is None else Proposal(values(config), origin)
