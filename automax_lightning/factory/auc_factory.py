"""Factories of fits on AUC losses: of one loss, and of a choice among several."""

from __future__ import annotations

import copy
import dataclasses
import functools
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import lightning as L
import torch
from lightning.pytorch.utilities.seed import isolate_rng

from automax_lightning.auc.callback import AUROC
from automax_lightning.auc.data.datamodule import AUCDataModule
from automax_lightning.auc.data.fingerprint import datamodule_fingerprint, plain
from automax_lightning.auc.module import AUCModule
from automax_lightning.auc.pairs import registry as pairs
from automax_lightning.auc.pairs.portfolios import portfolio
from automax_lightning.auc.schedulers import merged
from automax_lightning.errors import ConfigError
from automax_lightning.factory.description import describe_network, describe_trainer
from automax_lightning.factory.fit_factory import FitFactory
from automax_lightning.factory.given_data import Data
from automax_lightning.trial.fit import Fit
from automax_lightning.trial.records import Objective, Trainable
from automax_lightning.utils.portfolio import Portfolio

Model = torch.nn.Module | Callable[..., torch.nn.Module]


@dataclasses.dataclass(frozen=True)
class AUCFitFactory(FitFactory):
    """Everything that is fixed over the trials of a search; calling it with the searched values makes a fresh `Fit`.

    Args:
        model: a network, copied for each trial, or a callable that makes one from `model_kwargs`.
        data: a datamodule, or a callable that makes one.
        loss: name of the loss's pair, e.g. ``"AUCMLoss"``.
        optimizer: name of the optimizer; None for the pair's default.
        settings: the other fixed arguments of `trainer_factory`.
        experiment_name: names the best checkpoint's directory.
        model_defaults: default values of the searched `model_kwargs`, with which a network can be made to be described.
    """

    model: Model
    data: Data
    loss: str
    optimizer: str | None
    settings: Mapping[str, Any]
    experiment_name: str = "automax"
    model_defaults: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __call__(self, **searched: Any) -> Fit:
        """A fresh `Fit` for the searched values."""
        values = _merged(self.settings, searched)
        return Fit(
            lambda: self._module(values),
            lambda seed: self._datamodule(values, seed),
            epochs=values["epochs"],
            objective=Objective("NDCG" if self.is_ranking else values["metrics"][0]),
            trainer_kwargs=values["trainer_kwargs"],
            callbacks=(*self._metrics(values), *values["callbacks"]),
            experiment_name=self.experiment_name,
            output_path=values["output_path"],
            verbose=values["verbose"],
        )

    @property
    def is_ranking(self) -> bool:
        """Whether the pair ranks the items of queries; its module then logs the NDCG itself."""
        return pairs.get(self.loss).is_ranking

    def portfolio(self) -> Portfolio:
        """Configurations that are good together on other tasks."""
        choice = pairs.get(self.loss).optimizer(self.optimizer)
        return portfolio(self.loss, choice.name)

    def _metrics(self, values: Mapping[str, Any]) -> tuple[L.Callback, ...]:
        return () if self.is_ranking else (AUROC(values["metrics"], values["metric_kwargs"]),)

    def check(self, trainable: Trainable, objective: Objective, *, inline: bool) -> None:
        """As in `FitFactory`; a batch may not be larger than the training split."""
        super().check(trainable, objective, inline=inline)
        wanted = self.settings["batch_size"]
        if wanted is None or not isinstance(trainable, Fit) or not isinstance(trainable.datamodule, AUCDataModule):
            return
        length = len(trainable.datamodule.train_labels)
        if wanted > length:
            raise ConfigError(
                "trainer_factory.batch_size", f"at most the {length} samples of the training split", str(wanted),
                f"Pass batch_size={min(64, length)}.",
            )  # fmt: skip

    def describe(self) -> dict[str, Any]:
        """The loss, the settings, the data, the network and the Trainer, as plain values."""
        return {**self.describe_loss(), **self.describe_rest()}

    def describe_loss(self) -> dict[str, Any]:
        """Loss and optimizer, and what belongs to them."""
        names = ("epochs", "decay_epochs", "batch_size", "sampling_rate", "metrics", "metric_kwargs", "lr_scheduler", "scores")
        return {
            "loss": self.loss,
            "optimizer": self.optimizer,
            **{name: plain(self.settings[name]) for name in names},
        }

    def describe_rest(self) -> dict[str, Any]:
        """What does not depend on the loss."""
        data = self._data()
        names = ["decay_factor", "num_labels", "libauc_compatible"]
        if self.settings["logits"] is not None:  # searches of earlier releases had no such setting
            names.append("logits")
        return {
            **{name: plain(self.settings[name]) for name in names},
            "data": data.fingerprint() if isinstance(data, AUCDataModule) else datamodule_fingerprint(data),
            "network": self._network_description,
            "trainer": describe_trainer(self.settings["trainer_kwargs"]),
        }

    @functools.cached_property
    def _network_description(self) -> dict[str, Any]:
        with isolate_rng():
            network = self._network({**self.settings["model_kwargs"], **self.model_defaults})
        return {**describe_network(network), "arguments": plain(self.settings["model_kwargs"])}

    def _module(self, values: Mapping[str, Any]) -> AUCModule:
        return AUCModule(
            model=self._network(values["model_kwargs"]),
            loss=self.loss,
            optimizer=self.optimizer,
            loss_kwargs=values["loss_kwargs"],
            optimizer_kwargs=values["optimizer_kwargs"],
            num_labels=values["num_labels"],
            decay_epochs=values["decay_epochs"],
            decay_factor=values["decay_factor"],
            libauc_compatible=values["libauc_compatible"],
            logits=values["logits"],
            lr_scheduler=values["lr_scheduler"],
            scores=values["scores"],
        )

    def _network(self, model_kwargs: Mapping[str, Any]) -> torch.nn.Module:
        if isinstance(self.model, torch.nn.Module):
            return copy.deepcopy(self.model)
        return self.model(**model_kwargs)

    def _data(self) -> L.LightningDataModule:
        return self.data if isinstance(self.data, L.LightningDataModule) else self.data()

    def _datamodule(self, values: Mapping[str, Any], seed: int) -> L.LightningDataModule:
        data = self._data()
        if self.is_ranking:
            return data
        names = ("batch_size", "eval_batch_size", "sampling_rate")
        given = {name: values[name] for name in names if values[name] is not None}
        if isinstance(data, AUCDataModule):
            return data.clone(seed=seed, **given)
        return AUCDataModule.wrap(data, seed=seed, **given)


@dataclasses.dataclass(frozen=True)
class LossChoiceFactory(FitFactory):
    """Several losses in one search: the searched ``loss`` says whose factory makes the `Fit`.

    Args:
        factories: loss -> its factory.
        experiment_name: names the best checkpoint's directory.
        arm: name of the hyperparameter that chooses.
    """

    factories: Mapping[str, AUCFitFactory]
    experiment_name: str = "automax"
    arm: str = "loss"

    def __call__(self, **searched: Any) -> Fit:
        """A fresh `Fit` of the chosen loss; the other losses' hyperparameters are inactive."""
        chosen = self.factories[searched[self.arm]]
        shared = {name: value for name, value in searched.items() if name != self.arm and name not in self.factories}
        return chosen(**shared, **searched[chosen.loss])

    def check(self, trainable: Trainable, objective: Objective, *, inline: bool) -> None:
        """As `AUCFitFactory.check`, which looks at nothing that depends on the loss."""
        next(iter(self.factories.values())).check(trainable, objective, inline=inline)

    def portfolio(self) -> Portfolio:
        """The losses' portfolios, in turn; they are tried only if they are asked for."""
        own = [
            [{**each, self.arm: loss} for each in factory.portfolio().renamed(f"{loss}:").configs]
            for loss, factory in self.factories.items()
        ]
        in_turn = (each for row in itertools.zip_longest(*own) for each in row if each is not None)
        return Portfolio(tuple(in_turn))

    def describe(self) -> dict[str, Any]:
        """As `AUCFitFactory.describe`; what belongs to a loss, for each of them."""
        first = next(iter(self.factories.values()))
        return {**{name: factory.describe_loss() for name, factory in self.factories.items()}, **first.describe_rest()}


def _merged(settings: Mapping[str, Any], searched: Mapping[str, Any]) -> dict[str, Any]:
    """The searched values over the fixed ones; inside dictionaries, key by key."""
    values = {**settings, **searched}
    for name in ("model_kwargs", "trainer_kwargs"):
        values[name] = {**settings[name], **searched.get(name, {})}
    values["lr_scheduler"] = merged(settings["lr_scheduler"], searched.get("lr_scheduler", {}))
    return values
