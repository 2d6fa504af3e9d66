"""Spaces with conditions and forbidden clauses."""

from __future__ import annotations

from ConfigSpace import AndConjunction, EqualsCondition, ForbiddenAndConjunction, ForbiddenEqualsClause, GreaterThanCondition

from automax_lightning import autopartial, parse_hyperparameters_from_dict


def conditional() -> autopartial:
    specs = {"kind": ["sgd", "adam"], "momentum": (0.1, 0.9), "nesterov": [True, False], "lr": (0.1, 0.5)}
    inner = autopartial(dict, **parse_hyperparameters_from_dict(specs))
    space = inner.cs
    space.add(EqualsCondition(space["momentum"], space["kind"], "sgd"))
    space.add(
        AndConjunction(
            EqualsCondition(space["nesterov"], space["kind"], "sgd"),
            GreaterThanCondition(space["nesterov"], space["lr"], 0.2),
        )
    )
    space.add(ForbiddenAndConjunction(ForbiddenEqualsClause(space["kind"], "adam"), ForbiddenEqualsClause(space["lr"], 0.1)))
    return inner
