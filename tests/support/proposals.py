"""Spaces, a landscape over one of them, and searches that train nothing."""

from __future__ import annotations

import math
from typing import Any

from ConfigSpace import ConfigurationSpace, EqualsCondition, ForbiddenEqualsClause

from automax_lightning import autopartial, pairs, parse_hyperparameters_from_dict
from automax_lightning.search.proposer.proposer import Observation, Proposer


def aucm_space() -> ConfigurationSpace:
    pair = pairs.get("AUCMLoss")
    return autopartial(dict, **parse_hyperparameters_from_dict({**pair.loss_space, **pair.optimizer().space})).cs


def cost(chosen: Any) -> float:
    """A smooth landscape over AUCM's space, with its optimum away from the default."""
    distance = (math.log10(chosen["lr"]) + 2) ** 2 + (chosen["momentum"] - 0.85) ** 2 * 20
    return -(0.95 - 0.02 * distance - 5 * abs(chosen["epoch_decay"] - 0.004) - (0.0 if chosen["margin"] == 0.8 else 0.01))


def search(proposer: Proposer, n: int, objective: Any = cost) -> list[Observation]:
    history: list[Observation] = []
    for _ in range(n):
        proposal = proposer.propose(history)
        assert proposal is not None
        history.append(Observation(proposal.values, objective(proposal.values)))
    return history


def branching_space() -> ConfigurationSpace:
    space = ConfigurationSpace({"kind": ["sgd", "adam"], "lr": (0.01, 1.0), "momentum": (0.0, 0.9), "n": (1, 8)})
    space.add(EqualsCondition(space["momentum"], space["kind"], "sgd"))
    space.add(ForbiddenEqualsClause(space["n"], 3))
    return space
