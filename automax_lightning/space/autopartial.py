"""Search spaces: `autopartial`, and the plain Python values of a configuration."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from ConfigSpace import Configuration, ConfigurationSpace
from ConfigSpace.exceptions import ForbiddenValueError
from ConfigSpace.hyperparameters import Hyperparameter, IntegerHyperparameter, NumericalHyperparameter
from ConfigSpace.util import deactivate_inactive_hyperparameters

from automax_lightning.errors import SpaceError, SpaceTypeError, closest
from automax_lightning.space.parsing import is_spec, parse_hyperparameters_from_dict

__all__ = [
    "autopartial",
    "configuration",
    "defaults_of_arms",
    "is_spec",
    "moved_into",
    "parse_hyperparameters_from_dict",
    "space_difference",
    "space_fingerprint",
    "values",
]

_DELIMITER = ":"


class autopartial:  # noqa: N801  (named after functools.partial, and public since the original AutoMAX)
    """`functools.partial` for hyperparameters: calling it with a `Configuration` calls `autofunc` with its values.

    Each argument is a ConfigSpace `Hyperparameter` or another `autopartial`, whose names then stand under the
    argument's name and a colon: ``optimizer_kwargs:lr``. Where `autofunc` is an `autopartial` itself, the spaces are
    merged. Conditions and forbidden clauses of inner spaces hold in the outer one; an inactive hyperparameter is not
    passed.

    Args:
        autofunc: what to call.
        args: positional arguments; in `cs` they are named ``"0"``, ``"1"``, ....
        kwds: keyword arguments.

    Attributes:
        cs: the configuration space that covers all arguments.

    Raises:
        SpaceTypeError: if `autofunc` cannot be called (a `TypeError`).
        SpaceError: if an argument is neither a `Hyperparameter` nor an `autopartial` (a `ValueError`).

    Example:
        >>> inner = autopartial(dict, **parse_hyperparameters_from_dict({"lr": (0.1, 0.5), "nesterov": True}))
        >>> outer = autopartial(lambda **kwargs: kwargs, optimizer_kwargs=inner)
        >>> list(outer.cs)
        ['optimizer_kwargs:lr', 'optimizer_kwargs:nesterov']
        >>> outer(outer.cs.get_default_configuration())
        {'optimizer_kwargs': {'lr': 0.1, 'nesterov': True}}
    """

    def __init__(self, autofunc: Callable[..., Any], /, *args: Any, **kwds: Any) -> None:
        if not callable(autofunc):
            raise SpaceTypeError(
                "autopartial.autofunc", "a callable", type(autofunc).__name__, "Pass the function, not its result."
            )
        self.autofunc, self.args, self.kwds = autofunc, args, kwds
        self.cs = ConfigurationSpace()
        if isinstance(autofunc, autopartial):
            self._include(autofunc.cs, "")
        for name, value in self._named():
            self._include(_space_of(name, value), name if isinstance(value, autopartial) else "")

    def _named(self) -> list[tuple[str, Any]]:
        return [*((str(index), value) for index, value in enumerate(self.args)), *self.kwds.items()]

    def _include(self, inner: ConfigurationSpace, prefix: str) -> None:
        taken = set(self.cs) & {_join(prefix, name) for name in inner}
        if taken:
            raise SpaceError("autopartial", "each name once", f"{sorted(taken)} twice", "Pass it to one of the two.")
        self.cs.add_configuration_space(prefix, copy.deepcopy(inner), delimiter=_DELIMITER if prefix else "")

    def __call__(self, configuration: Configuration | Mapping[str, Any], prefix: str = "") -> Any:
        """What `autofunc` returns for the values of `configuration`.

        Args:
            configuration: a configuration of `cs`, or of a space that holds `cs` under `prefix`.
            prefix: where this space stands in the configuration's, without the colon.
        """
        chosen = values(configuration) if isinstance(configuration, Configuration) else dict(configuration)
        args, kwds = self._resolve(chosen, prefix)
        return self._call(chosen, prefix, args, kwds)

    def _resolve(self, chosen: Mapping[str, Any], prefix: str) -> tuple[list[Any], dict[str, Any]]:
        resolved = {}
        for name, value in self._named():
            place = _join(prefix, name)
            if isinstance(value, autopartial):
                resolved[name] = value(chosen, place)
            elif _join(prefix, value.name) in chosen:
                resolved[name] = chosen[_join(prefix, value.name)]
        positions = [str(index) for index in range(len(self.args))]
        return [resolved[name] for name in positions], {name: resolved[name] for name in self.kwds if name in resolved}

    def _call(self, chosen: Mapping[str, Any], prefix: str, args: list[Any], kwds: dict[str, Any]) -> Any:
        if not isinstance(self.autofunc, autopartial):
            return self.autofunc(*args, **kwds)
        inner_args, inner_kwds = self.autofunc._resolve(chosen, prefix)
        return self.autofunc._call(chosen, prefix, [*inner_args, *args], {**inner_kwds, **kwds})

    def __repr__(self) -> str:
        name = getattr(self.autofunc, "__name__", type(self.autofunc).__name__)
        return f"autopartial({name}, {len(self.cs)} hyperparameters)"


def values(configuration: Configuration) -> dict[str, Any]:
    """The active hyperparameters' values as plain Python: no NumPy scalars, tuples and None as they were given.

    Example:
        >>> space = ConfigurationSpace({"n": (1, 5), "flag": [True, False]})
        >>> values(space.get_default_configuration())
        {'flag': True, 'n': 3}
    """
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in dict(configuration).items()}


def configuration(space: ConfigurationSpace, chosen: Mapping[str, Any]) -> Configuration:
    """The configuration of `space` with these values: the inverse of `values`.

    Raises:
        SpaceError: if a name is unknown, a value is illegal, or an active hyperparameter is missing.

    Example:
        >>> space = ConfigurationSpace({"n": (1, 5)})
        >>> values(configuration(space, {"n": 2}))
        {'n': 2}
    """
    for name, value in chosen.items():
        if name not in space:
            raise SpaceError(f"configuration.{name}", "a hyperparameter of the space", "none", closest(name, space))
        if not _is_legal(space[name], value):
            raise SpaceError(f"configuration.{name}", str(space[name]), repr(value), "Choose a value inside.")
    try:
        return Configuration(space, values=dict(chosen))
    except Exception as error:  # ConfigSpace raises several kinds for missing, inactive and forbidden values
        raise SpaceError(
            "configuration", "values for exactly the active hyperparameters", f"{dict(chosen)}", str(error)
        ) from error


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
    if isinstance(hyperparameter, NumericalHyperparameter) and isinstance(value, (int, float)):
        inside = min(max(value, hyperparameter.lower), hyperparameter.upper)
        return round(inside) if isinstance(hyperparameter, IntegerHyperparameter) else float(inside)
    return value


def _is_legal(hyperparameter: Hyperparameter[Any, Any], value: Any) -> bool:
    try:
        return bool(hyperparameter.legal_value(value))
    except (TypeError, ValueError):
        return False


def space_fingerprint(space: ConfigurationSpace) -> dict[str, str]:
    """Every hyperparameter, condition and forbidden clause as exact text: equal for equal spaces, in any process."""
    exact = {name: _exact(hyperparameter) for name, hyperparameter in space.items()}
    exact |= {f"condition {index}": text for index, text in enumerate(sorted(map(str, space.conditions)))}
    return exact | {f"forbidden {index}": text for index, text in enumerate(sorted(map(str, space.forbidden_clauses)))}


def _exact(hyperparameter: Hyperparameter[Any, Any]) -> str:
    names = ("lower", "upper", "log", "choices", "value", "default_value")
    parts = [f"{name}={getattr(hyperparameter, name)!r}" for name in names if hasattr(hyperparameter, name)]
    return f"{type(hyperparameter).__name__}({', '.join(parts)})"


def space_difference(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """What differs between two fingerprints, a line each; empty for equal ones.

    Example:
        >>> space_difference({"lr": "a", "k": "b"}, {"lr": "c", "m": "d"})
        ['k: b -> (gone)', 'lr: a -> c', 'm: (new) -> d']
    """
    return [
        f"{name}: {old.get(name, '(new)')} -> {new.get(name, '(gone)')}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def _space_of(name: str, value: Any) -> ConfigurationSpace:
    if isinstance(value, autopartial):
        return value.cs
    if isinstance(value, Hyperparameter):
        space = ConfigurationSpace()
        space.add(value)
        return space
    raise SpaceError(
        f"autopartial.{name}", "a ConfigSpace hyperparameter or an autopartial", f"{type(value).__name__} {value!r}",
        "Pass it through parse_hyperparameters_from_dict first.",
    )  # fmt: skip


def _join(prefix: str, name: str) -> str:
    return f"{prefix}{_DELIMITER}{name}" if prefix else name
