"""A recipe as frozen records, one a section, checked when they are made; reading one imports nothing heavy."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automax_lightning.config import AutoMAXConfig
from automax_lightning.errors import ConfigError, closest
from automax_lightning.recipes.metrics import Metrics, metrics_of

_SECTIONS = ("dataset", "model", "metrics", "metric_kwargs", "training", "automax", "trainer")
_SPLITS = ("val", "test")
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


@dataclasses.dataclass(frozen=True)
class DatasetSection:
    """Which data.

    Args:
        name: a data set's name, or the path of a file or folder.
        kwargs: arguments of its loader.
        eval_splits: ``["val"]``, or ``["val", "test"]`` to score the test split of each trial as well.
    """

    name: str
    kwargs: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    eval_splits: tuple[str, ...] = ("val",)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ConfigError("dataset.name", "the name of a data set, or a path", repr(self.name), "Write name: digits.")
        _check_mapping("dataset.kwargs", self.kwargs)
        if "val" not in self.eval_splits or not set(self.eval_splits) <= set(_SPLITS):
            raise ConfigError(
                "dataset.eval_splits", "[val] or [val, test]: the search selects on the first and never on the second",
                str(list(self.eval_splits)), "Write eval_splits: [val, test].",
            )  # fmt: skip

    @property
    def has_test(self) -> bool:
        """Whether the test split is scored."""
        return "test" in self.eval_splits


@dataclasses.dataclass(frozen=True)
class ModelSection:
    """Which network.

    Args:
        name: a network's name, a transformers repository, or the folder of one.
        pretrained: start from the weights in `pretrained_path`, except for the head.
        pretrained_path: file of weights.
        pretrained_remote: start from the ImageNet weights of the named network.
        num_classes: columns of the output; None takes the number of labels in the data.
        in_channels: channels of the images, 1 or 3; None for what the data have.
        kwargs: all other keys of the section, arguments of the network.
    """

    name: str = "resnet18"
    pretrained: bool = False
    pretrained_path: str | None = None
    pretrained_remote: bool = False
    num_classes: int | None = None
    in_channels: int | None = None
    kwargs: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ConfigError("model.name", "the name of a network", repr(self.name), "Write name: resnet20.")
        if self.pretrained and not self.pretrained_path:
            raise ConfigError("model.pretrained_path", "a file of weights, because pretrained is true", "none",
                              "Write pretrained_path: weights.pt, or pretrained: false.")  # fmt: skip
        if self.in_channels not in (None, 1, 3):
            raise ConfigError("model.in_channels", "1 (grey) or 3 (RGB)", repr(self.in_channels), "Leave it out.")


@dataclasses.dataclass(frozen=True)
class TrainingSection:
    """How each trial trains; every number may be a search spec as well.

    Args:
        loss: as in `trainer_factory`, as are the following.
        optimizer: None for the loss's own.
        loss_kwargs: merged over the pair's default space.
        optimizer_kwargs: merged over the pair's default space.
        epochs: as in `trainer_factory`, as are the following.
        batch_size: as there.
        eval_batch_size: as there.
        sampling_rate: as there.
        decay_epochs: as there.
        decay_factor: as there.
        num_workers: of each loader; None for 0, or 2 where images are read from files.
        SEED: seed of the trials.
        output_path: where the search is kept unless the automax section says it.
        resume_from_checkpoint: read by the original's single runs; a search goes on anyway.
        save_checkpoint_every: a checkpoint is kept after every epoch anyway.
        project_name: of Weights & Biases.
        experiment_name: names the best checkpoint's directory.
        verbose: 0 prints nothing, 1 a line a trial, 2 Lightning's own bars as well.
    """

    loss: str = "AUCMLoss"
    optimizer: str | None = None
    loss_kwargs: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    optimizer_kwargs: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    epochs: Any = 50
    batch_size: Any = 128
    eval_batch_size: int = 128
    sampling_rate: Any = 0.5
    decay_epochs: Any = ()
    decay_factor: Any = 10.0
    num_workers: int | None = None
    SEED: int = 42
    output_path: str | None = None
    resume_from_checkpoint: bool | None = None
    save_checkpoint_every: int | None = None
    project_name: str | None = None
    experiment_name: str = "run_auto"
    verbose: int = 1

    def __post_init__(self) -> None:
        _check_mapping("training.loss_kwargs", self.loss_kwargs)
        _check_mapping("training.optimizer_kwargs", self.optimizer_kwargs)
        for name, low in (("epochs", 1), ("batch_size", 2), ("eval_batch_size", 1), ("num_workers", 0), ("SEED", 0)):
            value = getattr(self, name)
            if isinstance(value, (str, bool, float)) or (isinstance(value, int) and value < low):
                raise ConfigError(f"training.{name}", f"an integer of at least {low}", repr(value), f"Write {name}: {low + 1}.")
        for name in ("loss", "experiment_name"):
            if not isinstance(getattr(self, name), str) or set(getattr(self, name)) & set("/\\"):
                raise ConfigError(f"training.{name}", "a name without slashes", repr(getattr(self, name)), "Change it.")
        if self.verbose not in (0, 1, 2):
            raise ConfigError("training.verbose", "0, 1 or 2", repr(self.verbose), "Write verbose: 1.")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A whole recipe.

    Args:
        dataset: which data.
        model: which network.
        metrics: what is computed; its first is the target.
        training: how each trial trains.
        config: the search.
        trainer: arguments of `lightning.Trainer`, a section of ours.
        given: the sections as they were read, with the flags merged in.
    """

    dataset: DatasetSection
    model: ModelSection
    metrics: Metrics
    training: TrainingSection
    config: AutoMAXConfig
    trainer: Mapping[str, Any]
    given: Mapping[str, Any]


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
    """The search's settings: `output_path` is the name in the original's examples for `output_directory`."""
    settings = dict(section)
    other = settings.pop("output_path", training.output_path)
    defaults = {"name": training.experiment_name, "SEED": 42, "verbose": training.verbose > 1, "trial_seed": training.SEED}
    if other is not None:
        defaults["output_directory"] = other
    return AutoMAXConfig.from_mapping({**defaults, **settings})


def _model(section: Mapping[str, Any]) -> ModelSection:
    own = {field.name for field in dataclasses.fields(ModelSection)} - {"kwargs"}
    rest = {name: value for name, value in section.items() if name not in own}
    return ModelSection(**{name: value for name, value in section.items() if name in own}, kwargs=rest)


def _record(kind: Any, where: str, values: Mapping[str, Any]) -> Any:
    known = [field.name for field in dataclasses.fields(kind)]
    _check_keys(f"{where}.", values, known)
    if kind is DatasetSection and "name" not in values:
        raise ConfigError("dataset.name", "the name of a data set, or a path", "nothing", "Write dataset: {name: digits}.")
    return kind(**values)


def _section(name: str, value: Any) -> dict[str, Any]:
    _check_mapping(name, {} if value is None else value)
    return dict(value or {})


def _tuples(section: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A list as a tuple; a search spec stays what it is."""
    value = section.get(name)
    return {name: tuple(value)} if isinstance(value, (list, tuple)) else {}


def _check_mapping(where: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise ConfigError(where, "keys with values", repr(value), f"Write {where.split('.')[-1]}: {{key: value}}.")


def _check_keys(where: str, values: Mapping[str, Any], known: Any) -> None:
    for name in values:
        if name not in known:
            raise ConfigError(f"{where}{name}", "a key that a recipe has", "no such key", closest(str(name), known))
