"""Best validation AUROC after 5, 10, 20 and 40 trials: AutoMAX against what people use today, on tabulated real fits.

    python benchmarks/search_quality.py --table quality --fits 200    # real fits, once: 200 random configurations a task
    python benchmarks/search_quality.py --table quality --seeds 10    # searches on surrogates of these fits

A search of AutoMAX with random proposals makes the table of a task, and its journal is the table. Extremely randomised
trees through its points are then the task's objective, the same for every method. The space is AUCMLoss's with a wider
range of the learning rate, the network and the share of positives. Regret is normalised on each task: 0 is the best
value that is known, 1 the mean of the best tenth of random configurations. Differences are paired by task and seed, with
the standard error over all pairs.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from ConfigSpace import Configuration, ConfigurationSpace
from fidelity import SPACES
from points import plain, suggest
from sklearn.ensemble import ExtraTreesRegressor
from tasks import datamodule

from automax_lightning import AutoMAX, AutoMAXConfig, autopartial, trainer_factory
from automax_lightning.models import MLP
from automax_lightning.search.history import Observation
from automax_lightning.search.proposer import Proposer
from automax_lightning.space import configuration

TASKS = ("digits", "satimage", "page_blocks0", "pc1", "yeast4", "abalone9_18", "email_spam", "hmda_deny")
AFTER = (5, 10, 20, 40)
Score = Callable[[Configuration], float]
Method = Callable[[ConfigurationSpace, Score, int, int], list[float]]


def factory(task: str) -> autopartial:
    """The search space of a task, whose points are real fits of ten epochs."""
    return trainer_factory(MLP, datamodule(task, 0), epochs=10, trainer_kwargs={"accelerator": "cpu"}, **SPACES["wide"])


def table(task: str, root: Path, fits: int, n_workers: int) -> AutoMAX:
    """The search that holds the task's table; it makes what is missing."""
    config = AutoMAXConfig(name=task, n_trials=fits, preset="random", output_directory=root, n_workers=n_workers)
    tuner = AutoMAX(factory(task), config, quiet=True)
    if len(tuner.log) < fits:
        tuner.optimize()
    return tuner


class Objective:
    """A task as a function of the configuration.

    Args:
        tuner: holds the task's table.
    """

    def __init__(self, tuner: AutoMAX) -> None:
        self.space = tuner.configspace
        scored = [entry for entry in tuner.log if entry["val"] is not None]
        points = [configuration(self.space, entry["space"]).get_array() for entry in scored]
        scores = [entry["val"] for entry in scored]
        self.forest = ExtraTreesRegressor(300, min_samples_leaf=2, random_state=0).fit(np.array(points), scores)
        # A space of its own: drawing from the search's would move that one's generator.
        drawn = ConfigurationSpace(seed=1, space={name: self.space[name] for name in self.space}).sample_configuration(5000)
        values = np.sort(self.forest.predict(np.array([config.get_array() for config in drawn])))
        self.best, self.good = float(values[-1]), float(values[-500:].mean())

    def __call__(self, config: Configuration) -> float:
        """The score of a configuration."""
        return float(self.forest.predict(config.get_array()[None])[0])

    def regret(self, score: float) -> float:
        """0 for the best known score, 1 for a good random one."""
        return (self.best - score) / (self.best - self.good)


def ours(preset: str) -> Method:
    """A preset of AutoMAX."""

    def run(space: ConfigurationSpace, score: Score, trials: int, seed: int) -> list[float]:
        proposer, history, found = Proposer(space, seed=seed, preset=preset), [], []
        for _ in range(trials):
            proposal = proposer.propose(history)
            assert proposal is not None
            found.append(score(configuration(space, proposal.values)))
            history.append(Observation(proposal.values, -found[-1]))
        return found

    return run


def smac_facade(space: ConfigurationSpace, score: Score, trials: int, seed: int) -> list[float]:
    """SMAC's facade for hyperparameters as it comes, but for a forest of the same proposals in a sixth of the time."""
    from smac import HyperparameterOptimizationFacade as Facade
    from smac import Scenario
    from smac.model.random_forest import RandomForest
    from smac.runhistory.dataclasses import TrialValue

    found: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        scenario = Scenario(space, deterministic=True, n_trials=trials, seed=seed, output_directory=Path(folder))
        forest = RandomForest(space, n_trees=10, min_samples_split=2, min_samples_leaf=1, max_depth=2**20, log_y=True,
                              ratio_features=1.0, n_jobs=1, max_leaf_nodes=1000, seed=seed)  # fmt: skip
        facade = Facade(scenario, lambda config, seed: 0.0, model=forest, overwrite=True, logging_level=False)
        for _ in range(trials):
            asked = facade.ask()
            found.append(score(asked.config))
            facade.tell(asked, TrialValue(-found[-1]))
    return found


def optuna_sampler(name: str) -> Method:
    """A sampler of Optuna that starts from the default."""

    def run(space: ConfigurationSpace, score: Score, trials: int, seed: int) -> list[float]:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        makers = {"TPE": optuna.samplers.TPESampler, "GP": optuna.samplers.GPSampler}
        sampler = makers[name](seed=seed, **({"n_startup_trials": 3} if name == "GP" else {}))
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.enqueue_trial(plain(dict(space.get_default_configuration()), space))
        study.optimize(lambda trial: score(Configuration(space, values=suggest(trial, space))), n_trials=trials)
        return [trial.value for trial in study.trials]

    return run


METHODS: dict[str, Method] = {
    "AutoMAX": ours("automax"),
    "the original's settings": ours("original"),
    "SMAC's HPO facade": smac_facade,
    "Optuna TPE, default first": optuna_sampler("TPE"),
    "Optuna GP, default first": optuna_sampler("GP"),
    "random, default first": ours("random"),
}


def regrets(objectives: Sequence[Objective], method: Method, seeds: int) -> np.ndarray[Any, Any]:
    """Regret of the best so far, (tasks, seeds, len(AFTER))."""
    rows = []
    for objective in objectives:
        for seed in range(seeds):
            best = np.maximum.accumulate(method(objective.space, objective, max(AFTER), seed))
            rows.append([objective.regret(float(best[after - 1])) for after in AFTER])
    return np.array(rows).reshape(len(objectives), seeds, len(AFTER))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True, help="directory of the searches that hold the real fits")
    parser.add_argument("--tasks", nargs="+", default=list(TASKS))
    parser.add_argument("--fits", type=int, default=200)
    parser.add_argument("--workers", type=int, default=1, help="worker processes while the table is made")
    parser.add_argument("--seeds", type=int, default=0, help="0 makes the table and stops")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    tables = [table(task, arguments.table, arguments.fits, arguments.workers) for task in arguments.tasks]
    if arguments.seeds == 0:
        return
    objectives = [Objective(made) for made in tables]
    print("| method | " + " | ".join(f"n={after}" for after in AFTER) + " | AutoMAX better by, n=10, 20, 40 |")
    print("|---" * (len(AFTER) + 2) + "|")
    first = None
    for name, method in METHODS.items():
        found = regrets(objectives, method, arguments.seeds)
        first = found if first is None else first
        gap = (found - first).reshape(-1, len(AFTER))
        errors = gap.std(0, ddof=1) / np.sqrt(len(gap))
        gaps = ", ".join(f"{gap[:, i].mean():+.3f} ± {errors[i]:.3f}" for i in range(1, len(AFTER)))
        means = " | ".join(f"{value:.3f}" for value in found.mean((0, 1)))
        print(f"| {name} | {means} | {'' if found is first else gaps} |", flush=True)


if __name__ == "__main__":
    main()
