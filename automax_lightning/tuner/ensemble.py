"""`ensemble`: the mean rank of the best trials' scores."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

from automax_lightning.auc.metrics import evaluate
from automax_lightning.errors import CheckpointError, ConfigError, DataError
from automax_lightning.search.record import SearchRecord
from automax_lightning.trial.records import TrialResult
from automax_lightning.tuner.fits import fit_of, split_scores
from automax_lightning.tuner.setup import SearchSetup


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


def ensemble(setup: SearchSetup, record: SearchRecord, top_k: int) -> Ensemble:
    """As `AutoMAX.ensemble`.

    Args:
        setup: of the search.
        record: what it has found out.
        top_k: members at most, at least 1.
    """
    if top_k < 1:
        raise ConfigError("ensemble.top_k", "at least 1", str(top_k), "Pass top_k=5.")
    members = _finished(record)[:top_k]
    if not members:
        raise CheckpointError(str(setup.directory), "finished trials with their checkpoints", "none", "Run optimize() first.")
    fits = [fit_of(setup.make_trial(record.specs[result.number]), "ensemble") for result in members]
    averaged, single, together = {}, {}, {}
    for split in ("val", "test"):
        scored = [split_scores(fit, result.checkpoint, (split,)) for fit, result in zip(fits, members, strict=True)]
        if split in scored[0]:
            averaged[split] = _mean_ranks([scores[split] for scores in scored], split)
            single[split] = _auroc(*scored[0][split])
            together[split] = _auroc(averaged[split], scored[0][split][1])
    return Ensemble(
        tuple(result.number for result in members), together["val"], together.get("test"), single["val"],
        single.get("test"), averaged["val"], averaged.get("test"),
    )  # fmt: skip


def _finished(record: SearchRecord) -> list[TrialResult]:
    """The trials that were trained to their end and have kept their checkpoints, the best first."""
    kept = [result for result in record.whole if result.checkpoint is not None and result.checkpoint.exists()]
    return sorted(kept, key=lambda result: (record.objective.cost(float(result.score or 0.0)), result.number))


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
