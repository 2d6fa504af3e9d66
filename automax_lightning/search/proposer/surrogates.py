"""SMAC's surrogate models, made for few and expensive trials, and the costs that they are shown."""

from __future__ import annotations

import functools
import operator
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace
from ConfigSpace.hyperparameters import OrdinalHyperparameter
from numpy.typing import NDArray

Array = NDArray[np.float64]
Acquisition = Callable[[Array], Array]


def failure_cost(costs: Sequence[float]) -> float:
    """The finite cost that stands for a trial without a score: worse than all scores so far.

    An AUROC of 0 costs 0, and every AUROC that was reached costs less, so among AUROC costs it is 0.0. For other
    targets it is the worst cost seen. An infinite cost would reach the forest and end the search.

    Args:
        costs: costs of the trials with a score.

    Example:
        >>> failure_cost([-0.9, -0.7]), failure_cost([2.0, 3.5]), failure_cost([])
        (0.0, 3.5, 0.0)
    """
    return max([0.0, *costs])


def log_scaled(costs: Array) -> Array:
    """Costs on SMAC's log scale, where the differences among the best ones count most.

    It is ``RunHistoryLogScaledEncoder.transform_response_values`` of SMAC 2.4: linear to (0, 1], then the logarithm.

    Args:
        costs: (n,), finite.

    Returns:
        (n,), at most 0.
    """
    worst, best = costs.max(), costs.min()
    low = best - (np.percentile(costs, 5) - best) - 1e-10
    if worst - low <= 0:
        return np.zeros_like(costs)
    return np.asarray(np.log(np.maximum((costs - low) / (worst - low), 1e-12)))


def forest(space: ConfigurationSpace, X: Array, costs: Array, seed: int) -> Acquisition:
    """Expected improvement under SMAC's random forest, on log-scaled costs.

    One job and at most 1000 leaves a tree propose the same as SMAC's own settings in a sixth of the time: a tree
    otherwise reserves room for a million leaves, and each prediction starts a pool of threads.
    """
    from smac.acquisition.function.expected_improvement import EI
    from smac.model.random_forest.random_forest import RandomForest

    model = RandomForest(
        space, log_y=True, n_trees=10, bootstrapping=True, ratio_features=1.0, min_samples_split=2,
        min_samples_leaf=1, max_depth=2**20, max_leaf_nodes=1000, n_jobs=1, seed=seed,
    )  # fmt: skip
    return _improvement(model, EI(log=True), X, log_scaled(costs))


def gaussian_process(space: ConfigurationSpace, X: Array, costs: Array, seed: int) -> Acquisition:
    """Expected improvement under SMAC's Gaussian process, which learns smooth landscapes from few trials."""
    from smac.acquisition.function.expected_improvement import EI

    from automax_lightning.search.proposer.gaussian_process import QuickProcess

    # With a prior on the length scales there is little to find from other starts.
    model = QuickProcess(configspace=space, kernel=_kernel(space, seed), normalize_y=True, n_restarts=0, seed=seed)
    units = _units(space)
    score = _improvement(model, EI(log=False), X / units, costs)
    return lambda vectors: score(vectors / units)


def _units(space: ConfigurationSpace) -> Array:
    """What makes 1 of each column's range: the last rank of a sequence, whose vectors are ranks and not in [0, 1]."""
    lasts = [len(each.sequence) - 1 if isinstance(each, OrdinalHyperparameter) else 1 for each in space.values()]
    return np.array([max(1, last) for last in lasts], dtype=np.float64)


def _kernel(space: ConfigurationSpace, seed: int) -> Any:
    """SMAC's kernel of `BlackBoxFacade` with a log-normal prior on each length scale, and wider bounds.

    SMAC's own ends at 1.09 times a hyperparameter's range, so that none can be found to matter little, and has no prior,
    so that the likeliest length scales of the first ten trials are often near zero: a process that knows nothing.
    """
    from smac.model.gaussian_process.kernels import ConstantKernel, HammingKernel, MaternKernel, WhiteKernel
    from smac.model.gaussian_process.priors import HorseshoePrior, LogNormalPrior
    from smac.utils.configspace import get_types

    types = np.array(get_types(space)[0])
    factors = []
    for kind, columns in ((MaternKernel, np.flatnonzero(types == 0)), (HammingKernel, np.flatnonzero(types))):
        if len(columns):
            scales, bounds = np.ones(len(columns)), [(0.02, 30.0)] * len(columns)
            factors.append(kind(scales, bounds, operate_on=columns, prior=LogNormalPrior(1.0, seed=seed)))
    amplitude = ConstantKernel(1.0, (np.exp(-10), np.exp(3)), prior=LogNormalPrior(1.0, seed=seed))
    noise = WhiteKernel(1e-4, (np.exp(-25), np.exp(2)), prior=HorseshoePrior(0.1, seed=seed))
    return functools.reduce(operator.mul, factors, amplitude) + noise


def _improvement(model: object, function: object, X: Array, Y: Array) -> Acquisition:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the kernel's optimiser reports every bound that it touches
        model.train(X, Y)  # type: ignore[attr-defined]
        mean, _ = model.predict_marginalized(X)  # type: ignore[attr-defined]
    function.update(model=model, eta=float(mean.min()))  # type: ignore[attr-defined]

    def score(vectors: Array) -> Array:
        # SMAC's public call takes Configuration objects, which cost a hundred times the evaluation itself.
        return np.asarray(function._compute(vectors)).reshape(-1)  # type: ignore[attr-defined]

    return score
