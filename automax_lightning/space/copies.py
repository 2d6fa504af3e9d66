"""Copies of a space for partners that take less than ConfigSpace does: Python's own types, and uniform ranges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ConfigSpace import ConfigurationSpace

from automax_lightning.utils.serialization import builtin

_PRIORS = ("normal_", "beta_")
_OF_PRIORS = ("mu", "sigma", "alpha", "beta")


def with_builtin_values(space: ConfigurationSpace) -> ConfigurationSpace:
    """A copy whose choices, sequences, bounds and conditions hold Python's own types: NumPy's cannot be written as JSON.

    Args:
        space: left as it is.

    Example:
        >>> import numpy as np
        >>> space = ConfigurationSpace({"width": [np.int64(8), np.int64(16)]})
        >>> type(with_builtin_values(space)["width"].choices[0])
        <class 'int'>
    """
    return ConfigurationSpace.from_serialized_dict(builtin(space.to_serialized_dict()))


def with_uniform_priors(space: ConfigurationSpace) -> ConfigurationSpace:
    """A copy in which every prior is uniform over the same range and scale, so that values keep their vectors.

    Args:
        space: left as it is.

    Example:
        >>> from ConfigSpace import Float, Normal
        >>> space = ConfigurationSpace({"lr": Float("lr", (0.0, 1.0), distribution=Normal(0.5, 0.1))})
        >>> type(with_uniform_priors(space)["lr"]).__name__
        'UniformFloatHyperparameter'
    """
    whole = space.to_serialized_dict()
    return ConfigurationSpace.from_serialized_dict(
        {**whole, "hyperparameters": [_uniform(entry) for entry in whole["hyperparameters"]]}
    )


def _uniform(entry: Mapping[str, Any]) -> dict[str, Any]:
    prior = next((kind for kind in _PRIORS if entry["type"].startswith(kind)), None)
    if prior is None:
        return dict(entry)
    fields = {name: value for name, value in entry.items() if name not in _OF_PRIORS}
    return {**fields, "type": entry["type"].replace(prior, "uniform_")}
