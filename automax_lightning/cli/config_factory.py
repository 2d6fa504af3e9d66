"""From a LightningCLI configuration to a trial, and back to a file that trains the very same thing."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import lightning as L
import yaml
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI

from automax_lightning.auc.callback import AUROC
from automax_lightning.auc.data.datamodule import AUCDataModule
from automax_lightning.auc.data.fingerprint import files_in, folders_in
from automax_lightning.auc.metrics import METRICS
from automax_lightning.auc.module import AUCModule
from automax_lightning.auc.pairs import registry as pairs
from automax_lightning.auc.pairs.portfolios import portfolio
from automax_lightning.cli.dotted_keys import put
from automax_lightning.cli.scheduler_section import give_to_module
from automax_lightning.config import AutoMAXConfig
from automax_lightning.errors import AutoMAXError, ConfigError
from automax_lightning.factory.fit_factory import FitFactory
from automax_lightning.trial.fit import Built, Fit
from automax_lightning.trial.records import Objective, Split, Trainable, TrialSpec
from automax_lightning.trial.seeding import RandomState, seed_all
from automax_lightning.trial.trainer import epochs_of
from automax_lightning.utils.imports import import_path
from automax_lightning.utils.portfolio import Portfolio
from automax_lightning.utils.row_counts import RowCounts

_SPLIT = {"resplit_seed", "fold", "n_folds"}
"""Arguments of a datamodule that say which rows validate, so that a file can hold a trial's split."""
_OWN_KEYS = ("search", "automax", "quiet", "config")
"""Keys that belong to the search or to the command line, and not to a trial."""

_TRIALS_OWN = ("callbacks", "max_epochs", "enable_checkpointing")
"""Trainer settings that a `Fit` has by itself; a trial keeps its checkpoints."""


class _MakesLater:
    """In front of a `LightningCLI` class: parse the sections of a search too, and make nothing until `is_making`.

    Lightning's constructor makes all objects as soon as it has parsed, and has no switch against it.
    """

    is_making = False

    def add_default_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        super().add_default_arguments_to_parser(parser)  # type: ignore[misc]
        parser.add_argument("--search", type=dict[str, Any], default={}, help="dotted key -> search spec")
        parser.add_class_arguments(AutoMAXConfig, "automax", help="budget, seed and place of the search")
        parser.add_argument("--automax.target", type=str, default="AUROC", help="the metric to optimise")
        parser.add_argument("--automax.warm_start", type=str | None, default=None, help="directory of an earlier search")
        parser.add_argument("--quiet", type=bool, nargs="?", const=True, default=False, help="print nothing but errors")

    def before_instantiate_classes(self) -> None:
        if self.is_making:
            super().before_instantiate_classes()  # type: ignore[misc]

    def instantiate_classes(self) -> None:
        if self.is_making:
            super().instantiate_classes()  # type: ignore[misc]

    def after_instantiate_classes(self) -> None:
        if self.is_making:
            super().after_instantiate_classes()  # type: ignore[misc]


class Parser:
    """Parses, completes and makes what a configuration describes, through a LightningCLI of its own.

    That is an object of the user's own class, so that its hooks, links and defaults hold in every trial. As with
    ``run=False``, hooks find `subcommand` None and the keys in `config` itself.

    Args:
        cli: the user's, whose constructor has only begun; what it has set on itself by then is copied.
        model_class: the user's LightningModule; None if ``model.class_path`` says it.
        datamodule_class: the same for the data.
        line: the command line after ``tune``.
        settings: any other argument of `LightningCLI`.

    Attributes:
        config: the parsed command line, with the sections of the search.
        model_class: as given.
        datamodule_class: as given.
        trainer_class: makes the Trainer.
    """

    def __init__(
        self, cli: LightningCLI, model_class: Any, datamodule_class: Any, line: Sequence[str], settings: Mapping[str, Any]
    ) -> None:
        later: Any = type(type(cli).__name__, (_MakesLater, type(cli)), {})
        self._cli: LightningCLI = later.__new__(later)
        vars(self._cli).update(vars(cli))
        # The user's own constructor has run already, as far as it goes.
        LightningCLI.__init__(
            self._cli, model_class, datamodule_class, args=list(line), run=False, **_without_subcommands(cli, settings)
        )
        self.config = self._cli.config
        self.model_class, self.datamodule_class = model_class, datamodule_class
        self.trainer_class = self._cli.trainer_class
        trial: Any = self._cli
        trial.is_making, trial.trainer_class = True, dict  # a trial makes its own Trainer from the settings

    def check(self, config: Mapping[str, Any]) -> None:
        """Raise what the parser says against a configuration."""
        self._cli.parser.parse_object(dict(config))

    def complete(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration with every default, as plain YAML values."""
        return self.plain(self._cli.parser.parse_object(dict(config)))

    def plain(self, parsed: Any) -> dict[str, Any]:
        """A parsed configuration as plain YAML values, without the sections of the search."""
        values: dict[str, Any] = yaml.safe_load(self._dump(_of_a_trial(parsed), skip_none=False))
        return {key: value for key, value in values.items() if value is not None}

    def text(self, config: Mapping[str, Any]) -> str:
        """The configuration as YAML, as ``fit`` reads it."""
        return self._dump(self._parse(config), skip_none=True)

    def make(self, config: Mapping[str, Any]) -> Built:
        """Fresh objects of a configuration, through the same hooks and in the same order as in ``fit``."""
        trial: Any = self._cli
        trial.config = self._parse(config)
        # Lightning caches the configuration that it writes into checkpoints, and has no way to renew it.
        vars(trial).pop("config_dump", None)
        trial.before_instantiate_classes()
        try:
            trial.instantiate_classes()
        except ValueError as error:
            own = _own_error(error)
            if own is None:
                raise
            raise own from None
        trial.after_instantiate_classes()
        trainer = trial.trainer
        settings = {key: value for key, value in trainer.items() if value is not None and key not in _TRIALS_OWN}
        if settings.get("devices") == "auto":
            del settings["devices"]  # a trial takes one device unless the user asks for more
        return Built(trial.model, trial.datamodule, settings, tuple(trainer.get("callbacks") or ()), RandomState())

    def _parse(self, config: Mapping[str, Any]) -> Any:
        return _of_a_trial(self._cli.parser.parse_object(dict(config)))

    def _dump(self, parsed: Any, *, skip_none: bool) -> str:
        text: str = self._cli.parser.dump(parsed, skip_none=skip_none, skip_validation=True)
        return text


def _own_error(error: Exception) -> AutoMAXError | None:
    """What a constructor of this package has raised, which jsonargparse wraps into many lines; None for all other errors."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, AutoMAXError):
        cause = cause.__cause__
    return cause


def _of_a_trial(parsed: Any) -> Any:
    """A parsed configuration without the sections of the search."""
    config = parsed.clone()
    for key in _OWN_KEYS:
        config.pop(key, None)
    return config


def _without_subcommands(cli: LightningCLI, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of `LightningCLI` for one parser, which reads what ``fit`` reads, raises, and saves nothing."""
    given = settings.get("parser_kwargs") or {}
    shared = {key: value for key, value in given.items() if key not in cli.subcommands()}
    parser_kwargs = {**shared, **given.get("fit", {}), "exit_on_error": False}
    return {**settings, "parser_kwargs": parser_kwargs, "save_config_callback": None, "seed_everything_default": False}


@dataclasses.dataclass(frozen=True)
class ConfigFactory(FitFactory):
    """A parsed configuration; calling it with values for some of its keys makes a fresh `Fit`.

    Args:
        parser: makes the objects.
        base: the configuration without the searched values, as plain YAML values.
        objective: which logged value is the score.
        experiment_name: names the best checkpoint's directory.
        module_class: the user's LightningModule; None if ``model.class_path`` says it.
        datamodule_class: the same for the data.
        trainer_class: makes the Trainer.
        search: the ``search`` section as the user wrote it.
    """

    parser: Parser
    base: Mapping[str, Any]
    objective: Objective
    experiment_name: str
    module_class: Any = None
    datamodule_class: Any = None
    trainer_class: Any = L.Trainer
    search: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """The configuration without the loggers, and the files that its data section names."""
        trainer = {key: value for key, value in self.base.get("trainer", {}).items() if value is not None and key != "logger"}
        files = files_in(self.base.get("data"), "data")
        folders = folders_in(self.base.get("data"), "data")
        config = copy.deepcopy({**self.base, "trainer": trainer})
        return {"config": config, "files": files, **({"folders": folders} if folders else {})}

    def document(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The whole file with which ``tune`` resumes this search.

        Args:
            settings: the ``automax`` section.
        """
        search = {"search": dict(self.search)} if self.search else {}
        return {**copy.deepcopy(dict(self.base)), **search, "automax": {**settings, "overwrite": False}}

    def configuration(self, searched: Mapping[str, Any], seed: int | None = None) -> dict[str, Any]:
        """The whole configuration with the searched values in their places.

        Args:
            searched: dotted key -> value.
            seed: of the trial: an `AUCDataModule` then draws its batches from it, and keeps its splits.
        """
        config = copy.deepcopy(dict(self.base))
        for key, value in searched.items():
            put(config, key, value)
        if seed is not None and self._is("data", self.datamodule_class, config, AUCDataModule):
            _seed_batches(config["data"], seed)
        return config

    def is_auc(self, config: Mapping[str, Any] | None = None) -> bool:
        """Whether the module is an `AUCModule`, so that the `AUROC` callback belongs to it."""
        return self._is("model", self.module_class, self.base if config is None else config, AUCModule)

    def portfolio(self) -> Portfolio:
        """The portfolio of an `AUCModule`'s pair, with the file's keys."""
        if not self.is_auc():
            return Portfolio()
        section = self.base["model"]
        prefix, arguments = ("model.init_args.", section["init_args"]) if "init_args" in section else ("model.", section)
        pair = pairs.get(arguments.get("loss") or "AUCMLoss", loss_kwargs=arguments.get("loss_kwargs"))
        return portfolio(pair.name, pair.optimizer(arguments.get("optimizer")).name).renamed(prefix, ".")

    def row_counts(self, trainable: Trainable) -> RowCounts | None:
        """As in `FitFactory`; a datamodule without the arguments of a split is left as it is, and is not made for this."""
        data = self.base.get("data", {})
        is_ours = self._is("data", self.datamodule_class, self.base, AUCDataModule)
        return super().row_counts(trainable) if is_ours and data.get("init_args", data).keys() >= _SPLIT else None

    @staticmethod
    def _is(section: str, fixed: Any, config: Mapping[str, Any], base: type) -> bool:
        part = config.get(section)
        path = part.get("class_path") if isinstance(part, Mapping) and fixed is None else None
        chosen = import_path(path) if path else fixed
        return isinstance(chosen, type) and issubclass(chosen, base)

    def callbacks(self, config: Mapping[str, Any]) -> list[Any]:
        """The callbacks of a configuration as a list, the `AUROC` callback among them where the module needs it."""
        given = config.get("trainer", {}).get("callbacks") or []
        callbacks = list(given) if isinstance(given, list) else [given]
        classes = [import_path(each["class_path"]) for each in callbacks if isinstance(each, Mapping)]
        if self.is_auc(config) and AUROC not in classes:
            metrics = [self.objective.target] if self.objective.target in METRICS else ["AUROC"]
            callbacks.insert(0, {"class_path": "automax_lightning.AUROC", "init_args": {"metrics": metrics}})
        return callbacks

    def __call__(self, *args: Any, **searched: Any) -> Fit:
        """A fresh `Fit` of this configuration with the searched values."""
        trainer = self.configuration(searched).get("trainer", {})
        return Fit(
            build=lambda seed: self.build(searched, seed), epochs=epochs_of(trainer),
            objective=self.objective, experiment_name=self.experiment_name, trainer_class=self.trainer_class,
        )  # fmt: skip

    def build(self, searched: Mapping[str, Any], seed: int) -> Built:
        """The objects of a trial, as ``fit`` would make them: LightningCLI seeds once, before it makes anything.

        Args:
            searched: dotted key -> value.
            seed: seed of the trial, 0 .. 2**32 - 1.
        """
        config = self.configuration(searched, seed)
        config["trainer"] = {**config.get("trainer", {}), "callbacks": self.callbacks(config)}
        seed_all(searched.get("seed_everything", seed))
        return self.parser.make(config)


def _seed_batches(data: dict[str, Any], seed: int) -> None:
    arguments = data.get("init_args", data)
    if "seed" in arguments:
        if "split_seed" in arguments and arguments["split_seed"] is None:
            arguments["split_seed"] = arguments["seed"]
        arguments["seed"] = seed


def _divide(data: dict[str, Any], split: Split) -> None:
    """Put a trial's split into the data section.

    Raises:
        ConfigError: if the datamodule has no arguments for it.
    """
    arguments = data.get("init_args", data)
    if not arguments.keys() >= _SPLIT:
        raise ConfigError(
            "data", "a datamodule with the arguments resplit_seed, fold and n_folds, as TabularDataModule has them",
            f"only {sorted(arguments)}", "Add them, or use resampling: holdout.",
        )  # fmt: skip
    arguments |= {"resplit_seed": split.seed, "fold": split.fold, "n_folds": split.n_folds}


def best_config(factory: ConfigFactory, spec: TrialSpec, key: str, epochs: int) -> dict[str, Any]:
    """The configuration with which ``fit`` trains what a trial has trained, to the very bit.

    Args:
        factory: of the search.
        spec: the trial.
        key: the logged key of the target, which the checkpoint callback watches.
        epochs: of a whole fit.

    Returns:
        Plain YAML values.

    Raises:
        ConfigError: if the trial has a split of its own, and the datamodule no arguments for it.
    """
    searched, seed = spec.configuration, spec.seed
    config = factory.configuration(searched, seed)
    if spec.split is not None:
        _divide(config.get("data", {}), spec.split)
    trainer = config.setdefault("trainer", {})
    callbacks = factory.callbacks(config)
    callbacks.append({"class_path": "automax_lightning.ReproducibleEpochs", "init_args": {"seed": seed}})
    if not any("ModelCheckpoint" in str(each.get("class_path")) for each in callbacks):
        best = {"monitor": key, "mode": factory.objective.mode, "save_top_k": 1, "filename": "best"}
        callbacks.append({"class_path": "lightning.pytorch.callbacks.ModelCheckpoint", "init_args": best})
    trainer |= {"callbacks": callbacks, "max_epochs": epochs}
    if trainer.get("devices", "auto") == "auto":
        trainer["devices"] = 1
    if trainer.get("num_sanity_val_steps") is None:
        trainer["num_sanity_val_steps"] = 0
    config["seed_everything"] = searched.get("seed_everything", seed)
    give_to_module(config, factory.module_class)  # a plain LightningCLI would not read the section
    return config
