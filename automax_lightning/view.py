"""What is known of a search: its settings, its history, its best trial. Reading it changes nothing on disk."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from automax_lightning import report
from automax_lightning.config import AutoMAXConfig
from automax_lightning.errors import CheckpointError, ConfigError
from automax_lightning.search import session as sessions
from automax_lightning.search.executors import Trainable
from automax_lightning.search.journal import History, check_same, read
from automax_lightning.search.proposer import Proposer
from automax_lightning.space import configuration, space_fingerprint
from automax_lightning.trial import Objective, TrialResult

if TYPE_CHECKING:
    import lightning as L
    import pandas as pd
    from ConfigSpace import Configuration, ConfigurationSpace
    from smac.facade.abstract_facade import AbstractFacade


class SearchView:
    """The reading side of `AutoMAX`, which see for the arguments."""

    def __init__(self, trainer: Callable[[Configuration], Trainable], config: AutoMAXConfig | None, target: str) -> None:
        space = getattr(trainer, "cs", None)
        if space is None:
            raise ConfigError(
                "AutoMAX.trainer", "an autopartial, whose .cs is the search space", type(trainer).__name__,
                "Make it with trainer_factory(...) or autopartial(...).",
            )  # fmt: skip
        self.trainer = trainer
        self.configspace: ConfigurationSpace = space
        self.config = config or AutoMAXConfig()
        self.target = target
        self.objective = Objective(target, self.config.mode)
        self.directory = self.config.directory
        self.proposer = Proposer(
            space, seed=self.config.SEED, preset=self.config.preset, n_configs=self.config.n_configs,
            initial_configs=self.config.initial_configs, directory=self.directory,
        )  # fmt: skip
        self.history = History() if self.config.overwrite else read(self.directory)
        if self.history.settings:
            check_same(self.history.settings, self.settings(), self.directory)
        self.finished = len(self.history.final())

    @property
    def log(self) -> list[dict[str, Any]]:
        """One dictionary a finished trial, in order: what ``state.pkl`` holds."""
        return sessions.log(self.history)

    @property
    def best(self) -> TrialResult | None:
        """The result of the best trial so far, or None."""
        return sessions.best_result(self.history.final(), self.objective)

    @property
    def best_score(self) -> float:
        """The best validation score so far, ``-inf`` before the first."""
        return float("-inf") if self.best is None or self.best.score is None else self.best.score

    @property
    def incumbent(self) -> Configuration | None:
        """The best trial's configuration, or None before the first score."""
        return None if self.best is None else configuration(self.configspace, self.configuration_of(self.best.number))

    @property
    def smac(self) -> AbstractFacade:
        """A SMAC facade that was told everything that has happened so far."""
        return self.proposer.facade_for(sessions.observations(self.history, self.objective))

    @property
    def experiment_name(self) -> str:
        """What the best checkpoint's directory is named after."""
        settings = getattr(getattr(self.trainer, "autofunc", None), "settings", {})
        return str(settings.get("experiment_name", self.config.name))

    @property
    def best_directory(self) -> Path:
        """Where the best trial's checkpoint lies, as ``best.ckpt``."""
        return self.directory / f"{self.experiment_name}_best"

    def configuration_of(self, number: int) -> dict[str, Any]:
        """The plain values of a trial's configuration."""
        return dict(next(spec.configuration for spec in self.history.asks if spec.number == number))

    def trials_dataframe(self) -> pd.DataFrame:
        """One row a trial, as a pandas frame: status, scores, times and hyperparameters."""
        return report.trials_dataframe(self.history.asks, self.history.results)

    def trial_table(self) -> str:
        """The table that is printed after the search."""
        return report.trial_table(self.history.final(), self.objective)

    def summary(self) -> str:
        """The default and the best configuration side by side, and where the best checkpoint lies."""
        return report.summary(self.history, self.best, self.objective, self.best_directory)

    def settings(self) -> dict[str, Any]:
        """What makes this search this search, as the journal compares it."""
        describe = getattr(getattr(self.trainer, "autofunc", None), "describe", None)
        return {
            "version": version("automax-lightning"),
            "n_trials": self.config.n_trials,
            "space": space_fingerprint(self.configspace),
            "target": self.target,
            "mode": self.config.mode,
            "seed": self.config.SEED,
            "deterministic": self.config.deterministic,
            "preset": self.config.preset,
            "n_configs": self.config.n_configs,
            "initial_configs": [dict(chosen) for chosen in self.config.initial_configs],
            "fit": {} if describe is None else describe(),
        }

    def load_best_model(self) -> L.LightningModule:
        """The best trial's module with its best epoch's weights, in evaluation mode.

        Raises:
            CheckpointError: if no trial has a score, or its checkpoint is gone.
        """
        best, incumbent = self.best, self.incumbent
        path = self.best_directory / "best.ckpt"
        if best is None or incumbent is None or not path.exists():
            raise CheckpointError(str(path), "the best trial's checkpoint", "none", "Run optimize() first.")
        module: L.LightningModule = self.trainer(incumbent).module  # type: ignore[attr-defined]
        # Our own file; a user's module may keep any object in its checkpoint.
        module.load_state_dict(torch.load(path, map_location="cpu", weights_only=False)["state_dict"])
        return module.eval()
