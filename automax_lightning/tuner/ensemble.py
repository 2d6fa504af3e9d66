"""`ensemble`: the best trials' scores averaged by rank; `delivered`: the predictor that a search leaves."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import lightning as L
import numpy as np
import torch
from torch import Tensor

from automax_lightning.auc.metrics import evaluate
from automax_lightning.errors import CheckpointError, ConfigError, DataError
from automax_lightning.search.members import ensemble_of, ranked_trials
from automax_lightning.search.ranking import Average, averaging, on_one_scale, weighted_mean
from automax_lightning.search.record import SearchRecord
from automax_lightning.tuner.fits import as_kept, best_of, fit_of, split_scores
from automax_lightning.tuner.predictor import Data, Model, Predictor, predictor_of
from automax_lightning.tuner.setup import SearchSetup


@dataclasses.dataclass(frozen=True)
class Ensemble:
    """Several trials' scores, averaged: by rank, or for several exclusive classes as probabilities, see `Predictor`.

    Args:
        members: numbers of the trials, the best first.
        val: AUROC on the validation split, on which the members were chosen: expect less elsewhere.
        test: AUROC on the test split, or None without one.
        single_val: validation AUROC of the best member alone.
        single_test: test AUROC of the best member alone.
        val_scores: score of each validation sample, in (0, 1), (N,) or (N, C).
        test_scores: the same for the test split, or None. Ranks are those among the validation samples there too, so that
            these are the scores that `predict` gives the same rows.
        predictor: scores new rows.
    """

    members: tuple[int, ...]
    val: float
    test: float | None
    single_val: float
    single_test: float | None
    val_scores: Tensor = dataclasses.field(repr=False)
    test_scores: Tensor | None = dataclasses.field(repr=False)
    predictor: Predictor = dataclasses.field(repr=False)

    def predict(self, data: Data, batch_size: int = 1024) -> Tensor:
        """The scores of new rows, in (0, 1), see `Predictor.predict`.

        Args:
            data: inputs as the network sees them: a tensor, an array, a dataset or a loader.
            batch_size: rows at once of a tensor, an array or a dataset, at least 1.
        """
        return self.predictor.predict(data, batch_size)

    def __str__(self) -> str:
        lines = [
            f"Ensemble of trials {', '.join(map(str, self.members))}, by mean {self.predictor.averaged_by}:",
            f"{'':<12}{'val AUROC':<12}test AUROC",
            f"{'best alone':<12}{self.single_val:<12.6f}{'-' if self.single_test is None else format(self.single_test, '.6f')}",
            f"{'ensemble':<12}{self.val:<12.6f}{'-' if self.test is None else format(self.test, '.6f')}",
            "The members were chosen on the validation split; only the test column is an honest comparison.",
        ]
        return "\n".join(lines)


def ensemble(setup: SearchSetup, record: SearchRecord, top_k: int) -> Ensemble:
    """As `AutoMAX.ensemble`.

    Args:
        setup: of the search.
        record: what it has found out.
        top_k: members at most, at least 1.
    """
    if top_k < 1:
        raise ConfigError("ensemble.top_k", "at least 1", str(top_k), "Pass top_k=5.")
    if record.resampling.kind != "holdout":
        raise ConfigError(
            "AutoMAX.ensemble", "trials with the same validation rows, as resampling='holdout' has them",
            repr(record.resampling.kind), "Call tuner.predict(x), which averages the models that the search delivers.",
        )  # fmt: skip
    members = [result for result in ranked_trials(record) if result.checkpoint and result.checkpoint.exists()][:top_k]
    if not members:
        raise CheckpointError(str(setup.directory), "finished trials with their checkpoints", "none", "Run optimize() first.")
    fits = [fit_of(setup.make_trial(record.specs[result.number]), "ensemble") for result in members]
    scored: list[dict[str, tuple[Tensor, Tensor]]] = [{} for _ in fits]
    for split in ("val", "test"):
        for fit, result, scores in zip(fits, members, scored, strict=True):
            scores |= split_scores(fit, result.checkpoint, (split,))
        if split in scored[0]:
            _check_same_rows([each[split][1] for each in scored], split)
    average = averaging([as_kept(*each["val"]) for each in scored])
    references = [each["val"][0].numpy() for each in scored]
    together = {split: _mean(average, references, [each[split][0].numpy() for each in scored]) for split in scored[0]}
    values = {split: _auroc(scores, scored[0][split][1]) for split, scores in together.items()}
    single = {split: _auroc(*scored[0][split]) for split in scored[0]}
    models = tuple(
        Model(result.number, fit.module.eval(), reference if average == "rank" else None)
        for result, fit, reference in zip(members, fits, references, strict=True)
    )
    return Ensemble(
        tuple(result.number for result in members), values["val"], values.get("test"), single["val"], single.get("test"),
        together["val"], together.get("test"), Predictor(models, average),
    )  # fmt: skip


def _mean(average: Average, references: Sequence[np.ndarray], scores: Sequence[np.ndarray]) -> Tensor:
    scaled = [on_one_scale(average, reference, each) for reference, each in zip(references, scores, strict=True)]
    return torch.from_numpy(weighted_mean(scaled, [1] * len(scaled)))


def _check_same_rows(targets: Sequence[Tensor], split: str) -> None:
    for other in targets[1:]:
        if other.shape != targets[0].shape or not torch.equal(other, targets[0]):
            raise DataError(
                f"ensemble.{split}", "the same samples in the same order for every trial", "different targets",
                "Fix the split's seed, and do not shuffle it.",
            )  # fmt: skip


def _auroc(scores: Tensor, targets: Tensor) -> float:
    return evaluate("AUROC", scores, targets)[""].value


def delivered(setup: SearchSetup, record: SearchRecord, best_model: Callable[[], L.LightningModule]) -> Predictor:
    """What a search delivers: its ensemble, or, where there is none, the best model.

    Args:
        setup: of the search.
        record: what it has found out.
        best_model: loads the best model.

    Raises:
        CheckpointError: if no checkpoint is there.
        ConfigError: if the trainable has no module.
    """
    table = ensemble_of(record, setup.ensemble) if record.results else None
    if table is None or not table.members:
        module = best_model()
        held = record.scores_of(record.best).splits.get("val")
        average = averaging([held])
        reference = held.scores if held is not None and average == "rank" else None
        return Predictor((Model(best_of(record).number, module, reference),), average)
    return predictor_of(setup.directory, table, setup.make, trust=setup.config.trust)
