"""Many searches side by side, each of whose trials is a real fit: all searches' next trials train as one stack.

A search is a generator: it yields configurations, and is sent the validation score of each, or None for a failure.
"""

from __future__ import annotations

import copy
import dataclasses
import tempfile
from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ConfigSpace import Configuration, ConfigurationSpace
from points import plain, suggest
from stacked import Setting, fit
from tasks import datamodule

from automax_lightning import trainer_factory
from automax_lightning.models import MLP
from automax_lightning.search.proposer.proposer import Proposer
from automax_lightning.search.storage.history import Observation
from automax_lightning.space.configurations import values

Values = Mapping[str, Any]
Search = Generator[Values, float | None, None]
Method = Callable[[ConfigurationSpace, int], Search]


def space_of(task: str, loss: str, **more: Any) -> ConfigurationSpace:
    """The pair's default space, and what `trainer_factory` is given besides."""
    return trainer_factory(MLP, datamodule(task, 0), loss=loss, **more).cs


class Objective:
    """A task as a function of configurations; each is trained once.

    Args:
        task: a name in `tasks.TASKS`.
        loss: a name in `stacked.LOSSES`.
        setting: what all fits share; a configuration may bring its own ``sampling_rate``.
    """

    def __init__(self, task: str, loss: str, setting: Setting) -> None:
        self.task, self.loss, self.setting = task, loss, setting
        self.known: dict[Hashable, tuple[float, float]] = {}

    def __call__(self, configs: Sequence[Values]) -> list[tuple[float, float]]:
        """Validation and test AUROC of each; NaN where the fit failed."""
        missing: dict[float, dict[Hashable, Values]] = {}
        for config in configs:
            if _key(config) not in self.known:
                missing.setdefault(config.get("sampling_rate", self.setting.sampling_rate), {})[_key(config)] = config
        for rate, group in missing.items():
            setting = dataclasses.replace(self.setting, sampling_rate=rate)
            found = fit(self.task, self.loss, list(group.values()), setting, chunk=128)
            self.known |= zip(group, zip(found.val.tolist(), found.test.tolist(), strict=True), strict=True)
        return [self.known[_key(config)] for config in configs]


def _key(config: Values) -> Hashable:
    return tuple(sorted(config.items()))


def run(objective: Objective, searches: Mapping[Hashable, Search], trials: int) -> dict[Hashable, np.ndarray[Any, Any]]:
    """Validation and test AUROC of every trial of every search, (trials, 2) each."""
    asked = {key: next(search) for key, search in searches.items()}
    found: dict[Hashable, list[tuple[float, float]]] = {key: [] for key in searches}
    for trial in range(trials):
        for key, scores in zip(list(asked), objective(list(asked.values())), strict=True):
            found[key].append(scores)
            if trial + 1 < trials:
                asked[key] = searches[key].send(None if np.isnan(scores[0]) else scores[0])
    return {key: np.array(scores) for key, scores in found.items()}


# Methods ----------------------------------------------------------------------------------------------------------------


def automax(preset: str, initial: Sequence[Values] = ()) -> Method:
    """A preset of AutoMAX, which tries the default and then `initial`."""

    def search(space: ConfigurationSpace, seed: int) -> Search:
        proposer, history = Proposer(space, seed=seed, preset=preset, initial_configs=initial), []
        while True:
            proposal = proposer.propose(history)
            assert proposal is not None
            score = yield proposal.values
            history.append(Observation(proposal.values, None if score is None else -score, failed=score is None))

    return search


def smac_facade(space: ConfigurationSpace, seed: int) -> Search:
    """SMAC's facade for hyperparameters as it comes, but for a forest of the same proposals in a sixth of the time."""
    from smac import HyperparameterOptimizationFacade as Facade
    from smac import Scenario
    from smac.model.random_forest import RandomForest
    from smac.runhistory.dataclasses import TrialValue

    with tempfile.TemporaryDirectory() as folder:
        space = copy.deepcopy(space)
        scenario = Scenario(space, deterministic=True, n_trials=40, seed=seed, output_directory=Path(folder))
        forest = RandomForest(space, n_trees=10, min_samples_split=2, min_samples_leaf=1, max_depth=2**20, log_y=True,
                              ratio_features=1.0, n_jobs=1, max_leaf_nodes=1000, seed=seed)  # fmt: skip
        facade = Facade(scenario, lambda config, seed: 0.0, model=forest, overwrite=True, logging_level=False)
        while True:
            asked = facade.ask()
            score = yield values(asked.config)
            facade.tell(asked, TrialValue(0.0 if score is None else -score))


def optuna_sampler(name: str) -> Method:
    """A sampler of Optuna that starts from the default; its GP draws 3 points at random first, which serves it best."""

    def search(space: ConfigurationSpace, seed: int) -> Search:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        makers = {"TPE": optuna.samplers.TPESampler, "GP": optuna.samplers.GPSampler}
        sampler = makers[name](seed=seed, **({"n_startup_trials": 3} if name == "GP" else {}))
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.enqueue_trial(plain(values(space.get_default_configuration()), space))
        while True:
            trial = study.ask()
            score = yield values(Configuration(space, values=suggest(trial, space)))
            study.tell(trial, score, state=optuna.trial.TrialState.FAIL if score is None else None)

    return search
