"""Configurations as plain Python values, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ConfigSpace import Configuration, ConfigurationSpace
from ConfigSpace.exceptions import ActiveHyperparameterNotSetError, ForbiddenValueError
from ConfigSpace.hyperparameters import Hyperparameter, IntegerHyperparameter, NumericalHyperparameter, OrdinalHyperparameter
from ConfigSpace.util import deactivate_inactive_hyperparameters

from automax_lightning.errors import SpaceError, SpaceKeyError, closest
from automax_lightning.utils.serialization import builtin


def values(configuration: Configuration) -> dict[str, Any]:
    """The active hyperparameters' values as plain Python: no NumPy scalars, tuples and None as they were given.

    Example:
        >>> space = ConfigurationSpace({"n": (1, 5), "flag": [True, False]})
        >>> values(space.get_default_configuration())
        {'flag': True, 'n': 3}
    """
    return {name: builtin(value) for name, value in dict(configuration).items()}


def configuration(space: ConfigurationSpace, chosen: Mapping[str, Any]) -> Configuration:
    """The configuration of `space` with these values: the inverse of `values`.

    Raises:
        SpaceKeyError: if a name is unknown, or an active hyperparameter is missing.
        SpaceError: if a value is illegal, or belongs to an inactive hyperparameter.

    Example:
        >>> space = ConfigurationSpace({"n": (1, 5)})
        >>> values(configuration(space, {"n": 2}))
        {'n': 2}
    """
    _check(space, chosen, "configuration")
    try:
        return Configuration(space, values=dict(chosen))
    except ActiveHyperparameterNotSetError as error:
        name = error.hyperparameter.name
        raise SpaceKeyError(
            f"configuration.{name}",
            "a value, because it is active",
            "none",
            f"Add {name!r}: {error.hyperparameter.default_value!r}.",
        ) from error
    except Exception as error:  # ConfigSpace raises several kinds for missing, inactive and forbidden values
        raise SpaceError(
            "configuration", "values for exactly the active hyperparameters", f"{dict(chosen)}", str(error)
        ) from error


def _check(space: ConfigurationSpace, chosen: Mapping[str, Any], where: str) -> None:
    for name, value in chosen.items():
        if name not in space:
            raise SpaceKeyError(f"{where}.{name}", "a hyperparameter of the space", "none", closest(name, space))
        if not _is_legal(space[name], value):
            raise SpaceError(f"{where}.{name}", str(space[name]), repr(value), "Choose a value inside.")


def completed(space: ConfigurationSpace, chosen: Mapping[str, Any], where: str = "initial_configs") -> Configuration:
    """The configuration of `space` with these values, and the default of every active hyperparameter that is not among them.

    Args:
        space: any space.
        chosen: values by name.
        where: the argument, for messages.

    Raises:
        SpaceError: if a name is unknown, a value is illegal, a value belongs to a hyperparameter that the others make inactive,
            or the space forbids the whole.

    Example:
        >>> space = ConfigurationSpace({"n": (1, 5), "lr": (0.0, 1.0)})
        >>> values(completed(space, {"n": 2}))
        {'lr': 0.5, 'n': 2}
    """
    _check(space, chosen, where)
    defaults = {name: hyperparameter.default_value for name, hyperparameter in space.items()}
    try:
        whole = deactivate_inactive_hyperparameters({**defaults, **chosen}, space)
        whole.check_valid_configuration()
    except ForbiddenValueError as error:
        raise SpaceError(where, "a configuration that the space allows", f"{dict(chosen)}", str(error)) from error
    for name in chosen:
        if name not in whole:
            conditions = " and ".join(str(each) for each in space.parent_conditions_of[name])
            raise SpaceError(f"{where}.{name}", f"a hyperparameter that is active: {conditions}", f"{dict(chosen)}",
                             "Leave it out, or choose the value that makes it active.")  # fmt: skip
    return whole


def defaults_of_arms(space: ConfigurationSpace, arm: str) -> list[dict[str, Any]]:
    """The default configuration with each choice of `arm`, in the order of the choices.

    Args:
        space: where `arm` is a categorical hyperparameter that others depend on.
        arm: its name.
    """
    defaults = {name: hyperparameter.default_value for name, hyperparameter in space.items()}
    choices = space[arm].choices  # type: ignore[attr-defined]
    return [values(deactivate_inactive_hyperparameters({**defaults, arm: choice}, space)) for choice in choices]


def moved_into(space: ConfigurationSpace, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    """The default configuration with these values as far as the space allows them.

    A number outside its range becomes the nearest bound, another illegal value the default; names that the space does
    not have are left out.

    Args:
        space: any space.
        wanted: values by name.

    Returns:
        The active values; None if the space has none of the names, or forbids what comes of it.

    Example:
        >>> space = ConfigurationSpace({"lr": (0.01, 0.3), "momentum": (0.0, 0.9)})
        >>> moved_into(space, {"lr": 2.0, "margin": 1.0})
        {'lr': 0.3, 'momentum': 0.45}
    """
    if not any(name in space for name in wanted):
        return None
    chosen = {name: hyperparameter.default_value for name, hyperparameter in space.items()}
    for name, value in wanted.items():
        if name in space:
            near = _nearest(space[name], value)
            chosen[name] = near if _is_legal(space[name], near) else chosen[name]
    try:
        return values(deactivate_inactive_hyperparameters(chosen, space))
    except ForbiddenValueError:
        return None


def _nearest(hyperparameter: Hyperparameter[Any, Any], value: Any) -> Any:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if isinstance(hyperparameter, OrdinalHyperparameter) and is_number:
        steps = [step for step in hyperparameter.sequence if isinstance(step, (int, float))]
        return min(steps, key=lambda step: abs(step - value), default=value)
    if isinstance(hyperparameter, NumericalHyperparameter) and isinstance(value, (int, float)):
        inside = min(max(value, hyperparameter.lower), hyperparameter.upper)
        return round(inside) if isinstance(hyperparameter, IntegerHyperparameter) else float(inside)
    return value


def _is_legal(hyperparameter: Hyperparameter[Any, Any], value: Any) -> bool:
    try:
        return bool(hyperparameter.legal_value(value))
    except (TypeError, ValueError):
        return False
