from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from automax_lightning.report.bootstrap import GRID, Ranking, area, bands, difference, resamples
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


def test_bands_hold_the_curves_and_the_areas() -> None:
    found = bands(SplitScores(SCORES, LABELS), repeats=300)
    false, true, _ = roc_curve(LABELS, SCORES)
    curve = np.interp(GRID, false, true)
    assert np.mean((found.roc[0] <= curve + 1e-9) & (curve <= found.roc[1] + 1e-9)) > 0.97
    precision, recall, _ = precision_recall_curve(LABELS, SCORES)
    reached = [precision[np.flatnonzero(recall >= r)[-1]] for r in GRID[1:]]  # where a recall is reached first
    assert np.mean((found.pr[0][1:] <= reached) & (reached <= found.pr[1][1:])) > 0.97
    for interval, reference in ((found.auroc, roc_auc_score), (found.auprc, average_precision_score)):
        assert interval.value == pytest.approx(reference(LABELS, SCORES))
        assert interval.low < interval.value < interval.high


def test_the_interval_has_the_width_of_hanley_and_mcneil() -> None:
    labels = np.repeat([1, 0], [100, 400])
    scores = np.random.default_rng(0).normal(size=500) + 1.2 * labels
    found = bands(SplitScores(scores, labels), repeats=500).auroc
    a = found.value
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    error = np.sqrt((a * (1 - a) + 99 * (q1 - a * a) + 399 * (q2 - a * a)) / (100 * 400))
    assert (found.high - found.low) / (2 * 1.96 * error) == pytest.approx(1.0, abs=0.2)


def test_a_paired_difference_is_narrower_than_the_two_intervals() -> None:
    better = SplitScores(SCORES + 0.3 * LABELS, LABELS)
    found = difference(better, SplitScores(SCORES, LABELS), "AUROC", repeats=300)
    assert found is not None
    assert found.value == pytest.approx(roc_auc_score(LABELS, better.scores) - roc_auc_score(LABELS, SCORES))
    alone = bands(better, repeats=300).auroc
    assert 0 < found.low < found.value < found.high
    assert found.high - found.low < 0.5 * (alone.high - alone.low)


def test_several_labels_are_averaged_over_the_defined_ones() -> None:
    labels = np.stack([LABELS, LABELS[::-1], np.zeros(300, int)], axis=1)
    one, other = (SplitScores(np.random.default_rng(k).normal(size=(300, 3)) + labels, labels) for k in (1, 2))
    found = difference(one, other, "AUROC", repeats=50)
    assert found is not None
    means = [np.mean([roc_auc_score(labels[:, k], held.scores[:, k]) for k in (0, 1)]) for held in (one, other)]
    assert found.value == pytest.approx(means[0] - means[1])


@pytest.mark.parametrize(
    "other",
    [
        SplitScores(SCORES, 1 - LABELS),
        SplitScores(SCORES[:10], LABELS[:10]),
        SplitScores(np.where(LABELS, np.nan, SCORES), LABELS),
    ],
)
def test_what_cannot_be_compared_has_no_difference(other: SplitScores) -> None:
    assert difference(SplitScores(SCORES, LABELS), other, "AUROC") is None


def test_one_class_has_no_difference() -> None:
    held = SplitScores(SCORES, np.zeros(300, int))
    assert difference(held, held, "AUROC") is None
