"""Search spaces: `autopartial`, and the plain Python values of a configuration."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from ConfigSpace import Configuration, ConfigurationSpace
from ConfigSpace.hyperparameters import Hyperparameter

from automax_lightning.errors import SpaceError, SpaceTypeError
from automax_lightning.space.configurations import values
from automax_lightning.space.parsing import is_spec, parse_hyperparameters_from_dict

__all__ = ["autopartial", "is_spec", "parse_hyperparameters_from_dict"]

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
