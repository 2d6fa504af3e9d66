"""Quantiles, means and areas in NumPy, against scipy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score, roc_auc_score

from automax_lightning.search.ranking import averaging, on_one_scale, quantiles, ranking_score, weighted_mean
from automax_lightning.trial.score_file import SplitScores

SCORES = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=30)


@given(reference=SCORES)
def test_a_reference_score_has_its_mid_rank(reference: list[float]) -> None:
    held = np.array(reference)
    assert np.allclose(quantiles(held, held), (rankdata(held) - 0.5) / len(held))


@given(reference=SCORES, scores=st.lists(st.integers(-1000, 1000), min_size=2, max_size=30, unique=True))
def test_any_rows_are_ranked_as_their_scores_rank_them_and_lie_inside(reference: list[float], scores: list[int]) -> None:
    found = quantiles(np.array(reference), np.array(sorted(scores), float))
    assert bool((np.diff(found) >= 0).all())
    assert found.min() > 0
    assert found.max() < 1


def test_rows_beyond_the_reference_keep_their_order() -> None:
    found = quantiles(np.array([0.0, 1.0, 2.0]), np.array([-1e9, -5.0, -1.0, 3.0, 9.0, 1e9]))
    assert bool((np.diff(found) > 0).all())
    assert 0 < found[0] < found[-1] < 1


def test_one_reference_value_and_scores_that_are_not_numbers() -> None:
    assert quantiles(np.array([3.0, 3.0]), np.array([2.0, 3.0, 4.0])).tolist() == [0.25, 0.5, 0.75]
    assert np.isnan(quantiles(np.array([1.0, 2.0]), np.array([np.nan])))[0]


def test_several_labels_are_ranked_column_by_column() -> None:
    reference, scores = np.array([[1.0, 10.0], [2.0, 20.0]]), np.array([[1.0, 20.0]])
    assert quantiles(reference, scores).tolist() == [[0.25, 0.75]]


def test_how_members_are_averaged_depends_on_their_labels() -> None:
    binary = SplitScores(np.array([0.1, 0.9]), np.array([0, 1]))
    labels = SplitScores(np.zeros((2, 3)), np.array([[1, 1, 0], [0, 0, 1]]))
    classes = SplitScores(np.zeros((2, 3)), np.array([[1, 0, 0], [0, 0, 1]]))
    values = SplitScores(np.array([0.1, 0.9]), np.array([0.3, 4.0]))
    broken = SplitScores(np.array([0.1, np.nan]), np.array([0, 1]))
    cases = [[binary, binary], [labels], [classes], [values], [broken], [binary, None], []]
    assert [averaging(case) for case in cases] == ["rank", "rank", "probability", "output", "output", "output", "output"]


def test_logits_of_classes_become_probabilities_and_probabilities_stay() -> None:
    logits = np.array([[1.0, 2.0, 3.0], [1000.0, 0.0, 0.0]])
    found = on_one_scale("probability", None, logits)
    assert np.allclose(found.sum(1), 1)
    assert np.array_equal(on_one_scale("probability", None, found), found)
    assert np.array_equal(on_one_scale("output", None, logits), logits)


def test_a_weight_counts_a_member_so_often() -> None:
    assert weighted_mean([np.array([0.0]), np.array([0.9])], [1, 2]).tolist() == pytest.approx([0.6])


def test_equal_means_are_ties_and_a_mean_of_scores_below_one_is_below_one() -> None:
    reference = np.arange(401.0)
    one, other = (quantiles(reference, rows) for rows in (np.array([3.0, 20.0, 111.0]), np.array([280.0, 263.0, 172.0])))
    assert len(np.unique(weighted_mean([one, other], [1, 1]))) == 1
    almost = np.array([np.nextafter(1.0, 0.0)])
    assert weighted_mean([almost, almost], [1, 1])[0] < 1


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1)), min_size=2, max_size=40))
def test_areas_are_those_of_scikit_learn(rows: list[tuple[int, int]]) -> None:
    scores, labels = (np.array(column, float) for column in zip(*rows, strict=True))
    if len(set(labels)) < 2:
        assert ranking_score("AUROC", scores, labels) is None
        return
    assert ranking_score("AUROC", scores, labels) == pytest.approx(roc_auc_score(labels, scores))
    assert ranking_score("AUPRC", scores, labels) == pytest.approx(average_precision_score(labels, scores))


def test_the_area_of_several_labels_is_the_mean_over_those_with_both_classes() -> None:
    scores = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    labels = np.array([[0, 1], [1, 1], [0, 1]])
    assert ranking_score("AUROC", scores, labels) == 0.5
