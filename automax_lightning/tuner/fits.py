"""A `Fit` without a search around it: score its checkpoint, or train it on everything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch import Tensor

from automax_lightning.auc.keep import KeepScores
from automax_lightning.trial.checkpoint import check_trust
from automax_lightning.trial.fit import Fit
from automax_lightning.trial.isolation import isolated, quiet_lightning
from automax_lightning.trial.seeding import ReproducibleEpochs
from automax_lightning.trial.trainer import QUIET, has_test, trial_settings

Datamodule = L.LightningDataModule | None


def split_scores(fit: Fit, checkpoint: Path | None, *, trust: bool = False) -> dict[str, tuple[Tensor, Tensor]]:
    """The scores of a trial's checkpoint and the targets, on the validation split and, where there is one, the test split.

    Args:
        fit: of the trial's configuration.
        checkpoint: its weights.
        trust: whether objects in the checkpoint may run code when it is loaded; those of a fit that trusts them may.

    Returns:
        ``"val"`` and ``"test"`` -> scores (N,) or (N, C), and targets.
    """
    keeper = KeepScores()
    with isolated(), quiet_lightning(fit.verbose):
        trainer = fit.trainer_class(callbacks=[keeper], **_settings(fit, None))
        is_trusted = trust or fit.trust
        if checkpoint is not None:
            check_trust(checkpoint, trust=is_trusted)
        loaded: dict[str, Any] = {
            "datamodule": fit.datamodule, "ckpt_path": checkpoint, "verbose": False, "weights_only": not is_trusted
        }  # fmt: skip
        trainer.validate(fit.module, **loaded)
        if has_test(fit.module, fit.datamodule):
            trainer.test(fit.module, **loaded)
    return keeper.kept


def train_all(
    fit: Fit, merge: Callable[[Datamodule], L.LightningDataModule], seed: int, *, epochs: int, stop_after: int, checkpoint: Path
) -> tuple[L.LightningModule, dict[str, float]]:
    """The module of a fit, trained without validation, and its scores on the test split.

    Callbacks that watch a validation value have nothing to watch and are left out.

    Args:
        fit: fresh.
        merge: makes the datamodule to train on from the fit's own.
        seed: of weights and batches.
        epochs: of the whole fit, on which schedules count.
        stop_after: epochs to train.
        checkpoint: where to write the weights.
    """
    with isolated(), quiet_lightning(fit.verbose):
        built = fit.build(seed)
        built.seed(seed)
        module, data = built.module, merge(built.datamodule)
        callbacks = [callback for callback in built.callbacks if getattr(callback, "monitor", None) is None]
        settings = {**_settings(fit, checkpoint.parent), "max_epochs": epochs, "limit_val_batches": 0}
        own = [ReproducibleEpochs(seed), _StopAfter(stop_after)]
        trainer = fit.trainer_class(callbacks=[*callbacks, *own], **settings)
        trainer.fit(module, datamodule=data)
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        trainer.save_checkpoint(checkpoint)
        if not has_test(module, data):
            return module.eval(), {}
        trainer.test(module, datamodule=data, verbose=False)
    found_test = {key: value for key, value in trainer.callback_metrics.items() if key.startswith("test")}
    return module.eval(), {key.removeprefix("test/"): float(torch.as_tensor(value)) for key, value in found_test.items()}


def _settings(fit: Fit, directory: Path | None) -> dict[str, Any]:
    kept = trial_settings(fit.build().trainer_kwargs)
    return {**QUIET, **kept, "logger": False, "enable_checkpointing": False, "default_root_dir": directory}


class _StopAfter(L.Callback):
    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.current_epoch + 1 >= self.epochs:
            trainer.should_stop = True
