"""From a LightningCLI configuration to a trial, and back to a file that trains the very same thing."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

import lightning as L

from automax_lightning.auc.callback import AUROC
from automax_lightning.auc.data.datamodule import AUCDataModule
from automax_lightning.auc.metrics import METRICS
from automax_lightning.auc.module import AUCModule
from automax_lightning.auc.pairs import registry as pairs
from automax_lightning.auc.pairs.portfolios import portfolio
from automax_lightning.cli.dotted_keys import put
from automax_lightning.factory.fit_factory import FitFactory
from automax_lightning.trial.fit import Fit
from automax_lightning.trial.isolation import isolated
from automax_lightning.trial.records import Objective
from automax_lightning.trial.seeding import RandomState, seed_all
from automax_lightning.utils.imports import import_path
from automax_lightning.utils.portfolio import Portfolio

_EPOCHS = 50
"""Epochs of a trial where ``trainer.max_epochs`` does not say."""


@dataclasses.dataclass(frozen=True)
class Made:
    """What a configuration describes, as objects: fresh ones for each trial."""

    module: L.LightningModule
    datamodule: L.LightningDataModule | None
    trainer: Mapping[str, Any]


class Maker(Protocol):
    """Makes objects from configurations: `AutoMAXCLI` is one."""

    def check(self, config: Mapping[str, Any]) -> None:
        """Raise what the parser says against a configuration."""

    def complete(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration with every default, as plain YAML values."""

    def make(self, config: Mapping[str, Any]) -> Made:
        """Fresh objects, as LightningCLI would make them, in its order."""


@dataclasses.dataclass(frozen=True)
class ConfigRecipe(FitFactory):
    """A parsed configuration; calling it with values for some of its keys makes a fresh `Fit`.

    Args:
        maker: makes the objects.
        base: the configuration without the searched values, as plain YAML values.
        objective: which logged value is the score.
        experiment_name: names the best checkpoint's directory.
        module_class: the user's LightningModule; None if ``model.class_path`` says it.
        datamodule_class: the same for the data.
        trainer_class: makes the Trainer.
        search: the ``search`` section as the user wrote it.
    """

    maker: Maker
    base: Mapping[str, Any]
    objective: Objective
    experiment_name: str
    module_class: Any = None
    datamodule_class: Any = None
    trainer_class: Any = L.Trainer
    search: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """What distinguishes this search from another over the same space: the configuration, without the loggers."""
        trainer = {key: value for key, value in self.base.get("trainer", {}).items() if value is not None and key != "logger"}
        return {"config": copy.deepcopy({**self.base, "trainer": trainer})}

    def document(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The whole file with which ``tune`` goes on with this search.

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

    @staticmethod
    def _is(section: str, fixed: Any, config: Mapping[str, Any], base: type) -> bool:
        part = config.get(section)
        path = part.get("class_path") if isinstance(part, Mapping) and fixed is None else None
        made = import_path(path) if path else fixed
        return isinstance(made, type) and issubclass(made, base)

    def callbacks(self, config: Mapping[str, Any]) -> list[Any]:
        """The callbacks of a configuration as a list, the `AUROC` callback among them where the module needs it."""
        given = config.get("trainer", {}).get("callbacks") or []
        callbacks = list(given) if isinstance(given, list) else [given]
        classes = [import_path(each["class_path"]) for each in callbacks if isinstance(each, Mapping)]
        if self.is_auc(config) and AUROC not in classes:
            metrics = [self.objective.target] if self.objective.target in METRICS else ["AUROC"]
            callbacks.insert(0, {"class_path": "automax_lightning.AUROC", "init_args": {"metrics": metrics}})
        return callbacks

    def __call__(self, **searched: Any) -> ConfiguredFit:
        """A fresh `Fit` of this configuration with the searched values."""
        return ConfiguredFit(self, searched)


class ConfiguredFit(Fit):
    """A `Fit` whose objects LightningCLI makes, under the trial's seed and in its own order.

    Args:
        recipe: what is fixed over the trials.
        searched: dotted key -> value.
    """

    def __init__(self, recipe: ConfigRecipe, searched: Mapping[str, Any]) -> None:
        trainer = recipe.configuration(searched).get("trainer", {})
        super().__init__(
            self._unmade, epochs=trainer.get("max_epochs") or _EPOCHS, objective=recipe.objective,
            experiment_name=recipe.experiment_name, trainer_class=recipe.trainer_class,
        )  # fmt: skip
        self.recipe, self.searched = recipe, searched

    @staticmethod
    def _unmade() -> L.LightningModule:
        raise NotImplementedError

    @property
    def trainer(self) -> L.Trainer:
        """As of any `Fit`; its settings are objects that must be made first."""
        self._build(0)
        return super().trainer

    def _build(self, seed: int) -> None:
        if self._module is not None:
            return
        config = self.recipe.configuration(self.searched, seed)
        config["trainer"] = {**config.get("trainer", {}), "callbacks": self.recipe.callbacks(config)}
        with isolated():
            seed_all(self.searched.get("seed_everything", seed))
            made = self.recipe.maker.make(config)
            self._after_making = RandomState()
        self._module, self._datamodule = made.module, made.datamodule
        self.callbacks = tuple(made.trainer.get("callbacks") or ())
        left_out = ("callbacks", "max_epochs", "enable_checkpointing")  # a trial keeps its checkpoints
        self.trainer_kwargs = {key: value for key, value in made.trainer.items() if value is not None and key not in left_out}
        if self.trainer_kwargs.get("devices") == "auto":
            del self.trainer_kwargs["devices"]  # a trial takes one device unless the user asks for more

    def _seed(self, seed: int) -> None:
        """LightningCLI seeds once, before it makes anything; what `setup` draws comes right after."""
        self._after_making.restore()


def _seed_batches(data: dict[str, Any], seed: int) -> None:
    arguments = data.get("init_args", data)
    if "seed" in arguments:
        if "split_seed" in arguments and arguments["split_seed"] is None:
            arguments["split_seed"] = arguments["seed"]
        arguments["seed"] = seed


def best_config(recipe: ConfigRecipe, searched: Mapping[str, Any], seed: int, key: str, epochs: int) -> dict[str, Any]:
    """The configuration with which ``fit`` trains what a trial has trained, to the very bit.

    Args:
        recipe: of the search.
        searched: the trial's values.
        seed: the trial's seed.
        key: the logged key of the target, which the checkpoint callback watches.
        epochs: of a whole fit.

    Returns:
        Plain YAML values.
    """
    config = recipe.configuration(searched, seed)
    trainer = config.setdefault("trainer", {})
    callbacks = recipe.callbacks(config)
    callbacks.append({"class_path": "automax_lightning.ReproducibleEpochs", "init_args": {"seed": seed}})
    if not any("ModelCheckpoint" in str(each.get("class_path")) for each in callbacks):
        best = {"monitor": key, "mode": recipe.objective.mode, "save_top_k": 1, "filename": "best"}
        callbacks.append({"class_path": "lightning.pytorch.callbacks.ModelCheckpoint", "init_args": best})
    trainer |= {"callbacks": callbacks, "max_epochs": epochs}
    if trainer.get("devices", "auto") == "auto":
        trainer["devices"] = 1
    if trainer.get("num_sanity_val_steps") is None:
        trainer["num_sanity_val_steps"] = 0
    config["seed_everything"] = searched.get("seed_everything", seed)
    return config
