"""A recipe as frozen records, one per section, checked when they are created."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from automax_lightning.config import AutoMAXConfig
from automax_lightning.errors import ConfigError
from automax_lightning.recipes.metric_lists import Metrics

_SPLITS = ("val", "test")


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
        check_mapping("dataset.kwargs", self.kwargs)
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
        loss: name of a LibAUC loss; for several labels its multi-label counterpart is taken.
        optimizer: name of an optimizer of that loss; None for the loss's own.
        loss_kwargs: arguments of the loss, merged over the pair's default space.
        optimizer_kwargs: arguments of the optimizer, merged over the pair's default space.
        epochs: epochs of a whole fit, at least 1.
        batch_size: training samples per batch, at least 2.
        eval_batch_size: evaluation samples per batch, at least 1.
        sampling_rate: share of positives in a training batch, in (0, 1); None for plain shuffling.
        decay_epochs: epochs (int, from 0) or fractions of `epochs` (float) at which the learning rate is decayed.
        decay_factor: what the learning rate is divided by at each of them, above 0.
        num_workers: worker processes per loader, at least 0; None for 0, or 2 where images are read from files.
        SEED: seed of the trials, 0 .. 2**32 - 1.
        output_path: parent of the search's directory, unless the automax section names one.
        resume_from_checkpoint: read by the original's single runs; a search is resumed anyway.
        save_checkpoint_every: a checkpoint is kept after every epoch anyway.
        project_name: project of Weights & Biases; None for no tracking.
        experiment_name: name of the best checkpoint's directory, without slashes.
        verbose: 0 prints nothing, 1 one line per trial, 2 Lightning's own bars as well.
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
        check_mapping("training.loss_kwargs", self.loss_kwargs)
        check_mapping("training.optimizer_kwargs", self.optimizer_kwargs)
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


def check_mapping(where: str, value: Any) -> None:
    """Raise a `ConfigError` unless a setting has keys with values."""
    if not isinstance(value, Mapping):
        raise ConfigError(where, "keys with values", repr(value), f"Write {where.split('.')[-1]}: {{key: value}}.")
