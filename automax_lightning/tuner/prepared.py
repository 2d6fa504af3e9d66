"""A module outside of a Trainer, with its checkpoint's weights: its layers are made as the Trainer of its trial made them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import lightning as L

from automax_lightning.errors import CheckpointError
from automax_lightning.trial.checkpoint import load_checkpoint
from automax_lightning.trial.isolation import isolated, quiet_lightning
from automax_lightning.trial.trainer import QUIET, trial_callbacks, trial_settings

_HOOKS = ("setup", "on_fit_start", "on_train_start", "on_train_epoch_start")
"""Where layers are made that `__init__` and ``configure_model`` do not make."""

_OURS = ("lightning.", "pytorch_lightning.", "automax_lightning.")
"""Packages whose own hooks make no layers that a checkpoint could not bring back."""


class _PreparedError(Exception):
    """Everything that comes before the first step has been done."""


class _BeforeTheFirstStep(L.Callback):
    def on_train_batch_start(self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int) -> None:
        raise _PreparedError


def load_module(fit: Any, checkpoint: Path, *, trust: bool = False) -> L.LightningModule:
    """The module of a fit with a checkpoint's weights.

    Without a Trainer where `__init__` and ``configure_model`` make all layers. Otherwise a Trainer runs everything that
    comes before the first training step, callbacks and one validation batch included, and needs the data for that.

    Args:
        fit: a `Fit`, built under the seed of its trial.
        checkpoint: of the trial.
        trust: as of `load_checkpoint`.

    Raises:
        CheckpointError: if the layers are still not those of the checkpoint.
    """
    content = load_checkpoint(checkpoint, trust=trust)
    module: L.LightningModule = fit.module
    if not _needs_a_trainer(fit):
        try:
            module.configure_model()
            return _filled(module, content)
        except RuntimeError:  # other layers, or no Trainer where a hook asks for it
            pass
    try:
        _prepare(fit)
        return _filled(module, content)
    except Exception as error:  # a user's hook may raise anything where training has not run
        said = f"{type(error).__name__}: {error}".replace("\n", " ")[:500]
        raise CheckpointError(
            str(checkpoint), f"the layers of {type(module).__name__}", said,
            "Make them in __init__, setup, configure_model or on_fit_start: training_step is not run here.",
        ) from error  # fmt: skip


def _filled(module: L.LightningModule, content: Mapping[str, Any]) -> L.LightningModule:
    module.on_load_checkpoint(dict(content))
    module.load_state_dict(content["state_dict"])
    return module.eval()


def _needs_a_trainer(fit: Any) -> bool:
    owners = [fit.module, *fit.build().callbacks]
    return any(_is_users(getattr(type(owner), hook, None)) for owner in owners for hook in _HOOKS)


def _is_users(hook: Callable[..., Any] | None) -> bool:
    return hook is not None and not hook.__module__.startswith(_OURS)


def _prepare(fit: Any) -> None:
    built = fit.build()
    settings = {**QUIET, **trial_settings(built.trainer_kwargs), "num_sanity_val_steps": 1, "max_epochs": fit.epochs}
    settings |= {"devices": 1, "num_nodes": 1, "logger": False, "enable_checkpointing": False}
    callbacks = [*trial_callbacks(built.callbacks, fit.objective, None), _BeforeTheFirstStep()]
    with isolated(), quiet_lightning(fit.verbose):
        trainer = fit.trainer_class(callbacks=callbacks, **settings)
        with contextlib.suppress(_PreparedError):
            trainer.fit(built.module, datamodule=built.datamodule)
