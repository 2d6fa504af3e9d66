"""What people want after a search: the best model refitted on all data, an ensemble of the best, and predictions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from automax_lightning.auc.data.datamodule import AUCDataModule
from automax_lightning.auc.data.merged import MergedDataModule
from automax_lightning.auc.metrics import evaluate
from automax_lightning.errors import CheckpointError, ConfigError, DataError
from automax_lightning.space.configurations import configuration
from automax_lightning.trial.records import Status, TrialResult
from automax_lightning.tuner.fits import split_scores, train_all
from automax_lightning.view import SearchView


@dataclasses.dataclass(frozen=True)
class Refit:
    """A model that was trained on the training and the validation data.

    Args:
        module: trained, in evaluation mode.
        checkpoint: where its weights are kept.
        epochs: epochs trained: those after which the best trial was best.
        test: metric name -> value on the test split, if there is one. There is no validation score: that split was
            trained on.
    """

    module: L.LightningModule
    checkpoint: Path
    epochs: int
    test: dict[str, float]


@dataclasses.dataclass(frozen=True)
class Ensemble:
    """The mean rank of several trials' scores.

    Args:
        members: numbers of the trials, the best first.
        val: AUROC on the validation split, on which the members were chosen: expect less elsewhere.
        test: AUROC on the test split, or None without one.
        single_val: validation AUROC of the best member alone.
        single_test: test AUROC of the best member alone.
        val_scores: mean rank of each validation sample, in (0, 1], (N,) or (N, C).
        test_scores: the same for the test split, or None.
    """

    members: tuple[int, ...]
    val: float
    test: float | None
    single_val: float
    single_test: float | None
    val_scores: Tensor = dataclasses.field(repr=False)
    test_scores: Tensor | None = dataclasses.field(repr=False)

    def __str__(self) -> str:
        lines = [
            f"Ensemble of trials {', '.join(map(str, self.members))}, by mean rank:",
            f"{'':<12}{'val AUROC':<12}test AUROC",
            f"{'best alone':<12}{self.single_val:<12.6f}{'-' if self.single_test is None else format(self.single_test, '.6f')}",
            f"{'ensemble':<12}{self.val:<12.6f}{'-' if self.test is None else format(self.test, '.6f')}",
            "The members were chosen on the validation split; only the test column is an honest comparison.",
        ]
        return "\n".join(lines)


class AfterSearch(SearchView):
    """The part of `AutoMAX` that works with the trials on disk once they are there."""

    @property
    def best_config(self) -> dict[str, Any]:
        """The best trial's hyperparameters as plain values; inactive ones are absent.

        Raises:
            CheckpointError: if no trial has a score.
        """
        return self.configuration_of(self._best().number)

    def _best(self) -> TrialResult:
        best = self.best
        if best is None:
            raise CheckpointError(str(self.directory), "a trial with a score", "none", "Run optimize() first.")
        return best

    def predict(self, data: DataLoader[Any] | Dataset[Any] | Tensor | Iterable[Any], batch_size: int = 1024) -> Tensor:
        """The best model's outputs, in order.

        Args:
            data: inputs as the network sees them, a tensor (N, ...); a dataset or a loader of them, or of tuples that
                begin with them.
            batch_size: of a tensor or a dataset.

        Returns:
            What the module returns for all of them, on the CPU: for an `AUCModule` logits (N,), (N, 1) or (N, C).

        Raises:
            CheckpointError: if there is no best checkpoint.
        """
        module = self.load_best_model()
        loader: Any = TensorDataset(data) if isinstance(data, Tensor) else data
        if isinstance(loader, Dataset):
            loader = DataLoader(loader, batch_size=batch_size)
        with torch.no_grad():
            return torch.cat([module(batch[0] if isinstance(batch, (list, tuple)) else batch).cpu() for batch in loader])

    def refit(self, data: L.LightningDataModule | None = None, *, seed: int | None = None) -> Refit:
        """Train the best configuration once more, on the training and the validation split together.

        It trains for as many epochs as the best trial took to its best one, on that trial's schedule. Nothing is
        validated, and nothing is chosen.

        Args:
            data: whose training loader holds all samples; None merges the splits of an `AUCDataModule`, which
                `trainer_factory` always makes.
            seed: of the fit; None for the best trial's.

        Raises:
            ConfigError: if the datamodule is somebody else's, and `data` is not given.
            CheckpointError: if no trial has a score.
        """
        best = self._best()
        assert best.best_epoch is not None
        spec = self.history.spec(best.number)
        fit = self._fit_of(best)

        def merge(found: L.LightningDataModule | None) -> L.LightningDataModule:
            if data is not None:
                return data
            if not isinstance(found, AUCDataModule):
                raise ConfigError(
                    "refit.data", "a datamodule whose train_dataloader() gives training and validation samples",
                    "None, and " + ("no datamodule" if found is None else f"a {type(found).__name__}, whose splits are its own"),
                    "Pass data=MyDataModule(...) that trains on both.",
                )  # fmt: skip
            return MergedDataModule(found)

        path = self.directory / "refit" / "refit.ckpt"
        epochs = spec.epochs or fit.epochs
        wanted = spec.seed if seed is None else seed
        module, test = train_all(fit, merge, wanted, epochs=epochs, stop_after=best.best_epoch, checkpoint=path)
        return Refit(module, path, best.best_epoch, test)

    def ensemble(self, top_k: int = 5) -> Ensemble:
        """The mean rank of the scores of the `top_k` best trials on disk, and its own AUROC.

        Ranks, because the scores of different losses are on different scales.

        Args:
            top_k: members at most, at least 1; fewer if fewer trials have finished.

        Raises:
            ConfigError: if `top_k` is below 1.
            CheckpointError: if no finished trial has kept its checkpoint.
            DataError: if the validation samples of two members differ.
        """
        if top_k < 1:
            raise ConfigError("ensemble.top_k", "at least 1", str(top_k), "Pass top_k=5.")
        members = self._finished()[:top_k]
        if not members:
            raise CheckpointError(str(self.directory), "finished trials with their checkpoints", "none", "Run optimize() first.")
        found = [split_scores(self._fit_of(result), result.checkpoint, trust=self.config.trust) for result in members]
        averaged, single = {}, {}
        for split in found[0]:
            averaged[split] = _mean_ranks([kept[split] for kept in found], split)
            single[split] = _auroc(*found[0][split])
        ensembled = {split: _auroc(scores, found[0][split][1]) for split, scores in averaged.items()}
        return Ensemble(
            tuple(result.number for result in members), ensembled["val"], ensembled.get("test"), single["val"],
            single.get("test"), averaged["val"], averaged.get("test"),
        )  # fmt: skip

    def _finished(self) -> list[TrialResult]:
        done = [
            result for result in self.history.final().values() if result.status is Status.SUCCESS and result.score is not None
        ]
        kept = [result for result in done if result.checkpoint is not None and result.checkpoint.exists()]
        return sorted(kept, key=lambda result: (self.objective.cost(float(result.score or 0.0)), result.number))

    def _fit_of(self, result: TrialResult) -> Any:
        return self.trainer(configuration(self.configspace, self.configuration_of(result.number)))


def _mean_ranks(members: Sequence[tuple[Tensor, Tensor]], split: str) -> Tensor:
    targets = members[0][1]
    for _, other in members[1:]:
        if other.shape != targets.shape or not torch.equal(other, targets):
            raise DataError(
                f"ensemble.{split}", "the same samples in the same order for every trial", "different targets",
                "Fix the split's seed, and do not shuffle it.",
            )  # fmt: skip
    ranks = [rankdata(scores.numpy(), axis=0) for scores, _ in members]
    # Sums of ranks are exact, so equal ones stay equal; sums of quotients would be ordered by their last bits.
    return torch.from_numpy(np.sum(ranks, axis=0) / (len(members) * len(targets)))


def _auroc(scores: Tensor, targets: Tensor) -> float:
    return evaluate("AUROC", scores, targets)[""].value
