from __future__ import annotations

import warnings

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace
from smac.model.gaussian_process.gaussian_process import GaussianProcess

from automax_lightning.search.proposer import gaussian_process
from automax_lightning.search.proposer.gaussian_process import QuickProcess
from automax_lightning.search.proposer.proposer import Observation, Proposer
from automax_lightning.search.proposer.surrogates import _kernel
from tests.support.proposals import aucm_space, branching_space, cost, search

pytestmark = pytest.mark.lowest


def lr_and_n(chosen: dict[str, float]) -> float:
    return abs(chosen["lr"] - 0.3) + chosen.get("momentum", 0.5) + (chosen["n"] - 6) ** 2


@pytest.mark.parametrize(("space", "objective"), [(aucm_space(), cost), (branching_space(), lr_and_n)])
def test_proposals_are_those_of_smacs_own_process(
    space: ConfigurationSpace, objective: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = search(Proposer(space, seed=3), 13, objective)
    monkeypatch.setattr(gaussian_process, "QuickProcess", GaussianProcess)
    theirs = [Proposer(space, seed=3).propose(ours[:n]) for n in range(13)]
    assert "gp" in {proposal.origin for proposal in theirs if proposal}
    assert [observation.values for observation in ours] == [proposal.values for proposal in theirs if proposal]


@pytest.mark.parametrize("seed", range(4))
def test_the_trained_process_is_smacs_to_the_last_bit(seed: int) -> None:
    space, generator = branching_space(), np.random.default_rng(seed)
    X = np.array([config.get_array() for config in space.sample_configuration(12)])
    costs = generator.normal(size=12)
    ours, theirs = (
        kind(configspace=space, kernel=_kernel(space, seed), normalize_y=True, n_restarts=0, seed=seed)
        for kind in (QuickProcess, GaussianProcess)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # bounds that the kernel's optimiser touches
        found, expected = (each.train(X, costs).predict_marginalized(X[::-1]) for each in (ours, theirs))
    np.testing.assert_array_equal(ours._hypers, theirs._hypers)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_no_step_of_the_likelihood_copies_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies are made where the kernel is set and fitted, of which there are few; SMAC's own makes one for each step."""
    import sklearn.gaussian_process._gpr as regressor

    copies: list[object] = []
    clone = regressor.clone
    monkeypatch.setattr(regressor, "clone", lambda kernel, **more: copies.append(kernel) or clone(kernel, **more))
    space = aucm_space()
    history = [Observation(each.values, each.cost) for each in search(Proposer(space, seed=1, preset="random"), 10)]
    assert Proposer(space, seed=1).propose(history) is not None
    assert 0 < len(copies) <= 4
