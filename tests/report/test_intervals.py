from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import average_precision_score, roc_auc_score

from automax_lightning.report.intervals import FEWEST, Interval, difference, estimate, interval, is_alike, of_rarest, rarest
from automax_lightning.trial.score_file import SplitScores

RNG = np.random.default_rng(3)
LABELS = (RNG.random(300) < 0.2).astype(int)
SCORES = np.round(RNG.normal(size=300) + LABELS, 1)  # with many ties


def few(positives: int, negatives: int, seed: int = 0) -> SplitScores:
    labels = np.repeat([1, 0], [positives, negatives])
    return SplitScores(np.random.default_rng(seed).normal(size=len(labels)) + labels, labels)


@pytest.mark.parametrize(("metric", "reference"), [("AUROC", roc_auc_score), ("AUPRC", average_precision_score)])
def test_an_interval_holds_the_area_of_scikit_learn(metric: str, reference: object) -> None:
    found = interval(SplitScores(SCORES, LABELS), metric)
    assert found is not None
    assert found.value == pytest.approx(reference(LABELS, SCORES))  # type: ignore[operator]
    assert 0 < found.low < found.value < found.high < 1


def test_the_interval_has_the_width_of_hanley_and_mcneil() -> None:
    labels = np.repeat([1, 0], [100, 400])
    scores = np.random.default_rng(0).normal(size=500) + 1.2 * labels
    found = interval(SplitScores(scores, labels), "AUROC")
    assert found is not None
    a = found.value
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    error = np.sqrt((a * (1 - a) + 99 * (q1 - a * a) + 399 * (q2 - a * a)) / (100 * 400))
    assert (found.high - found.low) / (2 * 1.96 * error) == pytest.approx(1.0, abs=0.2)


def test_the_variance_of_an_auroc_is_delongs_by_brute_force() -> None:
    scores, labels = SCORES[:60], LABELS[:60]
    positive, negative = scores[labels == 1], scores[labels == 0]
    beaten = [[1.0 if p > n else 0.5 if p == n else 0.0 for n in negative] for p in positive]
    of_positive, of_negative = (np.mean(beaten, axis=axis) for axis in (1, 0))
    expected = np.var(of_positive, ddof=1) / len(positive) + np.var(of_negative, ddof=1) / len(negative)
    found = estimate(scores, labels, "AUROC")
    assert found.variance == pytest.approx(expected)
    assert found.value == pytest.approx(np.mean(beaten))


def test_the_influence_on_an_auprc_is_the_derivative_of_scikit_learns() -> None:
    scores, labels = SCORES[:80], LABELS[:80]
    slopes = np.zeros(80)
    for row, step in itertools.product(range(80), (1e-5, -1e-5)):
        weights = np.ones(80)
        weights[row] += step
        slopes[row] += average_precision_score(labels, scores, sample_weight=weights) / (2 * step)
    found = estimate(scores, labels, "AUPRC")
    for kind in (0, 1):
        size = np.sum(labels == kind)
        centred = slopes[labels == kind] - slopes[labels == kind].mean()
        np.testing.assert_allclose(found.influence[labels == kind], centred * np.sqrt(size / (size - 1)), atol=1e-6)


def test_a_paired_difference_is_narrower_than_the_two_intervals() -> None:
    better = SplitScores(SCORES + 0.3 * LABELS, LABELS)
    found = difference(better, SplitScores(SCORES, LABELS), "AUROC")
    alone = interval(better, "AUROC")
    assert found is not None
    assert alone is not None
    assert found.value == pytest.approx(roc_auc_score(LABELS, better.scores) - roc_auc_score(LABELS, SCORES))
    assert 0 < found.low < found.value < found.high
    assert found.high - found.low < 0.5 * (alone.high - alone.low)


def test_exchanging_the_two_turns_the_difference_round() -> None:
    one, other = few(12, 80, 1), few(12, 80, 2)
    for metric in ("AUROC", "AUPRC"):
        forth, back = difference(one, other, metric), difference(other, one, metric)
        assert forth is not None
        assert back is not None
        assert (back.value, back.low, back.high) == pytest.approx((-forth.value, -forth.high, -forth.low))


def test_several_labels_are_averaged_over_the_defined_ones() -> None:
    labels = np.stack([LABELS, LABELS[::-1], np.zeros(300, int)], axis=1)
    one, other = (SplitScores(np.random.default_rng(k).normal(size=(300, 3)) + labels, labels) for k in (1, 2))
    found = difference(one, other, "AUROC")
    assert found is not None
    means = [np.mean([roc_auc_score(labels[:, k], held.scores[:, k]) for k in (0, 1)]) for held in (one, other)]
    assert found.value == pytest.approx(means[0] - means[1])
    assert found.low < found.value < found.high


def test_the_same_label_twice_has_the_interval_of_one() -> None:
    one, other = few(15, 60, 1), few(15, 60, 2)
    twice = [SplitScores(np.stack([held.scores] * 2, axis=1), np.stack([held.labels] * 2, axis=1)) for held in (one, other)]
    single, double = difference(one, other, "AUROC"), difference(twice[0], twice[1], "AUROC")
    assert single is not None
    assert double is not None
    assert (double.value, double.low, double.high) == pytest.approx((single.value, single.low, single.high))


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


def test_five_samples_of_each_class_are_needed() -> None:
    for positives, negatives in ((FEWEST, 30), (30, FEWEST)):
        assert isinstance(interval(few(positives, negatives), "AUROC"), Interval)
        assert isinstance(difference(few(positives, negatives), few(positives, negatives, 1), "AUPRC"), Interval)
    for positives, negatives, words in ((4, 30, "4 positive samples"), (30, 1, "1 negative sample")):
        held = few(positives, negatives)
        assert interval(held, "AUPRC") is None
        assert difference(held, held, "AUROC") is None
        assert of_rarest(held.labels) == words
        assert rarest(held.labels) == min(positives, negatives)
    several = np.stack([LABELS, np.arange(300) < 3, np.zeros(300, int)], axis=1).astype(int)
    assert (rarest(several), of_rarest(several)) == (3, "3 positive samples of label 1")


def test_two_that_place_each_sample_alike_are_told_from_two_of_the_same_area() -> None:
    labels = np.array([1, 1, 0, 0, 1, 0])
    first = SplitScores(np.array([6.0, 5, 4, 3, 2, 1]), labels)
    scaled, within_a_class, across = (
        SplitScores(np.array(scores), labels)
        for scores in ([60.0, 50, 40, 30, 20, 10], [6.0, 5, 3, 4, 2, 1], [6.0, 2, 4, 3, 5, 1])
    )
    assert is_alike(first, scaled)
    assert is_alike(first, within_a_class)
    assert not is_alike(first, across)
    assert roc_auc_score(labels, first.scores) == roc_auc_score(labels, across.scores)


def area_of_shift(shift: float, positives: int, negatives: int) -> dict[str, float]:
    """The true areas of normal scores whose positives stand higher by `shift`."""
    at = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    true, false = positives * (1 - (np.arange(20_000) + 0.5) / 20_000), negatives * norm.sf(at + shift)
    return {"AUROC": norm.cdf(shift / np.sqrt(2)), "AUPRC": float(np.mean(true / (true + false)))}


@pytest.mark.parametrize("positives", [5, 20])
@pytest.mark.parametrize("metric", ["AUROC", "AUPRC"])
def test_intervals_hold_the_true_area_and_equal_scorers_are_seldom_called_different(metric: str, positives: int) -> None:
    shift, negatives, generator = 1.5, 120, np.random.default_rng(11)
    truth, labels = area_of_shift(shift, positives, negatives)[metric], np.repeat([1, 0], [positives, negatives])
    holds, differs = [], []
    for _ in range(100):
        shared = generator.normal(size=len(labels))
        one, other = (
            SplitScores(shift * labels + 0.8 * shared + 0.6 * generator.normal(size=len(labels)), labels) for _ in range(2)
        )
        alone, gap = interval(one, metric), difference(one, other, metric)
        assert alone is not None
        assert gap is not None
        holds.append(alone.low <= truth <= alone.high)
        differs.append(not gap.low <= 0 <= gap.high)
    assert np.mean(holds) >= 0.93
    assert np.mean(differs) <= 0.05
