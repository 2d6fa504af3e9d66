"""What is known of a search: its settings, its history, its best trial. Reading it changes nothing on disk."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automax_lightning import report
from automax_lightning.config import AutoMAXConfig
from automax_lightning.errors import CheckpointError, ConfigError
from automax_lightning.factory.fit_factory import factory_of
from automax_lightning.search.planning.plan import Plan
from automax_lightning.search.planning.racing import mean_and_spread
from automax_lightning.search.planning.stopping import CurveRule
from automax_lightning.search.planning.successive_halving import Ladder, budgets
from automax_lightning.search.proposer.proposer import Proposer
from automax_lightning.search.storage.history import History
from automax_lightning.search.storage.journal import check_same, read
from automax_lightning.search.storage.state_file import log
from automax_lightning.space.configurations import configuration, defaults_of_arms, moved_into
from automax_lightning.space.description import space_fingerprint
from automax_lightning.trial.checkpoint import BEST, load_checkpoint
from automax_lightning.trial.records import Objective, Trainable, TrialResult
from automax_lightning.tuner.plots import SearchShow

if TYPE_CHECKING:
    import lightning as L
    import pandas as pd
    from ConfigSpace import Configuration, ConfigurationSpace
    from smac.facade.abstract_facade import AbstractFacade


class SearchView(SearchShow):
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
        self.factory = factory_of(trainer)
        self.arm = self.factory.arm
        self.plan = self._make_plan()
        self.history = History() if self.config.overwrite else read(self.directory)
        arms = [] if self.arm is None else defaults_of_arms(space, self.arm)[1:]
        self.portfolio = self._find_portfolio()
        if self.history.settings:
            check_same(self.history.settings, self.settings(), self.directory)
        self.proposer = Proposer(
            space, seed=self.config.SEED, preset=self.config.preset, n_configs=self.config.n_configs,
            initial_configs=[*arms, *self.config.initial_configs], portfolio=self.portfolio, directory=self.directory,
        )  # fmt: skip
        self.finished = len(self.history.final())

    def _find_portfolio(self) -> list[dict[str, Any]]:
        """The configurations that follow the default; those of a search that has begun are its own, whatever is chosen now."""
        if self.config.initial == "default":
            return []
        if self.history.settings:
            return [dict(chosen) for chosen in self.history.settings.get("portfolio", [])]
        known = self.factory.portfolio()
        moved = (moved_into(self.configspace, chosen) for chosen in known.configs)
        found = [chosen for chosen in moved if chosen is not None]
        if self.config.initial == "portfolio":
            if not found:
                raise ConfigError(
                    "AutoMAXConfig.initial", "a portfolio for the trainer's loss and optimizer", "none",
                    "Pass initial='default', or configurations of your own as initial_configs.",
                )  # fmt: skip
            return found
        return found if known.is_default and not self.config.has_own_start else []

    def _make_plan(self) -> Plan:
        config, epochs = self.config, self.config.max_budget
        if epochs is None and (config.min_budget is not None or config.stopping is not None):
            epochs = self._epochs_of_a_fit()
        ladder = rule = None
        if config.min_budget is not None and epochs is not None:
            ladder = Ladder(budgets(config.min_budget, epochs, config.eta), self.objective, config.eta)
        if config.stopping is not None and epochs is not None:
            rule = CurveRule(config.stopping, self.objective, epochs, config.early_stop_epochs)
        return Plan(config.n_trials, self.objective, ladder, config.n_seeds, rule, config.max_budget)

    def _epochs_of_a_fit(self) -> int:
        searched = [name for name in self.configspace if name.replace(":", ".").split(".")[-1] in ("epochs", "max_epochs")]
        epochs = getattr(self.trainer(self.configspace.get_default_configuration()), "epochs", None)
        if searched or not isinstance(epochs, int):
            raise ConfigError(
                "AutoMAXConfig.max_budget", "the epochs of a whole fit, to divide them",
                f"{searched[0]} is searched" if searched else "a trainer that does not tell its epochs",
                "Pass max_budget=50, and fix the epochs.",
            )  # fmt: skip
        return epochs

    @property
    def log(self) -> list[dict[str, Any]]:
        """One dictionary a finished trial, in order: what ``state.pkl`` holds."""
        return log(self.history)

    @property
    def best(self) -> TrialResult | None:
        """The result of the best trial so far, or None."""
        return self.plan.best(self.history)

    @property
    def best_score(self) -> float:
        """The best validation score so far, ``-inf`` before the first; with several seeds, the mean over them."""
        best = self.best
        if best is None or best.score is None:
            return float("-inf")
        return best.score if self.plan.n_seeds == 1 else mean_and_spread(self.history, self.objective, best.number)[0]

    @property
    def incumbent(self) -> Configuration | None:
        """The best trial's configuration, or None before the first score."""
        return None if self.best is None else configuration(self.configspace, self.configuration_of(self.best.number))

    @property
    def smac(self) -> AbstractFacade:
        """A SMAC facade that was told everything that has happened so far."""
        return self.proposer.facade_for(self.plan.observations(self.history))

    @property
    def experiment_name(self) -> str:
        """What the best checkpoint's directory is named after."""
        return self.factory.experiment_name or self.config.name

    @property
    def best_directory(self) -> Path:
        """Where the best trial's checkpoint lies, as ``best.ckpt``."""
        return self.directory / f"{self.experiment_name}_best"

    def configuration_of(self, number: int) -> dict[str, Any]:
        """The plain values of a trial's configuration."""
        return dict(self.history.spec(number).configuration)

    def trials_dataframe(self) -> pd.DataFrame:
        """One row a trial, as a pandas frame: status, scores, times and hyperparameters."""
        return report.trials_dataframe(self.history.asks, self.history.results)

    def trial_table(self) -> str:
        """The table that is printed after the search; with several seeds or losses, a second one that compares them."""
        tables = [report.trial_table(self.history.final(), self.objective)]
        if self.plan.n_seeds > 1:
            tables.append(report.seed_table(self.history, self.objective))
        if self.arm is not None:
            tables.append(report.arm_table(self.history, self.objective, self.arm))
        return "\n".join(tables)

    def summary(self) -> str:
        """The default and the best configuration side by side, and where the best checkpoint lies."""
        return report.summary(self.history, self.best, self.objective, self.best_directory)

    def settings(self) -> dict[str, Any]:
        """What makes this search this search, as the journal compares it."""
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
            "fit": {"factory": type(self.factory).__name__, **self.factory.describe()},
            **({"portfolio": self.portfolio} if self.portfolio else {}),
            **self._stopping(),
        }

    def document(self) -> dict[str, Any]:
        """What ``config.yaml`` holds: the settings; of a search from a configuration file the whole file, to be tuned again."""
        return self.factory.document({**self.config.as_mapping(), "target": self.target})

    def _stopping(self) -> dict[str, Any]:
        """The settings of early stopping, budgets and seeds, where they are not the plain ones."""
        plan = self.plan
        found: dict[str, Any] = {} if self.config.trial_seed is None else {"trial_seed": self.config.trial_seed}
        if plan.ladder is not None:
            found |= {"rungs": list(plan.ladder.rungs), "eta": plan.ladder.eta}
        if plan.rule is not None:
            found |= {"early_stop": plan.rule.kind, "early_stop_epochs": list(plan.rule.at)}
        if plan.epochs is not None:
            found["max_budget"] = plan.epochs
        return found if plan.n_seeds == 1 else {**found, "n_seeds": plan.n_seeds}

    def load_best_model(self, *, trust: bool | None = None) -> L.LightningModule:
        """The best trial's module with its best epoch's weights, in evaluation mode.

        Args:
            trust: whether objects that the module keeps in its checkpoint may run code; None for `AutoMAXConfig.trust`.

        Raises:
            CheckpointError: if no trial has a score, its checkpoint is gone or damaged, or holds objects that are not trusted.
        """
        best, incumbent = self.best, self.incumbent
        path = self.best_directory / BEST
        if best is None or incumbent is None or not path.exists():
            raise CheckpointError(str(path), "the best trial's checkpoint", "none", "Run optimize() first.")
        module: L.LightningModule = self.trainer(incumbent).module  # type: ignore[attr-defined]
        module.configure_model()  # Lightning's place for layers that are made late; it may be called twice
        module.load_state_dict(load_checkpoint(path, trust=self.config.trust if trust is None else trust)["state_dict"])
        return module.eval()
