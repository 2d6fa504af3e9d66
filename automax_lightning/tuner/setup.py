"""`SearchSetup`: everything that is fixed over a search, put together once from the arguments of `AutoMAX`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ConfigSpace import Configuration, ConfigurationSpace
from lightning.pytorch.utilities.seed import isolate_rng

from automax_lightning.config import AutoMAXConfig
from automax_lightning.errors import ConfigError
from automax_lightning.factory.fit_factory import FitFactory, factory_of
from automax_lightning.search.members import EnsembleRule
from automax_lightning.search.planning.plan import Plan
from automax_lightning.search.planning.resampling import Resampling
from automax_lightning.search.planning.stopping import CurveRule
from automax_lightning.search.planning.successive_halving import Ladder, budgets
from automax_lightning.search.proposer.proposer import Proposer
from automax_lightning.space.configurations import configuration, defaults_of_arms, moved_into, values
from automax_lightning.space.description import describe_space, space_texts
from automax_lightning.trial.fit import Fit
from automax_lightning.trial.records import Objective, Split, Trainable, TrialSpec


@runtime_checkable
class Trainer(Protocol):
    """What `AutoMAX` tunes: an `autopartial`, or any other function of a `Configuration` that brings its space."""

    cs: ConfigurationSpace

    def __call__(self, configuration: Any, /) -> Trainable:
        """The fit of a configuration."""


@runtime_checkable
class _HasEpochs(Protocol):
    epochs: int


@dataclasses.dataclass(frozen=True, eq=False)
class SearchSetup:
    """Everything that is fixed over a search.

    Args:
        trainer: makes the fit of a configuration.
        factory: what the trainer's innermost function says of itself.
        config: budget, seed and place of the search.
        objective: which logged value is the score.
        planned: what comes next, where the datamodule's own validation split decides.
        portfolio: configurations that are tried right after the default.
        has_space_as_text: whether the journal describes the space as releases until 0.1.0 did.
        recorded: the settings in the journal; empty for a new search.
    """

    trainer: Trainer
    factory: FitFactory
    config: AutoMAXConfig
    objective: Objective
    planned: Plan
    portfolio: tuple[Mapping[str, Any], ...]
    has_space_as_text: bool = False
    recorded: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, trainer: Any, config: AutoMAXConfig, target: str, recorded: Mapping[str, Any]) -> SearchSetup:
        """The setup of a search.

        Args:
            trainer: a `Trainer`.
            config: of the search.
            target: metric name or logged key.
            recorded: the settings in the journal; empty for a new search. A search that has begun keeps its portfolio.

        Raises:
            ConfigError: if the trainer has no space, or `config` asks for what it has not.
        """
        if not isinstance(trainer, Trainer) or not isinstance(trainer.cs, ConfigurationSpace):
            raise ConfigError(
                "AutoMAX.trainer", "an autopartial, whose .cs is the search space", type(trainer).__name__,
                "Make it with trainer_factory(...) or autopartial(...).",
            )  # fmt: skip
        factory, objective, space = factory_of(trainer), Objective(target, config.mode_for(target)), trainer.cs
        portfolio = _portfolio(factory, space, config, recorded)
        as_text = any(isinstance(entry, str) for entry in recorded.get("space", {}).values())
        planned = _plan(trainer, config, objective)
        return cls(trainer, factory, config, objective, planned, tuple(portfolio), as_text, recorded)

    @property
    def space(self) -> ConfigurationSpace:
        """The search space."""
        return self.trainer.cs

    @cached_property
    def plan(self) -> Plan:
        """What comes next; for a new search the data are read for it, unless the configuration says which rows validate."""
        resampling = self._resampling()
        fits, configurations = _budget(self.config, resampling)
        return dataclasses.replace(self.planned, n_trials=fits, resampling=resampling, n_configurations=configurations)

    def _resampling(self) -> Resampling:
        config = self.config
        if config.resampling != "auto":
            return Resampling(config.resampling, config.n_folds, config.SEED)
        if self.recorded:
            return Resampling(Resampling.recorded(self.recorded).kind, config.n_folds, config.SEED)
        if not config.may_use_folds:
            return Resampling(seed=config.SEED)
        with isolate_rng():
            counts = self.factory.row_counts(self.make(values(self.space.get_default_configuration())))
        return Resampling.suited(counts, config.n_folds, config.SEED)

    @cached_property
    def proposer(self) -> Proposer:
        """Proposes configurations; the default of each arm, the user's and the portfolio come first."""
        config, arm = self.config, self.factory.arm
        arms = [] if arm is None else defaults_of_arms(self.space, arm)[1:]
        return Proposer(
            self.space, seed=config.SEED, preset=config.preset, n_configs=config.n_configs,
            initial_configs=[*arms, *config.initial_configs], portfolio=self.portfolio, directory=self.directory,
        )  # fmt: skip

    @cached_property
    def directory(self) -> Path:
        """The search's directory, absolute from the start: a trial may change the working directory."""
        return self.config.directory.absolute()

    @property
    def experiment_name(self) -> str:
        """What the best checkpoint's directory is named after."""
        return self.factory.experiment_name or self.config.name

    @property
    def best_directory(self) -> Path:
        """Where the best trial's checkpoint lies."""
        return self.directory / f"{self.experiment_name}_best"

    @property
    def ensemble(self) -> EnsembleRule:
        """How the models that the search delivers together are chosen."""
        return EnsembleRule(self.config.ensemble_size, self.config.ensemble_selection)

    def make(self, chosen: Mapping[str, Any], split: Split | None = None) -> Trainable:
        """A fresh fit of these values.

        Args:
            chosen: name -> value of a configuration.
            split: of its trial.
        """
        made = self.trainer(self.configuration(chosen))
        if isinstance(made, Fit):
            made.trust, made.split = made.trust or self.config.trust, split
        return made

    def make_trial(self, spec: TrialSpec) -> Trainable:
        """A fresh fit of a trial, on its own split."""
        return self.make(spec.configuration, spec.split)

    def configuration(self, chosen: Mapping[str, Any]) -> Configuration:
        """The configuration with these values."""
        return configuration(self.space, chosen)

    def check(self, *, inline: bool) -> list[str]:
        """Raise what can be known to be wrong with the default configuration, or with that of each arm.

        Args:
            inline: whether trials run in this process.

        Returns:
            What is to be said of the data, one sentence each.
        """
        arm = self.factory.arm
        defaults = [values(self.space.get_default_configuration())] if arm is None else defaults_of_arms(self.space, arm)
        fits = [self.make(chosen, self.plan.resampling.split(1, 0)) for chosen in defaults]
        for fit in fits:
            self.factory.check(fit, self.objective, inline=inline)
        return self.factory.summary(fits[0])

    # What is written ------------------------------------------------------------------------------------------------

    @property
    def as_mapping(self) -> dict[str, Any]:
        """The settings of the search, as plain values."""
        return {**self.config.as_mapping(), "target": self.objective.target, "mode": self.objective.mode}

    @property
    def document(self) -> dict[str, Any]:
        """The content of ``config.yaml``; of a search from a configuration file the whole file, to be tuned again."""
        return self.factory.document(self.as_mapping)

    @cached_property
    def journal_settings(self) -> dict[str, Any]:
        """What makes this search this search, as the journal compares it; the data are read once for it."""
        config = self.config
        return {
            "version": version("automax-lightning"),
            "n_trials": config.n_trials,
            **({} if config.n_fits is None else {"n_fits": config.n_fits}),
            "space": space_texts(self.space) if self.has_space_as_text else describe_space(self.space),
            "target": self.objective.target,
            "mode": self.objective.mode,
            "seed": config.SEED,
            "deterministic": config.deterministic,
            "preset": config.preset,
            "n_configs": config.n_configs,
            "initial_configs": [dict(chosen) for chosen in config.initial_configs],
            "fit": {"factory": type(self.factory).__name__, **self.factory.describe()},
            **({"portfolio": [dict(chosen) for chosen in self.portfolio]} if self.portfolio else {}),
            **_unusual(config, self.plan),
        }


def _unusual(config: AutoMAXConfig, plan: Plan) -> dict[str, Any]:
    """The settings of early stopping, budgets and seeds, where they are not the defaults."""
    unusual: dict[str, Any] = {} if config.trial_seed is None else {"trial_seed": config.trial_seed}
    unusual |= plan.resampling.settings
    if plan.ladder is not None:
        unusual |= {"rungs": list(plan.ladder.rungs), "eta": plan.ladder.eta}
    if plan.rule is not None:
        unusual |= {"early_stop": plan.rule.kind, "early_stop_epochs": list(plan.rule.at)}
    if plan.epochs is not None:
        unusual["max_budget"] = plan.epochs
    return unusual if plan.n_seeds == 1 else {**unusual, "n_seeds": plan.n_seeds}


def _portfolio(
    factory: FitFactory, space: ConfigurationSpace, config: AutoMAXConfig, recorded: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The configurations that follow the default; those of a search that has begun are its own, whatever is chosen now."""
    if config.initial == "default":
        return []
    if recorded:
        return [dict(chosen) for chosen in recorded.get("portfolio", [])]
    portfolio = factory.portfolio()
    moved = (moved_into(space, chosen) for chosen in portfolio.configs)
    usable = [chosen for chosen in moved if chosen is not None]
    if config.initial != "portfolio":
        return usable if portfolio.is_default and not config.has_own_start else []
    if not usable:
        raise ConfigError(
            "AutoMAXConfig.initial", "a portfolio for the trainer's loss and optimizer", "none",
            "Pass initial='default', or configurations of your own as initial_configs.",
        )  # fmt: skip
    return usable


def _plan(trainer: Trainer, config: AutoMAXConfig, objective: Objective) -> Plan:
    epochs = config.max_budget
    if epochs is None and (config.min_budget is not None or config.stopping is not None):
        epochs = _epochs_of_a_fit(trainer)
    ladder = rule = None
    if config.min_budget is not None and epochs is not None:
        ladder = Ladder(budgets(config.min_budget, epochs, config.eta), objective, config.eta)
    if config.stopping is not None and epochs is not None:
        rule = CurveRule(config.stopping, objective, epochs, config.early_stop_epochs)
    fits, _ = _budget(config, Resampling())
    return Plan(fits, objective, ladder, config.n_seeds, rule, config.max_budget)


def _budget(config: AutoMAXConfig, resampling: Resampling) -> tuple[int, int | None]:
    """Most fits, and most configurations where they are fewer."""
    given = [limit for limit in (config.n_trials, config.n_fits) if limit is not None]
    if not resampling.has_folds:
        return min(given), None
    return config.n_fits or max(given) * resampling.n_folds, config.n_trials


def _epochs_of_a_fit(trainer: Trainer) -> int:
    searched = [name for name in trainer.cs if name.replace(":", ".").split(".")[-1] in ("epochs", "max_epochs")]
    fit = trainer(trainer.cs.get_default_configuration())
    if searched or not isinstance(fit, _HasEpochs) or not isinstance(fit.epochs, int) or fit.epochs < 1:
        raise ConfigError(
            "AutoMAXConfig.max_budget", "the epochs of a whole fit, to divide them",
            f"{searched[0]} is searched" if searched else f"a {type(fit).__name__} that does not tell its epochs",
            "Pass max_budget=50, and fix the epochs.",
        )  # fmt: skip
    return fit.epochs
