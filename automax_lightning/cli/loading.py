"""`load`: what a search delivers, in a process that has neither its data nor its memory."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import lightning as L
import yaml
from lightning.pytorch.cli import LightningArgumentParser

from automax_lightning.cli.dotted_keys import put
from automax_lightning.errors import CheckpointError, ConfigError
from automax_lightning.search.executors.pickling import read_factory
from automax_lightning.search.record import SearchRecord
from automax_lightning.search.storage.ensemble_folder import EnsembleTable, Member, read_table
from automax_lightning.space.autopartial import autopartial
from automax_lightning.space.configurations import configuration
from automax_lightning.trial.records import Trainable
from automax_lightning.tuner.predictor import Predictor, predictor_of
from automax_lightning.utils.arguments import check_arguments, flag, path

Make = Callable[[Mapping[str, Any]], Trainable | L.LightningModule]


def load(directory: str | Path, *, trainer: Any = None, trust: bool = False) -> Predictor:
    """The predictor that a search delivers: its ensemble, or the best model where it has none; the training data are not read.

    The network is made again from the search's ``config.yaml`` where that says its class, as it does after ``tune``; every
    class that its ``model`` section names is then run. A search from Python needs its factory: pass it, or let the pickled
    one be read.

    Args:
        directory: of the search, ``<output_directory>/<name>``; ``ensemble/`` and ``config.yaml`` of it are enough.
        trainer: the factory of the search, as `AutoMAX` was given it; None to do without.
        trust: whether the search's ``factory.pkl`` and objects in its checkpoints may run code of theirs.

    Raises:
        ConfigError: if nothing says how the network is made.
        CheckpointError: if no model is there, or a checkpoint is damaged.
        JournalError: if there is no ensemble, and no search.

    Example:
        >>> # scores = automax_lightning.load("automax_output/mine").predict(x)
    """
    check_arguments("load", {"directory": path(), "trust": flag()}, {"directory": directory, "trust": trust})
    folder = Path(directory)
    table = read_table(folder) or _best_alone(folder)
    return predictor_of(folder, table, _maker(folder, trainer, trust=trust), trust=trust)


def _best_alone(folder: Path) -> EnsembleTable:
    """The best trial as an ensemble of one."""
    record = SearchRecord.of(folder)
    if record.best is None:
        raise CheckpointError(str(folder), "a search with a trial that has a score", "none", "Run it to its end.")
    number, target = record.best.number, record.objective
    member = Member(number, record.configuration_of(number), record.specs[number].seed, record.best.score)
    return EnsembleTable((member,), "best", {}, record.history.search, target.target, target.mode)


def _maker(folder: Path, trainer: Any, *, trust: bool) -> Make:
    """How the network of a configuration is made."""
    if trainer is not None:
        return _from_factory(trainer)
    file, pickled = folder / "config.yaml", folder / "factory.pkl"
    document: Any = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else None
    section = document.get("model") if isinstance(document, Mapping) else None
    if isinstance(section, Mapping) and "class_path" in section:
        return _from_section(section)
    if trust and pickled.exists():
        return _from_factory(read_factory(pickled))
    known = f"; {pickled} holds it as a pickle, which is read with trust=True only" if pickled.exists() else ""
    raise ConfigError(
        "load.trainer", "the factory of the search, which makes its network",
        f"None, and no model.class_path in {file}{known}", f"Pass load({str(folder)!r}, trainer=factory).",
    )  # fmt: skip


def _from_factory(trainer: Any) -> Make:
    def make(values: Mapping[str, Any]) -> Trainable:
        trainable: Trainable = trainer(configuration(trainer.cs, values))
        return trainable

    if isinstance(trainer, autopartial):
        return make
    raise ConfigError(
        "load.trainer", "what AutoMAX was given: an autopartial, such as trainer_factory makes", type(trainer).__name__,
        "Pass trainer=factory.",
    )  # fmt: skip


def _from_section(section: Mapping[str, Any]) -> Make:
    """The module of a configuration file, without its data and its Trainer."""
    parser = LightningArgumentParser(exit_on_error=False)
    parser.add_lightning_class_args(L.LightningModule, "model", subclass_mode=True)

    def make(values: Mapping[str, Any]) -> L.LightningModule:
        config = {"model": copy.deepcopy(dict(section))}
        for key, value in values.items():
            if key.startswith("model."):
                put(config, key, value)
        module: L.LightningModule = parser.instantiate_classes(parser.parse_object(config)).model
        return module

    return make
