from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from automax_lightning.report.bootstrap import GRID, Ranking, area, bands, resamples
from automax_lightning.trial.score_file import SplitScores

RNG = np.random.default_rng(3)
LABELS = (RNG.random(300) < 0.2).astype(int)
SCORES = np.round(RNG.normal(size=300) + LABELS, 1)  # with many ties


@pytest.mark.parametrize(("metric", "reference"), [("AUROC", roc_auc_score), ("AUPRC", average_precision_score)])
def test_areas_are_those_of_scikit_learn_with_ties_and_in_resamples(metric: str, reference: object) -> None:
    ranking = Ranking(SCORES, LABELS)
    for drawn in (np.arange(300), *resamples(LABELS, 3, seed=1)):
        expected = reference(LABELS[drawn], SCORES[drawn])  # type: ignore[operator]
        assert area(metric, *ranking.counts(drawn)) == pytest.approx(expected, abs=1e-12)


def test_resampling_keeps_the_number_of_each_class_and_depends_on_the_seed() -> None:
    chances = list(resamples(LABELS, 5, seed=1))
    assert all(LABELS[drawn].sum() == LABELS.sum() and len(drawn) == 300 for drawn in chances)
    assert all(len(set(drawn)) < 300 for drawn in chances)
    assert all(np.array_equal(a, b) for a, b in zip(chances, resamples(LABELS, 5, seed=1), strict=True))
    assert not np.array_equal(chances[0], next(resamples(LABELS, 1, seed=2)))


def test_bands_hold_the_curves() -> None:
    found = bands(SplitScores(SCORES, LABELS), repeats=300)
    false, true, _ = roc_curve(LABELS, SCORES)
    curve = np.interp(GRID, false, true)
    assert np.mean((found.roc[0] <= curve + 1e-9) & (curve <= found.roc[1] + 1e-9)) > 0.97
    precision, recall, _ = precision_recall_curve(LABELS, SCORES)
    reached = [precision[np.flatnonzero(recall >= r)[-1]] for r in GRID[1:]]  # where a recall is reached first
    assert np.mean((found.pr[0][1:] <= reached) & (reached <= found.pr[1][1:])) > 0.97
