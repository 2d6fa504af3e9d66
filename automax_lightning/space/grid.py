"""Every configuration of a finite space."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from ConfigSpace import Configuration, ConfigurationSpace
from ConfigSpace.exceptions import ForbiddenValueError
from ConfigSpace.hyperparameters import (
    CategoricalHyperparameter,
    Constant,
    Hyperparameter,
    IntegerHyperparameter,
    OrdinalHyperparameter,
)
from ConfigSpace.util import deactivate_inactive_hyperparameters, generate_grid

from automax_lightning.errors import SpaceError


def every_configuration(space: ConfigurationSpace) -> list[Configuration]:
    """All legal configurations, each once; the size of the space is the caller's to look at.

    Args:
        space: finite.

    Raises:
        SpaceError: if a hyperparameter has no end of values.

    Example:
        >>> space = ConfigurationSpace({"n": (1, 3), "flag": [True, False]})
        >>> len(every_configuration(space))
        6
    """
    if len(space) == 0:
        return [space.get_default_configuration()]
    if not any(isinstance(each, IntegerHyperparameter) for each in space.values()):
        return list(generate_grid(space))  # which knows no integers without a number of steps, and rounds them on a log scale
    return list(_distinct(space))


def _distinct(space: ConfigurationSpace) -> Iterator[Configuration]:
    """Values of inactive hyperparameters are dropped, after which many combinations are the same."""
    seen: set[Configuration] = set()
    for combination in itertools.product(*(every_value(each) for each in space.values())):
        try:
            config = deactivate_inactive_hyperparameters(dict(zip(space, combination, strict=True)), space)
            config.check_valid_configuration()
        except ForbiddenValueError:
            continue
        if config not in seen:
            seen.add(config)
            yield config


def every_value(hyperparameter: Hyperparameter[Any, Any]) -> Sequence[Any]:
    """The values of a finite hyperparameter, in order.

    Args:
        hyperparameter: a constant, choices, a sequence or integers.

    Raises:
        SpaceError: if it is none of these.

    Example:
        >>> from ConfigSpace import Integer
        >>> list(every_value(Integer("n", (1, 4), log=True)))
        [1, 2, 3, 4]
    """
    if isinstance(hyperparameter, Constant):
        return (hyperparameter.value,)
    if isinstance(hyperparameter, CategoricalHyperparameter):
        return tuple(hyperparameter.choices)
    if isinstance(hyperparameter, OrdinalHyperparameter):
        return tuple(hyperparameter.sequence)
    if isinstance(hyperparameter, IntegerHyperparameter):
        return range(hyperparameter.lower, hyperparameter.upper + 1)
    raise SpaceError(hyperparameter.name, "a finite number of values", str(hyperparameter), "Search a step or choices.")
