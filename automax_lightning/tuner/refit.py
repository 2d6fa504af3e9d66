"""`refit`: the best configurations, trained once more on the training and the validation data."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Literal

import lightning as L
import torch
from torch import Tensor

from automax_lightning.auc.callback import AUROC
from automax_lightning.auc.data.datamodule import AUCDataModule
from automax_lightning.auc.data.merged import MergedDataModule
from automax_lightning.auc.metrics import evaluate
from automax_lightning.errors import ConfigError
from automax_lightning.search.members import ranked_trials
from automax_lightning.search.planning.racing import runners
from automax_lightning.search.ranking import averaging, on_one_scale, weighted_mean
from automax_lightning.search.record import SearchRecord
from automax_lightning.search.storage.history import configuration_key
from automax_lightning.search.storage.ownership import claim_file
from automax_lightning.trial.fit import Fit
from automax_lightning.trial.records import TrialResult
from automax_lightning.trial.score_file import SplitScores
from automax_lightning.tuner.fits import as_kept, best_of, fit_of, split_scores, train_all
from automax_lightning.tuner.predictor import Data, Model, Predictor
from automax_lightning.tuner.setup import SearchSetup

Epochs = Literal["all", "best"]
Vary = Literal["configurations", "seeds"]


@dataclasses.dataclass(frozen=True)
class Refit:
    """One or several models that were trained on the training and the validation data.

    Args:
        module: the first one, trained, in evaluation mode.
        checkpoint: where its weights are kept.
        epochs: epochs that it was trained.
        test: metric name -> value on the test split, if there is one; of several models AUROC and AUPRC of their mean. There
            is no validation score: that split was trained on.
        predictor: scores new rows with all models.
        members: each model by itself; empty where there is one.
    """

    module: L.LightningModule
    checkpoint: Path
    epochs: int
    test: dict[str, float]
    predictor: Predictor = dataclasses.field(repr=False)
    members: tuple[Refit, ...] = dataclasses.field(default=(), repr=False)

    def predict(self, data: Data, batch_size: int = 1024) -> Tensor:
        """The scores of new rows, see `Predictor.predict`. Ranks are those among the validation rows of the search.

        Args:
            data: inputs as the network sees them: a tensor, an array, a dataset or a loader.
            batch_size: rows at once of a tensor, an array or a dataset, at least 1.
        """
        return self.predictor.predict(data, batch_size)


@dataclasses.dataclass(frozen=True)
class RefitPlan:
    """What is trained.

    Args:
        data: whose training loader holds all samples; None merges the splits of an `AUCDataModule`.
        seed: of the fits; None for each trial's own.
        epochs: ``"all"`` for the whole schedule, ``"best"`` for as many as the trial took to its best score.
        members: models, at least 1.
        vary: what they differ in: the best ``"configurations"``, or ``"seeds"`` of the best one.
    """

    data: L.LightningDataModule | None = None
    seed: int | None = None
    epochs: Epochs = "all"
    members: int = 1
    vary: Vary = "configurations"

    def __post_init__(self) -> None:
        if self.members < 1:
            raise ConfigError("refit.members", "at least 1", str(self.members), "Pass members=5.")
        for name, value, choices in (("epochs", self.epochs, ("all", "best")), ("vary", self.vary, ("configurations", "seeds"))):
            if value not in choices:
                raise ConfigError(f"refit.{name}", f"one of {choices}", repr(value), f"Pass {name}={choices[0]!r}.")


@dataclasses.dataclass(frozen=True, eq=False)
class _Trained:
    """One model: of which trial, where it lies, and what it says of the splits."""

    trial: int
    module: L.LightningModule
    checkpoint: Path
    epochs: int
    test: dict[str, float]
    scores: dict[str, tuple[Tensor, Tensor]]

    @property
    def validation(self) -> SplitScores | None:
        return as_kept(*self.scores["val"]) if "val" in self.scores else None

    @property
    def alone(self) -> Refit:
        return Refit(self.module, self.checkpoint, self.epochs, self.test, _predictor([self]))


def refit(setup: SearchSetup, record: SearchRecord, plan: RefitPlan) -> Refit:
    """As `AutoMAX.refit`.

    Args:
        setup: of the search.
        record: what it has found out.
        plan: what is trained.
    """
    trained = []
    for index, (result, seed) in enumerate(_chosen(record, plan)):
        name = "refit/refit.ckpt" if index == 0 else f"refit/refit_{index + 1}.ckpt"
        trained.append(_train(setup, record, plan, result, seed, name))
    if len(trained) == 1:
        return trained[0].alone
    return _together(trained)


def _chosen(record: SearchRecord, plan: RefitPlan) -> list[tuple[TrialResult, int]]:
    """The trials whose configurations are trained, each with its seed."""
    best = best_of(record)
    seed = record.specs[best.number].seed if plan.seed is None else plan.seed
    if plan.vary == "seeds":
        return [(best, (seed + index) % 2**32) for index in range(plan.members)]
    results: dict[object, TrialResult] = {}
    for result in (best, *_ranked(record)):
        results.setdefault(configuration_key(record.configuration_of(result.number)), result)
    own = plan.seed is None
    return [(each, record.specs[each.number].seed if own else seed) for each in [*results.values()][: plan.members]]


def _ranked(record: SearchRecord) -> list[TrialResult]:
    """Trials by score; with folds or several seeds, the first one of each whole configuration, by the mean."""
    if record.repetitions == 1:
        return ranked_trials(record)
    whole = [each for each in runners(record.history, record.objective) if len(each.costs) >= record.repetitions]
    return [record.results[each.numbers[0]] for each in sorted(whole, key=lambda each: fmean(each.costs))]


def _train(
    setup: SearchSetup, record: SearchRecord, plan: RefitPlan, result: TrialResult, seed: int, name: str
) -> _Trained:  # fmt: skip
    assert result.best_epoch is not None  # a result with a score has one
    spec = record.specs[result.number]
    fit = fit_of(setup.make_trial(spec), "refit")
    schedule = spec.epochs or fit.epochs
    epochs = schedule if plan.epochs == "all" else result.best_epoch
    path = setup.directory / name
    claim_file(setup.directory, name)
    module, test = train_all(
        fit, lambda own: _merged(own, plan.data), seed, epochs=schedule, stop_after=epochs, checkpoint=path
    )  # fmt: skip
    return _Trained(result.number, module, path, epochs, test, split_scores(fit, path) if _is_ranked(fit) else {})


def _merged(own: L.LightningDataModule | None, data: L.LightningDataModule | None) -> L.LightningDataModule:
    if data is not None:
        return data
    if not isinstance(own, AUCDataModule):
        raise ConfigError(
            "refit.data", "a datamodule whose train_dataloader() gives training and validation samples",
            "None, and " + ("no datamodule" if own is None else f"a {type(own).__name__}, whose splits are its own"),
            "Pass data=MyDataModule(...) that trains on both.",
        )  # fmt: skip
    return MergedDataModule(own)


def _is_ranked(fit: Fit) -> bool:
    """Whether the fit's scores are ranked against labels, which a regression has none of."""
    return any(isinstance(callback, AUROC) for callback in fit.build().callbacks)


def _predictor(trained: Sequence[_Trained]) -> Predictor:
    average = averaging([each.validation for each in trained])
    models = (Model(each.trial, each.module, each.scores["val"][0].numpy() if average == "rank" else None) for each in trained)
    return Predictor(tuple(models), average)


def _together(trained: Sequence[_Trained]) -> Refit:
    first, predictor = trained[0], _predictor(trained)
    test = _test_of_the_mean(trained, predictor) if all("test" in each.scores for each in trained) else {}
    alone = tuple(each.alone for each in trained)
    return Refit(first.module, first.checkpoint, first.epochs, test, predictor, alone)


def _test_of_the_mean(trained: Sequence[_Trained], predictor: Predictor) -> dict[str, float]:
    scaled = [
        on_one_scale(predictor.averaged_by, model.reference, each.scores["test"][0].numpy())
        for model, each in zip(predictor.models, trained, strict=True)
    ]
    mean, labels = torch.from_numpy(weighted_mean(scaled, [1] * len(scaled))), trained[0].scores["test"][1]
    return {name: evaluate(name, mean, labels)[""].value for name in trained[0].test if name in ("AUROC", "AUPRC")}
