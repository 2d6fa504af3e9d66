"""A `Fit` without a search around it: score its checkpoint, or train it on everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import lightning as L
import torch
from torch import Tensor

from automax_lightning.auc.callback import AUROC
from automax_lightning.errors import CheckpointError, ConfigError
from automax_lightning.search.record import SearchRecord
from automax_lightning.trial.checkpoint import TrialCheckpoint, TrialIdentity, check_trust, load_checkpoint
from automax_lightning.trial.fit import Fit
from automax_lightning.trial.isolation import isolated, quiet_lightning
from automax_lightning.trial.records import Trainable, TrialResult
from automax_lightning.trial.score_file import SplitScores
from automax_lightning.trial.seeding import ReproducibleEpochs
from automax_lightning.trial.trainer import QUIET, has_test, trial_settings
from automax_lightning.tuner.prepared import load_module

Datamodule = L.LightningDataModule | None


@runtime_checkable
class HasModule(Protocol):
    """A trainable that shows its module."""

    @property
    def module(self) -> L.LightningModule:
        """Fresh, or as the last run has left it."""


def module_of(trainable: Trainable | L.LightningModule, where: str) -> L.LightningModule:
    """The module of a trainable.

    Args:
        trainable: what a search trains, or the module itself.
        where: name of the method that needs it, for the message.

    Raises:
        ConfigError: if the trainable has none.
    """
    if isinstance(trainable, L.LightningModule):
        return trainable
    if not isinstance(trainable, HasModule):
        raise ConfigError(
            f"AutoMAX.{where}", "a Fit, or a trainable with an attribute `module` that holds its LightningModule",
            f"a {type(trainable).__name__} without it", "Give it one, or load its checkpoint yourself.",
        )  # fmt: skip
    return trainable.module


def fit_of(trainable: Trainable, where: str) -> Fit:
    """The trainable, if it is a `Fit`.

    Args:
        trainable: what a search trains.
        where: name of the method that needs it, for the message.

    Raises:
        ConfigError: if it is something else.
    """
    if not isinstance(trainable, Fit):
        raise ConfigError(
            f"AutoMAX.{where}", "a Fit, whose Trainer, module and data can be made once more",
            f"a {type(trainable).__name__}, of which only `run` is known", "Return a Fit from the trainer.",
        )  # fmt: skip
    return trainable


def loaded(
    trainable: Trainable | L.LightningModule, where: str, checkpoint: Path, identity: TrialIdentity, *, trust: bool
) -> L.LightningModule:
    """The module of a trainable with the weights of a trial's checkpoint, in evaluation mode.

    Args:
        trainable: as the trial's configuration makes it, or its module, which is changed.
        where: name of the method that needs it, for messages.
        checkpoint: a ``best.ckpt``.
        identity: whose it must be.
        trust: whether objects in the file may run code of theirs.

    Raises:
        CheckpointError: if the file is damaged, another trial's, or holds objects that are not trusted.
        ConfigError: if the trainable has no module.
    """
    content = load_checkpoint(checkpoint, trust=trust)
    kept = TrialCheckpoint.find_in(content)
    wrong = [] if kept is None else identity.contradictions(kept.identity)
    if wrong:
        raise CheckpointError(str(checkpoint), f"the checkpoint of trial {identity.trial}", f"another one: {', '.join(wrong)}",
                              "Start the search again in the same way: it repairs its files.")  # fmt: skip
    if isinstance(trainable, Fit):
        return load_module(trainable, checkpoint, trust=trust)
    module = module_of(trainable, where)
    module.configure_model()  # Lightning's place for layers that are made late; it may be called twice
    module.load_state_dict(content["state_dict"])
    return module.eval()


def best_of(record: SearchRecord) -> TrialResult:
    """The best trial's result.

    Raises:
        CheckpointError: if no trial has a score.
    """
    if record.best is None:
        raise CheckpointError(str(record.directory), "a trial with a score", "none", "Run optimize() first.")
    return record.best


def split_scores(fit: Fit, checkpoint: Path | None, splits: Sequence[str] = ("val", "test")) -> dict[str, tuple[Tensor, Tensor]]:
    """The scores of a trial's checkpoint and the targets, on the validation split and, where there is one, the test split.

    Args:
        fit: of the trial's configuration.
        checkpoint: its weights.
        splits: ``"val"``, ``"test"`` or both.

    Returns:
        ``"val"`` and ``"test"`` -> scores (N,) or (N, C), and targets.
    """
    callback = AUROC()
    with isolated(), quiet_lightning(fit.verbose):
        trainer = fit.trainer_class(callbacks=[callback], **_settings(fit, None))
        if checkpoint is not None:
            check_trust(checkpoint, trust=fit.trust)
            load_module(fit, checkpoint, trust=fit.trust)  # layers that only a fit makes
        loaded: dict[str, Any] = {"datamodule": fit.datamodule, "ckpt_path": checkpoint, "weights_only": not fit.trust}
        if "val" in splits:
            trainer.validate(fit.module, **loaded, verbose=False)
        if "test" in splits and has_test(fit.module, fit.datamodule):
            trainer.test(fit.module, **loaded, verbose=False)
    return callback.evaluated


def as_kept(scores: Tensor, targets: Tensor) -> SplitScores:
    """Scores and labels as a trial keeps them: classes as one-versus-rest tasks.

    Args:
        scores: (N,) or (N, C).
        targets: (N,), or (N, C) for several labels.
    """
    several = scores.ndim == 2 and targets.ndim == 1
    labels = torch.nn.functional.one_hot(targets.long(), scores.shape[1]) if several else targets
    return SplitScores(scores.numpy(), labels.numpy())


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
        # From the file: setup("test") may make layers anew.
        trainer.test(module, datamodule=data, ckpt_path=checkpoint, weights_only=not fit.trust, verbose=False)
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
