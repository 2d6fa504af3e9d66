"""The user's own callbacks and Trainer settings inside a trial: copies of them, in the trial's own directory."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import ModelCheckpoint

from automax_lightning.trial.checkpoint import TrialFiles
from automax_lightning.trial.records import Objective

QUIET: Mapping[str, Any] = {
    "devices": 1,
    "logger": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "num_sanity_val_steps": 0,
}
"""Trainer settings of a quiet trial, on one device; each of them can be overridden by `trainer_kwargs`."""


def trial_callbacks(callbacks: Sequence[L.Callback], objective: Objective, directory: Path | None) -> list[L.Callback]:
    """Copies of the user's callbacks for one trial.

    A `ModelCheckpoint` writes below the trial's directory, whatever its ``dirpath``, so that trials do not meet. One
    that would keep only what the trial keeps anyway, the best epoch of the target and the last, is left out: no
    checkpoint is written twice.

    Args:
        callbacks: the user's.
        objective: of the search.
        directory: of the trial; None if there is none yet.
    """
    copies = [copy.deepcopy(callback) for callback in callbacks if not _is_covered(callback, objective)]
    for callback in copies:
        if isinstance(callback, ModelCheckpoint) and directory is not None:
            callback.dirpath = str(TrialFiles(directory.absolute()).user_checkpoints)
    return copies


def _is_covered(callback: L.Callback, objective: Objective) -> bool:
    if type(callback) is not ModelCheckpoint or callback.save_top_k not in (0, 1):
        return False
    plain = ModelCheckpoint(monitor=callback.monitor, mode=callback.mode)
    saves_once_an_epoch = callback.state_key == plain.state_key  # it names monitor, mode and every interval
    is_target = callback.monitor in objective.keys and callback.mode == objective.mode
    return saves_once_an_epoch and (callback.monitor is None or is_target)


def trial_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Copies of the user's Trainer settings for one trial, without those that the trial decides.

    Args:
        settings: arguments of `lightning.Trainer`; strategies, plugins and profilers hold state and are copied.
    """
    decided = ("logger", "default_root_dir")
    return {name: copy.deepcopy(value) for name, value in settings.items() if name not in decided}


DEFAULT_EPOCHS = 50
"""Epochs of a fit that says nothing of its end."""


def ends_without_epochs(settings: Mapping[str, Any]) -> bool:
    """Whether a fit with these Trainer settings ends by its steps or its time.

    Args:
        settings: arguments of `lightning.Trainer`.
    """
    return settings.get("max_steps") not in (None, -1) or settings.get("max_time") is not None


def epochs_of(settings: Mapping[str, Any], epochs: int | None = None) -> int:
    """The epochs of a fit; -1 for one that its steps or its time alone end.

    Args:
        settings: arguments of `lightning.Trainer`; their ``max_epochs`` comes first.
        epochs: what holds where they do not say.

    Example:
        >>> epochs_of({}), epochs_of({"max_epochs": 3}), epochs_of({"max_steps": 100}), epochs_of({"max_steps": 100}, 5)
        (50, 3, -1, 5)
    """
    chosen = settings.get("max_epochs")
    chosen = epochs if chosen is None else chosen
    if chosen is None:
        return -1 if ends_without_epochs(settings) else DEFAULT_EPOCHS
    return int(chosen)


def as_list(callbacks: L.Callback | Sequence[L.Callback] | None) -> list[L.Callback]:
    """The callbacks of a Trainer as a list, in whichever way they were given."""
    if callbacks is None:
        return []
    return [callbacks] if isinstance(callbacks, L.Callback) else list(callbacks)


def has_test(module: L.LightningModule, datamodule: L.LightningDataModule | None) -> bool:
    """Whether there is a test split, and the module knows what to do with it."""
    has = getattr(datamodule, "has_test", None)
    if has is not None:
        return bool(has)
    source, base = (datamodule, L.LightningDataModule) if datamodule is not None else (module, L.LightningModule)
    overridden = type(source).test_dataloader is not base.test_dataloader
    return overridden and type(module).test_step is not L.LightningModule.test_step
