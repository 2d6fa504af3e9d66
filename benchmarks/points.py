"""Points of a search space as Optuna asks for them and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ConfigSpace import ConfigurationSpace


def plain(values: Mapping[str, Any], space: ConfigurationSpace) -> dict[str, Any]:
    """Choices by their position: Optuna's must be numbers or text."""
    return {name: _choices(space, name).index(value) if _choices(space, name) else value for name, value in values.items()}


def suggest(trial: Any, space: ConfigurationSpace) -> dict[str, Any]:
    """The values that a trial of Optuna proposes."""
    found: dict[str, Any] = {}
    for name in space:
        choices, hyperparameter = _choices(space, name), space[name]
        if choices:
            found[name] = choices[trial.suggest_categorical(name, list(range(len(choices))))]
        elif hasattr(hyperparameter, "lower"):
            value = trial.suggest_float(name, hyperparameter.lower, hyperparameter.upper, log=hyperparameter.log)
            found[name] = min(max(value, hyperparameter.lower), hyperparameter.upper)
        else:
            found[name] = hyperparameter.default_value
    return found


def _choices(space: ConfigurationSpace, name: str) -> list[Any]:
    return list(getattr(space[name], "choices", ()))
