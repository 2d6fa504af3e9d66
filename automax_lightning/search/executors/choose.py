"""Where the trials of a search run: from its settings to an executor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from automax_lightning.config import AutoMAXConfig
from automax_lightning.errors import ConfigError
from automax_lightning.search.executors.base import Executor, InlineExecutor
from automax_lightning.search.executors.pickling import write_factory
from automax_lightning.search.executors.trial_file import TrialFile, make_trainable
from automax_lightning.trial.records import Objective, Trainable, TrialSpec


def make_executor(config: AutoMAXConfig, trainer: Any, objective: Objective, directory: Path, client: Any = None) -> Executor:
    """The executor that `config` asks for.

    Args:
        config: settings of the search.
        trainer: the factory with its space.
        objective: which logged value is the score.
        directory: of the search.
        client: a `dask.distributed.Client`, or None.

    Raises:
        ConfigError: if a cluster is asked for and none is named, or there are too few GPUs.
        ExecutionError: if the factory cannot be sent to another process.
    """
    place = "dask" if client is not None else config.place
    if place == "inline":

        def make(spec: TrialSpec) -> Trainable:
            return make_trainable(trainer, spec, verbose=config.verbose, trust=config.trust)

        return InlineExecutor(make, objective, config.trial_time_limit)
    root = directory.resolve()
    factory = root / "factory.pkl"
    write_factory(trainer, factory)

    def trial_file(spec: TrialSpec) -> TrialFile:
        return TrialFile(spec, objective, factory, directory, config.trial_time_limit, config.verbose, config.trust)

    if place == "process":
        from automax_lightning.search.executors.processes import ProcessExecutor

        return ProcessExecutor(
            config.n_workers, trial_file, root / "workers", time_limit=config.trial_time_limit,
            gpus_per_trial=config.gpus_per_trial, max_trials_per_worker=config.max_trials_per_worker, retries=config.retries,
        )  # fmt: skip
    if client is None and config.scheduler is None:
        raise ConfigError(
            "AutoMAXConfig.scheduler", "the address of a Dask scheduler, or its scheduler file", "None",
            "Pass scheduler='tcp://host:8786', or AutoMAX(client=Client(...)).",
        )  # fmt: skip
    from automax_lightning.search.executors.dask_cluster import DaskExecutor

    return DaskExecutor(config, trial_file, client)
