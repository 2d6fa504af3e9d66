"""What can be known to be wrong before the first trial starts: the data, the network's input, the target."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch.utilities.seed import isolate_rng

from automax_lightning.auc.callback import AUROC
from automax_lightning.auc.data.datamodule import AUCDataModule
from automax_lightning.auc.module import AUCModule
from automax_lightning.errors import ConfigError, DataError, TargetError, closest
from automax_lightning.trial.fit import Fit
from automax_lightning.trial.records import Objective


def check(trainable: Any, objective: Objective, *, inline: bool = True) -> None:
    """Raise now what the first trial would raise later, without training and without writing.

    Only what this package made itself is looked into; a user's own module and datamodule speak for themselves in the
    first trial.

    Args:
        trainable: what ``trainer(configuration)`` returned for the default configuration.
        objective: the target of the search.
        inline: whether trials run in this process.

    Raises:
        ConfigError: if the Trainer would start processes of its own from this one.
        TargetError: if nothing computes the target.
        DataError: if the data cannot be trained on, or the network turns their NaN into NaN scores.
    """
    if not isinstance(trainable, Fit):
        return
    if inline:
        _check_strategy(trainable)
    if not isinstance(trainable.module, AUCModule):
        return
    _check_target(trainable, trainable.module, objective)
    if isinstance(trainable.datamodule, AUCDataModule):
        with isolate_rng():
            _check_data(trainable.module, trainable.datamodule)


def summary(trainable: Any) -> list[str]:
    """What is to be said of the data before the first trial, one sentence each; nothing of what is not our own.

    Args:
        trainable: what `check` has looked at.
    """
    if not isinstance(trainable, Fit) or not isinstance(trainable.module, AUCModule):
        return []
    return trainable.datamodule.summary() if isinstance(trainable.datamodule, AUCDataModule) else []


def _check_strategy(fit: Fit) -> None:
    """A search runs its trials in its own process; a strategy that starts others would run the search again in each."""
    strategy = fit.trainer.strategy
    if strategy.launcher is not None:
        raise ConfigError(
            "trainer_kwargs.strategy", "one process for each trial of this search",
            f"{type(strategy).__name__} with {fit.trainer.num_devices} devices",
            "Pass executor='process' to AutoMAXConfig, or devices=1.",
        )  # fmt: skip


def _check_target(fit: Fit, module: AUCModule, objective: Objective) -> None:
    logged = {"train/loss", "val/NDCG"} if module.pair.is_ranking else {"train/loss"}
    for callback in fit.build().callbacks:
        if not isinstance(callback, AUROC):
            return  # somebody else's callback may log anything
        logged |= {f"val/{metric}" for metric in callback.metrics}
    if not logged.intersection(objective.keys):
        known = sorted(key.removeprefix("val/") for key in logged)
        raise TargetError(
            "AutoMAX.target", f"a metric that is computed, one of {known}", repr(objective.target),
            f"Pass metrics=({objective.target!r},) to trainer_factory. {closest(objective.target, known)}",
        )  # fmt: skip


def _check_data(module: AUCModule, data: AUCDataModule) -> None:
    data.prepare_data()
    data.setup("fit")
    for split, loader in (("train", data.train_dataloader()), ("val", data.val_dataloader())):
        batch = next(iter(loader), None)
        if batch is not None and _has_nan(batch[0]):
            _check_network(module, batch[0], split)


def _has_nan(x: Any) -> bool:
    return isinstance(x, torch.Tensor) and x.is_floating_point() and not bool(torch.isfinite(x).all())


def _check_network(network: AUCModule, x: torch.Tensor, split: str) -> None:
    """A network may take NaN on purpose; it is an error only where it answers with NaN."""
    was_training = network.training
    network.eval()
    with torch.no_grad():
        scores = network(x)
    network.train(was_training)
    if not bool(torch.isfinite(scores).all()):
        raise DataError(
            f"data.{split}", "finite features, or a network that takes NaN",
            f"{int((~torch.isfinite(x)).sum())} values in the first batch that are NaN or infinite, and NaN scores",
            "Impute them, or use TabularDataModule, which does.",
        )  # fmt: skip
