"""From a YAML file and the flags of a command line to the records of a recipe; nothing heavy is imported for it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automax_lightning.config import AutoMAXConfig
from automax_lightning.errors import ConfigError, closest
from automax_lightning.recipes.metric_lists import metrics_of
from automax_lightning.recipes.sections import DatasetSection, ModelSection, Recipe, TrainingSection, check_mapping
from automax_lightning.utils.imports import require

_SECTIONS = ("dataset", "model", "metrics", "metric_kwargs", "training", "automax", "trainer")
FLAGS: Mapping[str, type] = {
    "epochs": int,
    "batch_size": int,
    "eval_batch_size": int,
    "sampling_rate": float,
    "num_workers": int,
    "output_path": str,
    "seed": int,
    "save_checkpoint_every": int,
}
"""Flags of the command line that override a key of the training section (`seed` overrides SEED)."""


def read(path: str | os.PathLike[str], flags: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe in a YAML file, with the flags of a command line over it.

    Args:
        path: the file.
        flags: name in `FLAGS`, or ``resume`` -> value; None means not given.

    Raises:
        ConfigError: if the file cannot be read, or a setting in it is wrong.
    """
    return from_mapping(_load(Path(path)), flags or {})


def from_mapping(sections: Mapping[str, Any], flags: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe with these sections, as `read` finds them in a file.

    Example:
        >>> recipe = from_mapping({"dataset": {"name": "digits"}}, {"epochs": 3})
        >>> recipe.training.epochs, recipe.training.batch_size, recipe.config.n_trials
        (3, 128, 5)
    """
    _check_keys("", sections, _SECTIONS)
    flags = {name: value for name, value in (flags or {}).items() if value is not None}
    _check_keys("flag ", flags, (*FLAGS, "resume"))
    given = {name: _section(name, sections.get(name)) for name in ("dataset", "model", "training", "automax", "trainer")}
    resume = flags.pop("resume", None)
    given["training"] |= {"SEED" if name == "seed" else name: value for name, value in flags.items()}
    if resume is not None:
        given["automax"]["overwrite"] = not resume
    training = _record(TrainingSection, "training", {**given["training"], **_tuples(given["training"], "decay_epochs")})
    return Recipe(
        dataset=_record(DatasetSection, "dataset", {**given["dataset"], **_tuples(given["dataset"], "eval_splits")}),
        model=_model(given["model"]),
        metrics=metrics_of(sections.get("metrics"), sections.get("metric_kwargs")),
        training=training,
        config=_config(given["automax"], training),
        trainer=given["trainer"],
        given={**{name: sections[name] for name in ("metrics", "metric_kwargs") if name in sections}, **given},
    )


def _load(path: Path) -> Any:
    require("omegaconf", extra="recipes", where=str(path))
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    if not path.is_file():
        raise ConfigError(str(path), "a recipe, a YAML file", "no such file", "Check the path.")
    try:  # its YAML reads 1e-3 as a number, which PyYAML's does not, and it resolves ${training.SEED}
        sections = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    except (YAMLError, OmegaConfBaseException, OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), "YAML", " ".join(str(error).split()), "Repair the file.") from error
    if not isinstance(sections, Mapping):
        raise ConfigError(str(path), f"the sections {list(_SECTIONS[:3])}, ...", type(sections).__name__, "Add dataset: ...")
    return sections


def _config(section: Mapping[str, Any], training: TrainingSection) -> AutoMAXConfig:
    """The search's settings: `output_path` is the name in the original's examples for `output_directory`.

    A recipe's trials are the original's, which validate on one split.
    """
    settings = dict(section)
    other = settings.pop("output_path", training.output_path)
    defaults = {
        "name": training.experiment_name, "SEED": 42, "verbose": training.verbose > 1, "trial_seed": training.SEED,
        "resampling": "holdout",
    }  # fmt: skip
    if other is not None:
        defaults["output_directory"] = other
    return AutoMAXConfig.from_mapping({**defaults, **settings})


def _model(section: Mapping[str, Any]) -> ModelSection:
    """The network's own arguments stand beside the section's keys; ``num_tasks`` is what graph recipes call num_classes."""
    section = {"num_classes" if name == "num_tasks" else name: value for name, value in section.items()}
    own = {field.name for field in dataclasses.fields(ModelSection)} - {"kwargs"}
    rest = {name: value for name, value in section.items() if name not in own}
    return ModelSection(**{name: value for name, value in section.items() if name in own}, kwargs=rest)


def _record(kind: Any, where: str, values: Mapping[str, Any]) -> Any:
    legal = [field.name for field in dataclasses.fields(kind)]
    _check_keys(f"{where}.", values, legal)
    if kind is DatasetSection and "name" not in values:
        raise ConfigError("dataset.name", "the name of a data set, or a path", "nothing", "Write dataset: {name: digits}.")
    return kind(**values)


def _section(name: str, value: Any) -> dict[str, Any]:
    check_mapping(name, {} if value is None else value)
    return dict(value or {})


def _tuples(section: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A list as a tuple; a search spec stays what it is."""
    value = section.get(name)
    return {name: tuple(value)} if isinstance(value, (list, tuple)) else {}


def _check_keys(where: str, values: Mapping[str, Any], legal: Any) -> None:
    for name in values:
        if name not in legal:
            raise ConfigError(f"{where}{name}", "a key that a recipe has", "no such key", closest(str(name), legal))
