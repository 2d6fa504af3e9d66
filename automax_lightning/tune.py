"""`tune` for any LightningCLI configuration: a search over typed, dotted keys of the user's own YAML."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning as L
import yaml
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI

from automax_lightning.auc import pairs
from automax_lightning.auc.callbacks import AUROC
from automax_lightning.auc.data import AUCDataModule
from automax_lightning.auc.metrics import METRICS
from automax_lightning.automax import AutoMAX
from automax_lightning.config import AutoMAXConfig
from automax_lightning.errors import ConfigError, closest
from automax_lightning.fit import Fit
from automax_lightning.space import autopartial, parse_hyperparameters_from_dict
from automax_lightning.trial import Objective

_OWN_SECTIONS = ("search", "automax")


class FitCLI(LightningCLI):
    """Lightning's own CLI, for ``fit``, ``validate``, ``test`` and ``predict``."""

    def _parse_ckpt_path(self) -> None:
        """Leave the model to the YAML.

        Lightning replaces it by the hyperparameters in ``--ckpt_path``, and fails where these do not say which class
        they belong to, as those of a checkpoint that was written outside a CLI. There is no public switch.
        """
        if not self.subclass_mode_model:
            super()._parse_ckpt_path()


class TuneCLI(LightningCLI):
    """A LightningCLI that reads the configuration and leaves it to `tune` to make objects from it, once a trial.

    Args:
        model_class: the user's LightningModule; None takes it from ``model.class_path``.
        datamodule_class: the user's LightningDataModule; None takes it from ``data.class_path``.
        args: the command line, or a mapping; None for ``sys.argv``.
        kwargs: any other argument of `LightningCLI`.
    """

    def __init__(self, model_class: Any = None, datamodule_class: Any = None, args: Any = None, **kwargs: Any) -> None:
        kwargs |= {"run": False, "save_config_callback": None, "seed_everything_default": False}
        kwargs["parser_kwargs"] = {"exit_on_error": False, **kwargs.get("parser_kwargs", {})}
        super().__init__(model_class, datamodule_class, args=args, **kwargs)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the two sections that `tune` reads."""
        parser.add_argument("--search", type=dict[str, Any], default={}, help="dotted key -> search spec")
        parser.add_class_arguments(AutoMAXConfig, "automax", help="budget, seed and place of the search")
        parser.add_argument("--automax.target", type=str, default="AUROC", help="the metric to optimise")
        parser.add_argument("--automax.warm_start", type=str | None, default=None, help="directory of an earlier search")
        parser.add_argument("--quiet", type=bool, default=False, help="print nothing but errors")

    def instantiate_classes(self) -> None:
        """Make nothing yet: each trial makes objects of its own."""

    def tuner(self) -> AutoMAX:
        """The search that this configuration describes."""
        settings = self.config.automax.as_dict()
        target, warm_start = settings.pop("target"), settings.pop("warm_start")
        config = AutoMAXConfig.from_mapping(settings)
        recipe = ConfigRecipe(self.parser, self._base(), target, config.mode, config.name)
        specs = self.config.search or default_search(recipe.base)
        for key in specs:
            recipe.check_key(key)
        space = parse_hyperparameters_from_dict(specs)
        recipe.check_values({name: hyperparameter.default_value for name, hyperparameter in space.items()})
        return AutoMAX(autopartial(recipe, **space), config, target, quiet=self.config.quiet, warm_start=warm_start)

    def _base(self) -> dict[str, Any]:
        base: dict[str, Any] = self.config.as_dict()
        return {key: value for key, value in base.items() if key not in (*_OWN_SECTIONS, "config", "quiet")}


@dataclasses.dataclass(frozen=True)
class ConfigRecipe:
    """A parsed configuration; calling it with values for some of its keys makes a fresh `Fit`.

    Args:
        parser: the parser that knows the type of each key.
        base: the configuration without the searched values.
        target: the metric that must be logged.
        mode: ``"max"`` or ``"min"``.
        experiment_name: names the best checkpoint's directory.
    """

    parser: LightningArgumentParser
    base: Mapping[str, Any]
    target: str
    mode: str
    experiment_name: str

    @property
    def settings(self) -> dict[str, Any]:
        """What `AutoMAX` reads of a recipe."""
        return {"experiment_name": self.experiment_name}

    def describe(self) -> dict[str, Any]:
        """What distinguishes this search from another over the same space: the configuration itself."""
        trainer = {key: value for key, value in self.base.get("trainer", {}).items() if value is not None}
        return {"config": yaml.safe_dump({**self.base, "trainer": trainer}, sort_keys=True)}

    def configuration(self, searched: Mapping[str, Any]) -> dict[str, Any]:
        """The whole configuration with the searched values in their places."""
        config = copy.deepcopy(dict(self.base))
        for key, value in searched.items():
            _set(config, key, value)
        return config

    def check_key(self, key: str) -> None:
        """Raise if a searched key cannot be a key of this configuration."""
        known = _flat(self.base)
        parent = key.rpartition(".")[0]
        is_open = parent in known and "." in parent and not parent.endswith(".init_args")
        if key in known or (is_open and (known[parent] is None or isinstance(known[parent], Mapping))):
            return  # the parent is a dictionary of the user's, such as optimizer_kwargs
        raise ConfigError(f"search.{key}", "a key of this configuration", "no such key", closest(key, known))

    def check_values(self, searched: Mapping[str, Any]) -> None:
        """Raise if the parser refuses values of these types in these places."""
        for key, value in searched.items():
            self._check_value(key, value)

    def _check_value(self, key: str, value: Any) -> None:
        try:
            self.parser.parse_object(self.configuration({key: value}))
        except Exception as error:
            raise ConfigError(
                f"search.{key}", "values of the type of this key", f"{value!r}",
                f"The parser says: {said(error)}",
            ) from error  # fmt: skip

    def __call__(self, **searched: Any) -> Fit:
        """A fresh `Fit` of this configuration with the searched values."""
        config = self.parser.parse_object(self.configuration(searched))
        trainer = self.parser.instantiate_classes(_only(config, "trainer")).trainer.as_dict()
        trainer_kwargs = {key: value for key, value in trainer.items() if value is not None}
        if trainer_kwargs.get("devices") == "auto":
            del trainer_kwargs["devices"]  # a trial takes one device unless the user asks for more
        callbacks = trainer_kwargs.pop("callbacks", None) or []
        callbacks = list(callbacks) if isinstance(callbacks, list) else [callbacks]
        if not any(isinstance(callback, AUROC) for callback in callbacks) and self.is_auc:
            callbacks.insert(0, AUROC((self.target,)) if self.target in METRICS else AUROC())
        return Fit(
            lambda: self.parser.instantiate_classes(_only(config, "model")).model,
            lambda seed: _seeded(self.parser.instantiate_classes(_only(config, "data")).get("data"), seed),
            epochs=trainer_kwargs.pop("max_epochs", 50),
            objective=Objective(self.target, self.mode),
            trainer_kwargs=trainer_kwargs,
            callbacks=callbacks,
            experiment_name=self.experiment_name,
        )

    @property
    def is_auc(self) -> bool:
        """Whether the module of this configuration is an `AUCModule`."""
        return str(self.base.get("model", {}).get("class_path", "")).endswith("AUCModule")


def default_search(base: Mapping[str, Any]) -> dict[str, Any]:
    """The default space of the configured loss's pair, at the places of this configuration.

    Args:
        base: a configuration whose ``model`` is an `AUCModule`.

    Returns:
        Dotted key -> spec, for everything that the configuration does not fix.

    Raises:
        ConfigError: if the model is the user's own: what to search in it is then for the user to say.
    """
    model = base.get("model", {})
    if not str(model.get("class_path", "")).endswith("AUCModule"):
        raise ConfigError(
            "search", "what to search, because the model is no AUCModule", "no such section",
            "Add e.g. `search: {model.init_args.lr: {low: 0.0001, high: 0.1, log: true}}`.",
        )  # fmt: skip
    arguments = model["init_args"]
    pair = pairs.get(arguments.get("loss") or "AUCMLoss", loss_kwargs=arguments.get("loss_kwargs"))
    choice = pair.optimizer(arguments.get("optimizer"))
    spaces = {"loss_kwargs": pair.loss_space, "optimizer_kwargs": choice.space}
    return {
        f"model.init_args.{section}.{name}": spec
        for section, space in spaces.items()
        for name, spec in space.items()
        if name not in (arguments.get(section) or {})
    }


def write_best_config(recipe: ConfigRecipe, searched: Mapping[str, Any], path: Path) -> None:
    """Write the configuration with the best values, as a file that ``fit``, ``test`` and ``predict`` take as it is."""
    config = recipe.configuration(searched)
    if recipe.is_auc and not config["trainer"].get("callbacks"):
        metrics = [recipe.target]
        config["trainer"]["callbacks"] = [{"class_path": "automax_lightning.AUROC", "init_args": {"metrics": metrics}}]
    parsed = recipe.parser.parse_object(config)
    for section in (*_OWN_SECTIONS, "quiet", "config"):
        parsed.pop(section, None)
    dumped = recipe.parser.dump(parsed, skip_none=True, skip_validation=True)
    path.write_text(dumped, encoding="utf-8")


def said(error: Exception) -> str:
    """What jsonargparse says in many lines, in one; without the value, which may be the whole file."""
    lines = [line.strip(" -") for line in str(error).splitlines()]
    return "; ".join(line for line in lines if line and not line.startswith(("Given value", "Expected a <class 'NoneType'>")))


def _seeded(data: L.LightningDataModule | None, seed: int) -> L.LightningDataModule | None:
    return data.clone(seed=seed) if isinstance(data, AUCDataModule) else data


def _only(config: Any, section: str) -> Any:
    part = config.clone()
    for key in [key for key in vars(part) if key != section]:
        part.pop(key)
    return part


def _set(config: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        if not isinstance(config.get(parent), dict):
            config[parent] = {}
        config = config[parent]
    config[last] = list(value) if isinstance(value, tuple) else value


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in config.items():
        flat[f"{prefix}{key}"] = value
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
    return flat
