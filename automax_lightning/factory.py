"""The bridge from AUC training to the search: `trainer_factory` makes a search space whose points are Lightning fits."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning as L
import torch

from automax_lightning.auc import pairs
from automax_lightning.auc.callbacks import AUROC
from automax_lightning.auc.data import AUCDataModule
from automax_lightning.auc.module import AUCModule
from automax_lightning.errors import ConfigError, closest
from automax_lightning.fit import Fit
from automax_lightning.space import autopartial, is_spec, parse_hyperparameters_from_dict
from automax_lightning.trial import Objective

Model = torch.nn.Module | Callable[..., torch.nn.Module]
Data = L.LightningDataModule | Callable[[], L.LightningDataModule]

_PLAIN_VALUES = ("decay_epochs", "metrics", "metric_kwargs", "trainer_kwargs", "model_kwargs")
"""Arguments whose tuples and lists are values; in them only an explicit spec, a dictionary, is searched."""


@dataclasses.dataclass(frozen=True)
class FitRecipe:
    """Everything that is fixed over the trials of a search; calling it with the searched values makes a fresh `Fit`.

    Args:
        model: a network, copied for each trial, or a callable that makes one from `model_kwargs`.
        data: a datamodule, or a callable that makes one.
        loss: name of the loss's pair, e.g. ``"AUCMLoss"``.
        optimizer: name of the optimizer; None for the pair's default.
        settings: the fixed arguments of `trainer_factory`.
    """

    model: Model
    data: Data
    loss: str
    optimizer: str | None
    settings: Mapping[str, Any]

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
            experiment_name=values["experiment_name"],
            output_path=values["output_path"],
            verbose=values["verbose"],
        )

    @property
    def is_ranking(self) -> bool:
        """Whether the pair ranks the items of queries; its module then logs the NDCG itself."""
        return pairs.get(self.loss).is_ranking

    def _metrics(self, values: Mapping[str, Any]) -> tuple[L.Callback, ...]:
        return () if self.is_ranking else (AUROC(values["metrics"], values["metric_kwargs"]),)

    def describe(self) -> dict[str, Any]:
        """What distinguishes this search from another over the same space: plain values, for the journal."""
        names = ("epochs", "decay_epochs", "batch_size", "sampling_rate", "metrics", "metric_kwargs")
        return {
            "loss": self.loss,
            "optimizer": self.optimizer,
            **{name: _plain(self.settings[name]) for name in names},
        }

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
        )

    def _network(self, model_kwargs: Mapping[str, Any]) -> torch.nn.Module:
        if isinstance(self.model, torch.nn.Module):
            return copy.deepcopy(self.model)
        return self.model(**model_kwargs)

    def _datamodule(self, values: Mapping[str, Any], seed: int) -> L.LightningDataModule:
        data = self.data if isinstance(self.data, L.LightningDataModule) else self.data()
        if self.is_ranking:
            return data
        names = ("batch_size", "eval_batch_size", "sampling_rate")
        given = {name: values[name] for name in names if values[name] is not None}
        if isinstance(data, AUCDataModule):
            return data.clone(seed=seed, **given)
        return AUCDataModule.wrap(data, seed=seed, **given)


def trainer_factory(
    model: Model,
    data: Data,
    loss: str = "AUCMLoss",
    optimizer: str | None = None,
    *,
    loss_kwargs: Mapping[str, Any] | None = None,
    optimizer_kwargs: Mapping[str, Any] | None = None,
    model_kwargs: Mapping[str, Any] | None = None,
    epochs: Any = 50,
    decay_epochs: Any = (0.5, 0.75),
    decay_factor: Any = 10.0,
    sampling_rate: Any = None,
    batch_size: Any = None,
    eval_batch_size: int | None = None,
    metrics: Sequence[str] = ("AUROC",),
    metric_kwargs: Mapping[str, Any] | None = None,
    trainer_kwargs: Mapping[str, Any] | None = None,
    callbacks: Sequence[L.Callback] = (),
    num_labels: int = 1,
    libauc_compatible: bool = False,
    experiment_name: str = "automax",
    output_path: str | Path | None = None,
    verbose: bool = False,
) -> autopartial:
    """A search space whose points are fits: an `autopartial` that turns a `Configuration` into a fresh `Fit`.

    The default space of the loss's pair is searched, with what is given in `loss_kwargs` and `optimizer_kwargs` merged
    over it: a search spec replaces the default's, a plain value fixes the hyperparameter. The other arguments may be
    search specs as well: a range ``(low, high)``, a list of choices, ``{"low": 32, "high": 512, "log": True}``. Where a
    tuple or a list is an ordinary value (`decay_epochs`, inside `model_kwargs` and `trainer_kwargs`), a spec is written
    as a dictionary: ``{"choices": [(32,), (64, 32)]}``.

    Args:
        model: a network that returns logits (N,), (N, 1) or (N, num_labels), copied for each trial, or a callable
            that makes one; called under the trial's seed with `model_kwargs`.
        data: an `AUCDataModule` (`TabularDataModule`, ...), any other LightningDataModule with batches (x, y), or a
            callable that makes one. Its data are shared by all trials, its batches are drawn anew in each.
        loss: name in `pairs.names()`.
        optimizer: one of the pair's optimizers; None for the first.
        loss_kwargs: arguments of the loss, searched or fixed.
        optimizer_kwargs: arguments of the optimizer, searched or fixed.
        model_kwargs: arguments of `model`, searched (as dictionaries) or fixed.
        epochs: epochs of each trial, at least 1.
        decay_epochs: epochs (int, from 0) or fractions of `epochs` (float) at which the learning rate is divided by
            `decay_factor` and the regulariser's reference is updated.
        decay_factor: above 0.
        sampling_rate: share of positives in a batch, in (0, 1); None for the datamodule's own.
        batch_size: samples in a training batch; None for the datamodule's own.
        eval_batch_size: samples in an evaluation batch; None for the datamodule's own.
        metrics: metrics of every evaluation, the first of which is the target.
        metric_kwargs: ``max_fpr`` and ``min_tpr`` of the partial AUROC.
        trainer_kwargs: any argument of `lightning.Trainer`, searched (as dictionaries) or fixed.
        callbacks: more Lightning callbacks; each trial works on copies.
        num_labels: columns of the network's output.
        libauc_compatible: reproduce LibAUC 2.0.1 where it differs from the published algorithm.
        experiment_name: names the best checkpoint's directory, ``<experiment_name>_best``.
        output_path: where a fit that is run by hand keeps its files; None for a temporary directory.
        verbose: show Lightning's own bars and messages.

    Returns:
        An `autopartial` with the space ``cs``; its names are ``"optimizer_kwargs:lr"``, ``"sampling_rate"``, ....

    Raises:
        PairError: if the loss is unknown, the optimizer does not belong to it, or one of them has no such argument.
        SpaceError: if a spec is malformed.
        ConfigError: if `model` has no such argument.

    Example:
        >>> from automax_lightning import DigitsDataModule
        >>> from automax_lightning.models import MLP
        >>> factory = trainer_factory(lambda: MLP((16,)), DigitsDataModule(), epochs=2, sampling_rate=[0.2, 0.5])
        >>> [name for name in factory.cs if "lr" in name or "rate" in name]
        ['optimizer_kwargs:lr', 'sampling_rate']
        >>> fit = factory(factory.cs.get_default_configuration())
        >>> fit.module.hparams["optimizer_kwargs"]["lr"]
        0.1
    """
    pair = pairs.get(loss, loss_kwargs=loss_kwargs)
    choice = pair.optimizer(optimizer)
    own_loss_kwargs = {name: value for name, value in (loss_kwargs or {}).items() if name not in (*pair.fixed, "mode")}
    given: dict[str, Any] = {
        "epochs": epochs, "decay_epochs": decay_epochs, "decay_factor": decay_factor, "sampling_rate": sampling_rate,
        "batch_size": batch_size, "eval_batch_size": eval_batch_size, "num_labels": num_labels,
        "model_kwargs": dict(model_kwargs or {}), "trainer_kwargs": dict(trainer_kwargs or {}),
    }  # fmt: skip
    fixed, searched = _split(given)
    searched["loss_kwargs"] = _space({**pair.loss_space, **own_loss_kwargs})
    searched["optimizer_kwargs"] = _space({**choice.space, **(optimizer_kwargs or {})})
    pair.check_loss_kwargs(own_loss_kwargs)
    choice.check_kwargs(optimizer_kwargs or {})
    _check_model(model, {**fixed["model_kwargs"], **dict.fromkeys(_names(searched.get("model_kwargs")))})
    settings = {
        **fixed,
        "metrics": tuple([metrics] if isinstance(metrics, str) else metrics),
        "metric_kwargs": dict(metric_kwargs or {}),
        "callbacks": tuple(callbacks),
        "libauc_compatible": libauc_compatible,
        "experiment_name": experiment_name,
        "output_path": output_path,
        "verbose": verbose,
    }
    AUROC(settings["metrics"], settings["metric_kwargs"])  # an unknown metric is an error now, not in the first trial
    return autopartial(FitRecipe(model, data, pair.name, choice.name, settings), **searched)


def _space(specs: Mapping[str, Any]) -> autopartial:
    return autopartial(dict, **parse_hyperparameters_from_dict(specs))


def _split(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fixed values, and the hyperparameters for the searched ones."""
    fixed: dict[str, Any] = dict(given)
    searched: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, Mapping) and name in ("model_kwargs", "trainer_kwargs"):
            specs = {key: item for key, item in value.items() if is_spec(item)}
            fixed[name] = {key: item for key, item in value.items() if key not in specs}
            if specs:
                searched[name] = _space(specs)
        elif is_spec(value) or (name not in _PLAIN_VALUES and isinstance(value, (list, tuple))):
            searched |= parse_hyperparameters_from_dict({name: value})
            fixed[name] = None
    return fixed, searched


def _merged(settings: Mapping[str, Any], searched: Mapping[str, Any]) -> dict[str, Any]:
    """The searched values over the fixed ones; inside `model_kwargs` and `trainer_kwargs`, key by key."""
    values = {**settings, **searched}
    for name in ("model_kwargs", "trainer_kwargs"):
        values[name] = {**settings[name], **searched.get(name, {})}
    return values


def _check_model(model: Model, model_kwargs: Mapping[str, Any]) -> None:
    if isinstance(model, torch.nn.Module):
        if not model_kwargs:
            return
        raise ConfigError(
            "trainer_factory.model_kwargs", "nothing, because the model is made already",
            str(sorted(model_kwargs)), "Pass model=TheClass instead of an instance.",
        )  # fmt: skip
    if not callable(model):
        raise ConfigError(
            "trainer_factory.model", "a torch.nn.Module or a callable that makes one",
            type(model).__name__, "Pass model=lambda: MyNetwork().",
        )  # fmt: skip
    parameters = inspect.signature(model).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    for name in model_kwargs:
        if name not in parameters:
            raise ConfigError(
                f"trainer_factory.model_kwargs.{name}", "an argument of the model", "no such argument",
                closest(name, parameters),
            )  # fmt: skip


def _names(space: autopartial | None) -> list[str]:
    return [] if space is None else list(space.kwds)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
