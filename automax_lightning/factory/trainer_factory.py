"""The bridge from AUC training to the search: `trainer_factory` makes a search space whose points are Lightning fits."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning as L
import torch
from ConfigSpace import EqualsCondition

from automax_lightning.auc.callback import AUROC
from automax_lightning.auc.pairs import registry as pairs
from automax_lightning.auc.pairs.pair import OptimizerChoice, Pair
from automax_lightning.auc.schedulers import Schedule, check_scheduler, merged
from automax_lightning.errors import ConfigError, closest
from automax_lightning.factory.auc_factory import AUCFitFactory, LossChoiceFactory, Model
from automax_lightning.factory.given_data import as_data, is_data
from automax_lightning.space.autopartial import autopartial, is_spec, parse_hyperparameters_from_dict
from automax_lightning.utils.arguments import (
    Rule,
    check_arguments,
    file_name,
    flag,
    integer,
    number,
    of_type,
    one_of,
    path,
    text,
)

_PLAIN_VALUES = ("decay_epochs", "metrics", "metric_kwargs", "trainer_kwargs", "model_kwargs")
"""Arguments whose tuples and lists are values; in them only an explicit spec, a dictionary, is searched."""


def _or_spec(rule: Rule, *, lists: bool = True) -> Rule:
    """The same rule, or a search spec of its values."""

    def is_legal(value: Any) -> bool:
        return is_spec(value) or (lists and isinstance(value, (list, tuple)) and len(value) > 0) or rule.is_legal(value)

    return dataclasses.replace(rule, expected=f"{rule.expected}, or a search spec", is_legal=is_legal)


def _sequence(expected: str, is_item: Callable[[Any], bool], example: str) -> Rule:
    return Rule(expected, lambda x: isinstance(x, (list, tuple)) and all(map(is_item, x)), example)


_MAPPING = of_type("a dictionary name -> value", Mapping, "{}").or_none
_TEXT = text("AUROC")
_POINT = number("at least 0", lambda x: x >= 0, "0.5")

_RULES: Mapping[str, Rule] = {
    "data": Rule(
        "a LightningDataModule, or a callable that makes one, or (X, y) or (train, val)", is_data, "TabularDataModule(X, y)"
    ),
    "loss": Rule(
        "the name of a loss, or a list of names",
        lambda x: _TEXT.is_legal(x) or (isinstance(x, (list, tuple)) and all(map(_TEXT.is_legal, x))), "'AUCMLoss'",
    ),
    "optimizer": of_type("the name of an optimizer, or a dictionary loss -> optimizer", (str, Mapping), "'PESG'").or_none,
    **dict.fromkeys(("loss_kwargs", "optimizer_kwargs", "model_kwargs", "metric_kwargs", "trainer_kwargs"), _MAPPING),
    "epochs": _or_spec(integer(1, example=50)),
    "decay_epochs": _or_spec(
        _sequence("a sequence of epochs (integers) or shares of them (numbers)", _POINT.is_legal, "(0.5, 0.75)"), lists=False
    ),
    "decay_factor": _or_spec(number("a number above 0", lambda x: x > 0, "10.0")),
    "sampling_rate": _or_spec(number("a share in (0, 1)", lambda x: 0 < x < 1, "0.5").or_none),
    "batch_size": _or_spec(integer(2, example=128).or_none),
    "lr_scheduler": Rule(
        "a callable optimizer -> scheduler, or a dictionary, or None",
        lambda x: x is None or callable(x) or isinstance(x, Mapping),
        "{'class_path': 'torch.optim.lr_scheduler.CosineAnnealingLR', 'init_args': {'T_max': 50}}",
    ),
    "eval_batch_size": integer(1, example=256).or_none,
    "metrics": Rule(
        "the name of a metric, or a sequence of names",
        lambda x: _TEXT.is_legal(x) or (isinstance(x, (list, tuple)) and all(map(_TEXT.is_legal, x))), "('AUROC',)",
    ),
    "callbacks": _sequence("a sequence of Lightning callbacks", lambda x: isinstance(x, L.Callback), "[MyCallback()]"),
    "num_labels": integer(1),
    "scores": one_of("sigmoid", "logits").or_none,
    "libauc_compatible": flag(),
    "experiment_name": file_name("automax"),
    "output_path": path().or_none,
    "verbose": flag(),
    "logits": Rule("a function from the network's output to its logits", callable, "lambda output: output[0]").or_none,
}  # fmt: skip


def trainer_factory(
    model: Model,
    data: Any,
    loss: str | Sequence[str] = "AUCMLoss",
    optimizer: str | Mapping[str, str] | None = None,
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
    logits: Callable[[Any], torch.Tensor] | None = None,
    lr_scheduler: Schedule | None = None,
    scores: str | None = None,
) -> autopartial:
    """A search space whose points are fits: an `autopartial` that turns a `Configuration` into a fresh `Fit`.

    The default space of the loss's pair is searched, with what is given in `loss_kwargs` and `optimizer_kwargs` merged
    over it: a search spec replaces the default's, a plain value fixes the hyperparameter. The other arguments may be
    search specs as well: a range ``(low, high)``, a list of choices, ``{"low": 32, "high": 512, "log": True}``. Where a
    tuple or a list is an ordinary value (`decay_epochs`, inside `model_kwargs` and `trainer_kwargs`), a spec is written
    as a dictionary: ``{"choices": [(32,), (64, 32)]}``.

    Args:
        model: a network that returns logits (N,), (N, 1) or (N, num_labels), copied for each trial, or a callable that makes
            one; called under the trial's seed with `model_kwargs`. Logits may be a tensor, ``.logits``, under ``"logits"``, or
            first in a tuple. Of two columns for one label the difference counts.
        data: an `AUCDataModule` (`TabularDataModule`, ...), any other LightningDataModule, a callable that makes one, arrays
            ``(X, y)``, or ``(train, val)`` or ``(train, val, test)`` of loaders, datasets or pairs ``(X, y)``. Batches may be
            ``(x, y)``, ``(x1, x2, y)``, mappings with ``"labels"``, or graphs. Its data are shared by all trials, its batches
            are drawn anew in each.
        loss: name in `pairs.names()`, or a list of names: the search then chooses among them, each with its own
            conditional sub-space ``"<loss>:optimizer_kwargs:lr"``, and tries the default of each first.
        optimizer: one of the pair's optimizers; None for the first. With several losses, loss -> optimizer.
        loss_kwargs: arguments of the loss, searched or fixed. With several losses, of those that take them.
        optimizer_kwargs: arguments of the optimizer, searched or fixed. With several losses, of those that take them.
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
        logits: a function from the network's output to its logits, where these are elsewhere.
        lr_scheduler: as in `AUCModule`; values in its dictionaries may be searched, as dictionaries. `decay_epochs` then
            update the regulariser's reference alone.
        scores: what the losses are given, as in `AUCModule`.

    Returns:
        An `autopartial` with the space ``cs``; its names are ``"optimizer_kwargs:lr"``, ``"sampling_rate"``, ....

    Raises:
        PairError: if the loss is unknown, the optimizer does not belong to it, or one of them has no such argument.
        SpaceError: if a spec is malformed.
        ConfigError: if an argument is of the wrong type or out of range, or `model` has no such argument.

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
    check_arguments("trainer_factory", _RULES, locals())
    data = as_data(data)
    given: dict[str, Any] = {
        "epochs": epochs, "decay_epochs": decay_epochs, "decay_factor": decay_factor, "sampling_rate": sampling_rate,
        "batch_size": batch_size, "eval_batch_size": eval_batch_size, "num_labels": num_labels,
        "model_kwargs": dict(model_kwargs or {}), "trainer_kwargs": dict(trainer_kwargs or {}), "lr_scheduler": lr_scheduler,
    }  # fmt: skip
    fixed, searched = _split(given)
    _check_model(model, {**fixed["model_kwargs"], **dict.fromkeys(_names(searched.get("model_kwargs")))})
    settings = {
        **fixed,
        "metrics": tuple([metrics] if isinstance(metrics, str) else metrics),
        "metric_kwargs": dict(metric_kwargs or {}),
        "callbacks": tuple(callbacks),
        "libauc_compatible": libauc_compatible,
        "output_path": output_path,
        "verbose": verbose,
        "logits": logits,
        "scores": scores,
    }
    for each in [loss] if isinstance(loss, str) else loss:
        pairs.get(each, loss_kwargs=loss_kwargs).with_scores(scores)
    check_scheduler(merged(lr_scheduler, _defaults(searched.get("lr_scheduler"))))
    AUROC(settings["metrics"], settings["metric_kwargs"])  # an unknown metric is an error now, not in the first trial
    defaults = _defaults(searched.get("model_kwargs"))
    wanted = _Wanted(dict(loss_kwargs or {}), dict(optimizer_kwargs or {}))
    if isinstance(loss, str):
        chosen = optimizer if isinstance(optimizer, str) or optimizer is None else optimizer.get(loss)
        pair, choice, spaces = wanted.arm(loss, chosen)
        return autopartial(
            AUCFitFactory(model, data, pair.name, choice.name, settings, experiment_name, defaults), **searched, **spaces
        )
    arms = {pair.name: (pair, choice, spaces) for pair, choice, spaces in wanted.arms(loss, optimizer)}
    factories = {
        name: AUCFitFactory(model, data, name, choice.name, settings, experiment_name, defaults)
        for name, (_, choice, _) in arms.items()
    }
    inner = {name: autopartial(dict, **spaces) for name, (_, _, spaces) in arms.items()}
    choose = parse_hyperparameters_from_dict({"loss": {"choices": list(arms)}})
    several = autopartial(LossChoiceFactory(factories, experiment_name), **choose, **searched, **inner)
    for name, space in inner.items():
        several.cs.add(*(EqualsCondition(several.cs[f"{name}:{key}"], several.cs["loss"], name) for key in space.cs))
    return several


@dataclasses.dataclass(frozen=True)
class _Wanted:
    """What the user wants of losses and optimizers, whichever these are."""

    loss_kwargs: Mapping[str, Any]
    optimizer_kwargs: Mapping[str, Any]

    def arm(self, loss: str, optimizer: str | None) -> tuple[Pair, OptimizerChoice, dict[str, autopartial]]:
        """A pair's space with the user's specs over it."""
        pair = pairs.get(loss, loss_kwargs=self.loss_kwargs)
        choice = pair.optimizer(optimizer, self.loss_kwargs)
        own = {name: value for name, value in self.loss_kwargs.items() if name not in (*pair.fixed, "mode")}
        spaces = {
            "loss_kwargs": _space({**pair.loss_space, **own}),
            "optimizer_kwargs": _space({**choice.space, **self.optimizer_kwargs}),
        }
        pair.check_loss_kwargs(own)
        choice.check_kwargs(self.optimizer_kwargs)
        return pair, choice, spaces

    def arms(
        self, losses: Sequence[str], optimizer: str | Mapping[str, str] | None
    ) -> list[tuple[Pair, OptimizerChoice, dict[str, autopartial]]]:
        """One for each loss, with the arguments that it takes."""
        if isinstance(optimizer, str) or len(set(losses)) != len(losses) or not losses:
            raise ConfigError(
                "trainer_factory.loss", "different losses, and the optimizers as a dictionary loss -> optimizer",
                f"loss={list(losses)!r}, optimizer={optimizer!r}", "Leave optimizer out for each loss's own.",
            )  # fmt: skip
        found, taken = [], set()
        for loss in losses:
            pair = pairs.get(loss)
            choice = pair.optimizer((optimizer or {}).get(loss))
            loss_kwargs = {name: value for name, value in self.loss_kwargs.items() if name in pair.arguments}
            optimizer_kwargs = {name: value for name, value in self.optimizer_kwargs.items() if name in choice.arguments}
            taken |= {*loss_kwargs, *optimizer_kwargs}
            found.append(_Wanted(loss_kwargs, optimizer_kwargs).arm(loss, choice.name))
        for name in (*self.loss_kwargs, *self.optimizer_kwargs):
            if name not in taken:
                raise ConfigError(f"trainer_factory.{name}", f"an argument of one of {list(losses)}", "none takes it",
                                  "Check its spelling.")  # fmt: skip
        return found


def _space(specs: Mapping[str, Any]) -> autopartial:
    return autopartial(dict, **parse_hyperparameters_from_dict(specs))


def _split(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fixed values, and the hyperparameters for the searched ones."""
    fixed: dict[str, Any] = dict(given)
    searched: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, Mapping) and name == "lr_scheduler":
            space = _searched_in(value)
            searched |= {} if space is None else {name: space}
        elif isinstance(value, Mapping) and name in ("model_kwargs", "trainer_kwargs"):
            specs = {key: item for key, item in value.items() if is_spec(item)}
            fixed[name] = {key: item for key, item in value.items() if key not in specs}
            if specs:
                searched[name] = _space(specs)
        elif is_spec(value) or (name not in _PLAIN_VALUES and isinstance(value, (list, tuple))):
            searched |= parse_hyperparameters_from_dict({name: value})
            fixed[name] = None
    return fixed, searched


def _searched_in(value: Mapping[str, Any]) -> autopartial | None:
    """The space of the specs in nested dictionaries, under the names of their keys; None where there is none."""
    specs = {key: item for key, item in value.items() if is_spec(item)}
    inner = {key: _searched_in(item) for key, item in value.items() if isinstance(item, Mapping) and key not in specs}
    spaces = {key: space for key, space in inner.items() if space is not None}
    return autopartial(dict, **parse_hyperparameters_from_dict(specs), **spaces) if specs or spaces else None


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


def _defaults(space: autopartial | None) -> dict[str, Any]:
    return {} if space is None else dict(space(space.cs.get_default_configuration()))
