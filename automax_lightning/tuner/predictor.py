"""`Predictor`: the models that a search delivers, which score rows of any data, one row at a time if need be."""

from __future__ import annotations

import copy
import dataclasses
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from automax_lightning.auc.batch.parts import inputs_of
from automax_lightning.auc.module import AUCModule
from automax_lightning.errors import CheckpointError, ConfigError
from automax_lightning.search.ranking import Average, averaging, on_one_scale, weighted_mean
from automax_lightning.search.storage.ensemble_folder import FOLDER, EnsembleTable, Member
from automax_lightning.trial.checkpoint import TrialFiles, TrialIdentity
from automax_lightning.trial.isolation import isolated
from automax_lightning.trial.records import Trainable, TrialSpec
from automax_lightning.trial.score_file import SplitScores, read_scores
from automax_lightning.tuner.fits import loaded, module_of

Data = DataLoader[Any] | Dataset[Any] | Tensor | np.ndarray | Iterable[Any]
"""Rows as the network sees them."""


@dataclasses.dataclass(frozen=True, eq=False)
class Model:
    """One model of a predictor.

    Args:
        trial: number of the trial, from 1.
        module: in evaluation mode.
        reference: its validation scores, (N,) or (N, C); None where they are not used.
        weight: how often it counts in the mean, at least 1.
    """

    trial: int
    module: L.LightningModule
    reference: np.ndarray | None = None
    weight: int = 1


@dataclasses.dataclass(frozen=True, eq=False)
class Predictor:
    """One or several models whose scores are averaged, each on its own.

    By ``"rank"``: each model's score becomes its quantile among that model's validation scores, its mid-rank in their
    empirical distribution, and the quantiles are averaged. So scores lie in (0, 1), losses of different scales are
    averaged fairly, and one row needs no others. They rank; they are no probabilities. Several labels are averaged column
    by column. The module must return what was ranked in validation, as an `AUCModule` does. By ``"probability"`` (exclusive
    classes): the softmax, or the rows as they are where they are probabilities. By ``"output"`` (where no scores of the
    validation split were kept, as for a regression): the outputs.

    Args:
        models: at least one, the best first.
        averaged_by: ``"rank"``, ``"probability"`` or ``"output"``.
    """

    models: tuple[Model, ...]
    averaged_by: Average

    @property
    def members(self) -> tuple[int, ...]:
        """Numbers of the trials, the best first."""
        return tuple(model.trial for model in self.models)

    def predict(self, data: Data, batch_size: int = 1024) -> Tensor:
        """The scores of all rows, in order.

        Args:
            data: inputs as the network sees them, a tensor or an array (N, ...); a dataset or a loader of them, or of tuples
                that begin with them. For an `AUCModule` of batches of any form that it is trained on.
            batch_size: rows at once of a tensor, an array or a dataset, at least 1.

        Returns:
            On the CPU, float64: in (0, 1) by rank, (N,) for one label and (N, C) for several; otherwise the mean of
            probabilities (N, C), or of outputs in the network's own shape.

        Raises:
            ConfigError: if the network returns another shape than was ranked in validation.
        """
        parts: list[list[Tensor]] = [[] for _ in self.models]
        with torch.no_grad():
            for batch in _batches(data, batch_size):
                for part, model in zip(parts, self.models, strict=True):
                    part.append(model.module(_inputs(model.module, batch)).detach().cpu())
        scored = [
            on_one_scale(self.averaged_by, model.reference, self._scores(model, torch.cat(part)))
            for part, model in zip(parts, self.models, strict=True)
        ]
        return torch.from_numpy(weighted_mean(scored, [model.weight for model in self.models]))

    def _scores(self, model: Model, outputs: Tensor) -> np.ndarray:
        """What was ranked in validation: (N, 1) as (N,), and the two columns of a two-class output as one score."""
        array: np.ndarray = outputs.double().numpy()
        if self.averaged_by != "rank" or model.reference is None:
            return array
        if array.ndim == 2 and model.reference.ndim == 1 and array.shape[1] in (1, 2):
            array = array[:, -1] if array.shape[1] == 1 else array[:, 1] - array[:, 0]
        if array.shape[1:] != model.reference.shape[1:]:
            raise ConfigError(
                "predict", f"outputs of the shape {_shape(model.reference)} that was scored in validation",
                _shape(array), "Return from forward() what the validation step returns as scores.",
            )  # fmt: skip
        return array


def _shape(array: np.ndarray) -> str:
    return f"({', '.join(['N', *map(str, array.shape[1:])])})"


def _batches(data: Data, batch_size: int) -> Iterator[Any]:
    rows: Any = torch.as_tensor(data) if isinstance(data, np.ndarray) else data
    if isinstance(data, np.ndarray) and rows.dtype == torch.float64:  # NumPy's default is not that of networks
        rows = rows.to(torch.get_default_dtype())
    if isinstance(rows, Tensor):
        rows = TensorDataset(rows)
    if isinstance(rows, Dataset):
        rows = DataLoader(rows, batch_size=batch_size)
    yield from rows


def _inputs(module: L.LightningModule, batch: Any) -> Any:
    """What a module sees of a batch; only of an `AUCModule` is it known how batches of other forms are read."""
    if isinstance(module, AUCModule):
        return inputs_of(batch, module.hparams["num_labels"])
    return batch[0] if isinstance(batch, (list, tuple)) else batch


def predictor_of(
    directory: Path, table: EnsembleTable, make: Callable[[Mapping[str, Any]], Trainable | L.LightningModule], *, trust: bool
) -> Predictor:
    """The predictor of an ensemble that lies on the disk.

    Args:
        directory: of the search.
        table: its members, at least one.
        make: a trainable, or its module, of the values of a configuration, with any weights.
        trust: whether objects in a checkpoint may run code of theirs.

    Raises:
        CheckpointError: if no member's checkpoint is there, or one is damaged.
    """
    modules: list[L.LightningModule] = []
    kept: list[Member] = []
    for member in table.members:
        path = _first(TrialFiles.of(directory, member.trial).best, directory / FOLDER / member.checkpoint)
        if path is None:
            warnings.warn(f"trial {member.trial} is left out of the ensemble: its checkpoint is gone.", stacklevel=3)
            continue
        with isolated():
            trainable = make(member.configuration)
            same = module_of(trainable, "predict")
        # A factory may give the same object every time, which the next checkpoint would overwrite.
        modules = [copy.deepcopy(module) if module is same else module for module in modules]
        modules.append(loaded(trainable, "predict", path, _identity(member, table.search), trust=trust))
        kept.append(member)
    if not kept:
        raise CheckpointError(str(directory / FOLDER), "the checkpoints of the ensemble", "none", "Run optimize() again.")
    validation = [_validation(directory, member) for member in kept]
    models = [Model(member.trial, module, weight=member.weight) for member, module in zip(kept, modules, strict=True)]
    average = averaging(validation)
    return Predictor(tuple(_with_reference(*each, average) for each in zip(models, validation, strict=True)), average)


def _with_reference(model: Model, held: SplitScores | None, average: Average) -> Model:
    return model if held is None or average != "rank" else dataclasses.replace(model, reference=held.scores)


def _first(*paths: Path) -> Path | None:
    return next((path for path in paths if path.exists()), None)


def _identity(member: Member, search: str) -> TrialIdentity:
    return TrialIdentity.of(TrialSpec(member.trial, member.configuration, member.seed, search=search))


def _validation(directory: Path, member: Member) -> SplitScores | None:
    path = _first(TrialFiles.of(directory, member.trial).scores, directory / FOLDER / member.scores)
    return None if path is None else read_scores(path).splits.get("val")
