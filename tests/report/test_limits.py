from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_ind

from automax_lightning.report.limits import auprc_limits, auroc_limits, hanley_mcneil, mover, student_reach

Z = 1.959964


def wilson(count: int, total: int) -> tuple[float, float]:
    share, k = count / total, Z * Z / total
    middle, half = share + k / 2, Z * np.sqrt(share * (1 - share) / total + k / (4 * total))
    return (middle - half) / (1 + k), (middle + half) / (1 + k)


def test_mover_has_newcombes_published_example() -> None:
    """56/70 against 48/80: 0.0524 to 0.3339 (Newcombe, Statistics in Medicine 17, 1998, table II, method 10)."""
    values = np.array([56 / 70, 48 / 80])
    low, high = np.array([wilson(56, 70), wilson(48, 80)]).T
    down, up = mover(np.array([1.0, -1.0]), values, (low, high), np.diag([0.002, 0.003]))
    assert (0.2 - down, 0.2 + up) == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_mover_counts_the_correlation_of_what_varies() -> None:
    values, limits = np.array([0.9, 0.8]), (np.array([0.8, 0.7]), np.array([1.0, 0.9]))
    for shared, reach in ((0.0, np.sqrt(0.02)), (0.5, 0.1), (1.0, 0.0), (-1.0, 0.2)):
        down, up = mover(np.array([1.0, -1.0]), values, limits, np.array([[1.0, shared], [shared, 1.0]]))
        assert (down, up) == pytest.approx((reach, reach), abs=1e-9)
    down, _ = mover(np.array([1.0, -1.0]), values, limits, np.array([[0.0, 0.0], [0.0, 1.0]]))
    assert down == pytest.approx(np.sqrt(0.02))


@pytest.mark.parametrize("auroc", [0.6, 0.85, 0.95])
def test_the_model_of_an_auroc_is_that_of_exponential_scores(auroc: float) -> None:
    generator = np.random.default_rng(5)
    positive = generator.exponential(auroc / (1 - auroc), size=(20_000, 6))
    negative = generator.exponential(size=(20_000, 30))
    found = (positive[:, :, None] > negative[:, None, :]).mean(axis=(1, 2))
    assert found.mean() == pytest.approx(auroc, abs=0.003)
    assert found.var() == pytest.approx(float(hanley_mcneil(auroc, 6, 30)), rel=0.04)
    assert hanley_mcneil(auroc, 30, 6) == hanley_mcneil(auroc, 6, 30)


@pytest.mark.parametrize("value", [0.55, 0.8, 0.97])
@pytest.mark.parametrize("times", [0.5, 3.0])
def test_at_the_limits_of_an_auroc_the_observed_one_is_z_errors_away(value: float, times: float) -> None:
    m, n = 7, 40

    def variance(a: float) -> float:
        first, second = a / (2 - a), 2 * a * a / (1 + a)
        if a < 0.5:
            first, second = 2 * a * a / (1 + a), a / (2 - a)
            return float((a * (1 - a) + (m - 1) * (first - a * a) + (n - 1) * (second - a * a)) / (m * n))
        return float((a * (1 - a) + (m - 1) * (first - a * a) + (n - 1) * (second - a * a)) / (m * n))

    low, high = auroc_limits(value, times * variance(value), m, n)
    for limit in (float(low), float(high)):
        assert abs(limit - value) == pytest.approx(Z * np.sqrt(max(1.0, times) * variance(limit)), rel=1e-5)
    mirrored = auroc_limits(1 - value, times * variance(value), m, n)
    assert [1 - float(each) for each in mirrored] == pytest.approx([float(high), float(low)])


def test_an_auroc_of_one_still_has_a_lower_limit() -> None:
    low, high = auroc_limits(np.array([1.0, 0.0]), np.zeros(2), 5, 200)
    assert high[0] == 1.0
    assert low[1] == 0.0
    assert 0.4 < low[0] < 0.8
    assert low[0] == pytest.approx(1 - high[1])
    assert auroc_limits(1.0, 0.0, 50, 200)[0] > low[0]


def test_the_limits_of_an_auprc_by_hand() -> None:
    """0.5 of 16 positives: the error is 0.5 on the logit scale; 1.959964 above, and 2.131450 below (15 degrees of freedom)."""
    low, high = auprc_limits(0.5, 0.0, 16)
    assert (float(low), float(high)) == pytest.approx((1 / (1 + np.exp(1.065725)), 1 / (1 + np.exp(-0.979982))), abs=1e-5)
    wider = auprc_limits(0.5, 0.03, 16)
    assert float(wider[0]) < float(low)
    assert float(wider[1]) > float(high)
    assert float(auprc_limits(1.0, 0.0, 5)[1]) == 1.0


def test_the_reach_of_students_t_is_welchs() -> None:
    one, other = np.random.default_rng(0).normal(size=6), 2 * np.random.default_rng(1).normal(size=25)
    expected = ttest_ind(one, other, equal_var=False).confidence_interval()
    found = student_reach(one.var(ddof=1) / 6, other.var(ddof=1) / 25, 6, 25)
    assert found == pytest.approx((expected.high - expected.low) / 2)
    assert student_reach(0.0, 0.0, 6, 25) == 0.0
