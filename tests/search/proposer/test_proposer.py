from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace, EqualsCondition, Float, Normal, OrdinalHyperparameter

from automax_lightning import autopartial, parse_hyperparameters_from_dict
from automax_lightning.errors import ConfigError, SpaceError
from automax_lightning.search.proposer.proposer import ENGINES, Observation, Proposer
from automax_lightning.search.storage.history import configuration_key
from automax_lightning.space.configurations import configuration, values
from tests.support.proposals import aucm_space, branching_space, cost, search

pytestmark = pytest.mark.lowest


@pytest.mark.parametrize("preset", sorted(ENGINES))
def test_the_default_comes_first_and_nothing_twice(preset: str) -> None:
    space = aucm_space()
    history = search(Proposer(space, seed=1, preset=preset), 25)
    assert history[0].values == values(space.get_default_configuration())
    assert len({configuration_key(observation.values) for observation in history}) == 25
    for observation in history:
        configuration(space, observation.values)


def test_a_proposal_depends_on_the_history_alone() -> None:
    """Neither on the process that asks nor on what it was asked before."""
    history = search(Proposer(aucm_space(), seed=3), 24)
    for n in (0, 1, 2, 7, 12, 20, 21, 23):
        fresh = Proposer(aucm_space(), seed=3).propose(history[:n])
        assert fresh is not None
        assert fresh.values == history[n].values
    other = Proposer(aucm_space(), seed=4).propose(history[:7])
    assert other is not None
    assert other.values != history[7].values


@pytest.mark.slow
def test_five_hash_seeds_propose_the_same_fifteen_configurations() -> None:
    code = (
        "import json; from automax_lightning.search.proposer.proposer import Proposer; "
        "from tests.support.proposals import aucm_space, search; "
        "print(json.dumps([o.values for o in search(Proposer(aucm_space(), seed=7), 15)]))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in "01234"
    }  # fmt: skip
    assert len(found) == 1
    assert len(json.loads(found.pop())) == 15


def test_the_process_proposes_first_then_the_forest_and_a_tenth_is_random() -> None:
    proposer = Proposer(aucm_space(), seed=2)
    history: list[Observation] = []
    origins = []
    for _ in range(80):
        proposal = proposer.propose(history)
        assert proposal is not None
        origins.append(proposal.origin)
        history.append(Observation(proposal.values, cost(proposal.values)))
    assert origins[0] == "default"
    assert set(origins[1:61]) == {"gp", "random"}
    assert set(origins[61:]) == {"forest", "random"}
    assert 3 <= origins.count("random") <= 16


def test_the_initial_design_is_the_default_then_the_given_then_sobol() -> None:
    space = aucm_space()
    mine = {**values(space.get_default_configuration()), "lr": 0.03}
    proposer = Proposer(space, seed=0, n_configs=5, initial_configs=[mine])
    history = search(proposer, 5)
    assert history[1].values == mine
    origins = [proposer.propose(history[:n]) for n in range(6)]
    assert [origin.origin for origin in origins if origin] == ["default", *["initial"] * 4, origins[5].origin]  # type: ignore[union-attr]
    assert origins[5].origin != "initial"  # type: ignore[union-attr]
    with pytest.raises(SpaceError, match=r"initial_configs.lr"):
        Proposer(space, seed=0, initial_configs=[{**mine, "lr": 50.0}])


def test_conditions_and_forbidden_clauses_hold() -> None:
    space = branching_space()

    def objective(chosen: Any) -> float:
        return abs(chosen["lr"] - 0.3) + chosen.get("momentum", 0.5) + (chosen["n"] - 6) ** 2

    history = search(Proposer(space, seed=1), 30, objective)
    for observation in history:
        configuration(space, observation.values)
        assert observation.values["n"] != 3
        assert ("momentum" in observation.values) == (observation.values["kind"] == "sgd")


def test_a_finite_space_ends() -> None:
    space = ConfigurationSpace({"a": [1, 2, 3], "b": [True, False]})
    proposer = Proposer(space, seed=0)
    history = search(proposer, 6, lambda chosen: chosen["a"])
    assert len({configuration_key(observation.values) for observation in history}) == 6
    assert proposer.propose(history) is None
    constant = Proposer(parse_only_constant(), seed=0)
    assert constant.propose(search(constant, 1, lambda chosen: 0.0)) is None


def parse_only_constant() -> ConfigurationSpace:
    return autopartial(dict, **parse_hyperparameters_from_dict({"a": 1})).cs


def test_failures_and_trials_in_flight_are_no_obstacle() -> None:
    proposer = Proposer(aucm_space(), seed=5)
    history: list[Observation] = []
    for number in range(24):
        proposal = proposer.propose(history)
        assert proposal is not None
        failed, running = number % 3 == 0, number % 5 == 4
        known = None if failed or running else cost(proposal.values)
        history.append(Observation(proposal.values, known, failed=failed))


def test_trials_in_flight_push_the_next_proposal_elsewhere() -> None:
    proposer = Proposer(aucm_space(), seed=6)
    history = search(proposer, 12)
    found = [proposer.propose([*history, *history[:0]])]
    found.append(proposer.propose([*history, Observation(found[0].values)]))  # type: ignore[union-attr]
    assert found[0].values != found[1].values  # type: ignore[union-attr]


def test_nothing_of_the_users_process_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", None)
    space = aucm_space()
    state = repr(space._random.get_state()) if hasattr(space, "_random") else ""
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    numpy_state = np.random.get_state()[1].tolist()
    proposer = Proposer(space, seed=1, directory=tmp_path / "search")
    history = search(proposer, 8)
    facade = proposer.facade_for(history)
    assert (logging.getLogger().handlers, logging.getLogger().level) == (handlers, level)
    assert np.random.get_state()[1].tolist() == numpy_state
    assert state == (repr(space._random.get_state()) if hasattr(space, "_random") else "")
    assert list(tmp_path.iterdir()) == []
    assert len(facade.runhistory) == 8


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'original'"):
        Proposer(aucm_space(), seed=0, preset="orginal")


@pytest.mark.slow
def test_it_beats_random_search_on_a_smooth_landscape() -> None:
    best = {
        preset: np.mean([min(o.cost for o in search(Proposer(aucm_space(), seed=s, preset=preset), 20)) for s in range(8)])  # type: ignore[type-var]
        for preset in ("automax", "random")
    }
    assert best["automax"] < best["random"] - 0.003


def test_a_prior_under_a_condition_is_proposed_and_told_to_smac() -> None:
    space = ConfigurationSpace({"kind": ["sgd", "adam"]})
    momentum = Float("momentum", (0.0, 0.99), distribution=Normal(0.9, 0.05))
    space.add(momentum, EqualsCondition(momentum, space["kind"], "sgd"))
    proposer = Proposer(space, seed=1, preset="original")
    history = search(proposer, 12, lambda chosen: abs(chosen.get("momentum", 0.5) - 0.8))
    assert len(proposer.facade_for(history).runhistory) == 12


def test_the_neighbours_of_an_ordinals_value_are_tried_most() -> None:
    space = ConfigurationSpace({"x": (0.0, 1.0)})
    space.add(OrdinalHyperparameter("width", list(range(0, 1600, 16))))
    found = [each.values["width"] for each in search(Proposer(space, seed=2), 30, lambda chosen: abs(chosen["width"] - 1120))]
    assert min(abs(width - 1120) for width in found) <= 32


def test_proposals_keep_to_the_steps_and_a_partial_configuration_is_completed() -> None:
    specs = {"width": {"low": 16, "high": 1024, "step": 16}, "rate": {"low": 0.0, "high": 1.0, "q": 0.01}, "lr": (0.0, 1.0)}
    space = autopartial(dict, **parse_hyperparameters_from_dict(specs)).cs
    proposer = Proposer(space, seed=0, n_configs=4, initial_configs=[{"width": 64}])
    history: list[Observation] = []
    for _ in range(14):
        proposal = proposer.propose(history)
        assert proposal is not None
        history.append(Observation(proposal.values, (proposal.values["width"] - 500) ** 2 + proposal.values["rate"]))
    assert history[1].values == {"width": 64, "rate": 0.0, "lr": 0.0}
    assert all(each.values["width"] % 16 == 0 and each.values["rate"] == round(each.values["rate"], 2) for each in history)
