"""From a recipe's records to the three arguments of `AutoMAX`: the factory of its fits, the settings, the target."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any

import lightning as L
import torch
from lightning.pytorch.utilities.seed import isolate_rng

from automax_lightning.auc.data.datamodule import AUCDataModule
from automax_lightning.auc.pairs import registry as pairs
from automax_lightning.config import AutoMAXConfig
from automax_lightning.errors import AutoMAXError, ConfigError, closest
from automax_lightning.factory.auc_factory import AUCFitFactory
from automax_lightning.factory.trainer_factory import trainer_factory
from automax_lightning.recipes.datasets.loaders import load_data
from automax_lightning.recipes.networks.families import family, network_of
from automax_lightning.recipes.notes import notes_of
from automax_lightning.recipes.sections import ModelSection, Recipe
from automax_lightning.recipes.tracking import logger_of
from automax_lightning.space.autopartial import autopartial
from automax_lightning.trial.fit import Fit
from automax_lightning.tuner.automax import AutoMAX

_FOR_SEVERAL_LABELS = {
    "AUCMLoss": "MultiLabelAUCMLoss",
    "APLoss": "mAPLoss",
    "pAUCLoss": "MultiLabelpAUCLoss",
    "pAUC_CVaR_Loss": "MultiLabelpAUCLoss:SOPA",
    "pAUC_DRO_Loss": "MultiLabelpAUCLoss:SOPAs",
    "tpAUC_KL_Loss": "MultiLabelpAUCLoss:SOTAs",
}
"""LibAUC's trainer makes the same step where the data have several labels."""


@dataclasses.dataclass(frozen=True)
class LoadedRecipe:
    """A search that is ready to run.

    Args:
        recipe: what was read.
        factory: the search space whose points are fits.
        config: the search.
        target: the metric to maximise.
        notes: what the original does with a setting and we do not, a sentence each.
    """

    recipe: Recipe
    factory: autopartial
    config: AutoMAXConfig
    target: str
    notes: tuple[str, ...]

    def tuner(self, *, quiet: bool | None = None) -> AutoMAX:
        """The search.

        Args:
            quiet: print nothing; None for what ``training.verbose`` says.
        """
        silent = self.recipe.training.verbose == 0 if quiet is None else quiet
        return AutoMAX(self.factory, self.config, self.target, quiet=silent)


@dataclasses.dataclass(frozen=True)
class RecipeFactory(AUCFitFactory):
    """A `AUCFitFactory` that tells the journal which data and which network it is about.

    Args:
        source: plain values.
    """

    source: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """As `AUCFitFactory.describe`, with the source."""
        return {**super().describe(), **self.source}


def build(recipe: Recipe) -> LoadedRecipe:
    """The search of a recipe, with its data read and one of its networks tried on two samples.

    Raises:
        ConfigError: if a setting is wrong, or the network does not fit the data.
        DataError: if the data are not there, or cannot be used.
        PairError: if loss and optimizer do not belong together, or have no such argument.
    """
    training = recipe.training
    if pairs.get(training.loss, loss_kwargs=training.loss_kwargs).is_ranking:
        raise ConfigError("training.loss", "a loss of classification", training.loss,
                          "Pass your own loaders of queries to trainer_factory, from Python.")  # fmt: skip
    _check_trainer(recipe.trainer)
    data = load_data(recipe.dataset)
    if training.num_workers is not None:
        data = data.clone(num_workers=training.num_workers)
    labels = data.facts.num_labels
    loss = training.loss if labels == 1 else _FOR_SEVERAL_LABELS.get(training.loss, training.loss)
    partial = trainer_factory(
        model=network_of(recipe.model, labels), data=data, loss=loss, optimizer=training.optimizer,
        loss_kwargs=_tupled(loss, training.loss_kwargs), optimizer_kwargs=training.optimizer_kwargs,
        model_kwargs=_with_dims(recipe.model, data), epochs=training.epochs, decay_epochs=training.decay_epochs,
        decay_factor=training.decay_factor, sampling_rate=training.sampling_rate, batch_size=training.batch_size,
        eval_batch_size=training.eval_batch_size, metrics=recipe.metrics.names, metric_kwargs=recipe.metrics.kwargs,
        trainer_kwargs={**recipe.trainer, **logger_of(recipe)}, num_labels=labels, experiment_name=training.experiment_name,
        verbose=training.verbose > 1,
    )  # fmt: skip
    fixed: Any = partial.autofunc
    source = {name: _as_lists(dataclasses.asdict(getattr(recipe, name))) for name in ("dataset", "model")}
    parts = {field.name: getattr(fixed, field.name) for field in dataclasses.fields(fixed)}
    factory = autopartial(RecipeFactory(**parts, source=source), **partial.kwds)
    _try(factory(factory.cs.get_default_configuration()), data, labels)
    return LoadedRecipe(recipe, factory, recipe.config, recipe.metrics.target, notes_of(recipe, loss))


def _check_trainer(given: Mapping[str, Any]) -> None:
    parameters = [name for name in inspect.signature(L.Trainer).parameters if name not in ("max_epochs", "callbacks")]
    for name in given:
        if name not in parameters:
            fix = "Write training.epochs." if name == "max_epochs" else closest(name, parameters)
            raise ConfigError(f"trainer.{name}", "an argument of lightning.Trainer that no other section sets", "none", fix)


def _with_dims(section: ModelSection, data: AUCDataModule) -> dict[str, Any]:
    """The network's arguments, with what a graph network must know of the data's features."""
    dims = getattr(getattr(data, "inner", None), "dims", {})
    takes = family(section.name.lower()).arguments if dims else ()
    return {**{name: value for name, value in dims.items() if name in takes}, **section.kwargs}


def _tupled(loss: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """A list for an argument whose values are tuples, such as ``gammas: [0.5, 0.5]``, is one value: YAML has no tuples."""
    space = pairs.get(loss, loss_kwargs=given).loss_space
    result = dict(given)
    for name, value in given.items():
        choices = space[name].get("choices", ()) if isinstance(space.get(name), Mapping) else ()
        is_value = isinstance(value, list) and all(isinstance(item, (int, float)) for item in value)
        if is_value and any(isinstance(choice, tuple) for choice in choices):
            result[name] = {"choices": [tuple(value)]}
    return result


def _try(fit: Fit, data: AUCDataModule, labels: int) -> None:
    """Raise unless the network takes two samples of the data and returns a logit for each label."""
    try:
        network: Any = fit.module.model
    except (TypeError, ValueError) as error:
        if isinstance(error, AutoMAXError):
            raise
        raise ConfigError("model", "arguments that the network takes", f"{type(error).__name__}: {error}",
                          "Check the types in the model section.") from error  # fmt: skip
    x = next(iter(data.clone(eval_batch_size=2, num_workers=0).val_dataloader()))[0]
    network.eval()
    try:
        with torch.no_grad(), isolate_rng():
            logits = network(x)
    except Exception as error:
        raise ConfigError(
            "model", f"a network that takes the samples of the data, {_shape(x)}", f"{type(error).__name__}: {error}",
            "Choose another model.name, or another size of the samples.",
        ) from error  # fmt: skip
    if logits.reshape(len(logits), -1).shape[1] != labels:
        raise ConfigError("model", f"a network that returns {labels} logits for a sample", f"shape {tuple(logits.shape)}",
                          "Choose another model.name.")  # fmt: skip


def _shape(x: Any) -> str:
    return f"of shape {tuple(x.shape[1:])}" if isinstance(x, torch.Tensor) else f"a {type(x).__name__}"


def _as_lists(value: Any) -> Any:
    """A section as YAML holds it: its tuples as lists."""
    if isinstance(value, Mapping):
        return {name: _as_lists(item) for name, item in value.items()}
    return [_as_lists(item) for item in value] if isinstance(value, (list, tuple)) else value
