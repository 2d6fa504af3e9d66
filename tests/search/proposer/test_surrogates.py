from __future__ import annotations

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace

from automax_lightning.search.proposer.surrogates import failure_cost, forest, gaussian_process, log_scaled


def test_a_failure_costs_as_much_as_the_worst() -> None:
    assert failure_cost([]) == 0.0
    assert failure_cost([-0.9, -0.5]) == 0.0
    assert failure_cost([3.0, 1.0]) == 3.0


def test_the_cost_scale_is_smacs() -> None:
    from smac.runhistory.encoder import RunHistoryLogScaledEncoder

    costs = np.array([-0.9, -0.85, -0.5, 0.0, -0.91])
    encoder = RunHistoryLogScaledEncoder.__new__(RunHistoryLogScaledEncoder)
    encoder._min_y, encoder._max_y = np.array([costs.min()]), np.array([costs.max()])
    encoder._percentile = np.array([np.percentile(costs, 5)])
    np.testing.assert_allclose(log_scaled(costs), encoder.transform_response_values(costs), atol=1e-9)
    assert log_scaled(np.array([1.0, 1.0])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("surrogate", [forest, gaussian_process])
def test_a_surrogate_prefers_the_side_where_costs_were_low(surrogate) -> None:  # type: ignore[no-untyped-def]
    space = ConfigurationSpace({"x": (0.0, 1.0)})
    X = np.linspace(0, 1, 12)[:, None]
    score = surrogate(space, X, -(1 - (X[:, 0] - 0.8) ** 2), seed=0)
    low, high = score(np.array([[0.1], [0.78]]))
    assert high > low


@pytest.mark.parametrize("surrogate", [forest, gaussian_process])
def test_the_same_seed_gives_the_same_scores(surrogate) -> None:  # type: ignore[no-untyped-def]
    space = ConfigurationSpace({"x": (0.0, 1.0), "kind": ["a", "b"]})
    X = np.array([config.get_array() for config in space.sample_configuration(8)])
    costs, points = np.random.default_rng(0).normal(size=8), X[::-1].copy()
    first, again = (surrogate(space, X, costs, seed=3)(points) for _ in range(2))
    assert first.shape == (8,)
    np.testing.assert_array_equal(first, again)


def test_equal_costs_are_no_obstacle() -> None:
    space = ConfigurationSpace({"x": (0.0, 1.0)})
    X = np.linspace(0, 1, 5)[:, None]
    assert np.isfinite(gaussian_process(space, X, np.full(5, -0.5), seed=0)(X)).all()
    assert not np.isnan(forest(space, X, np.full(5, -0.5), seed=0)(X)).any()
