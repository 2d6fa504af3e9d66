"""Search spaces: `autopartial`, and the plain Python values of a configuration."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from ConfigSpace import Configuration, ConfigurationSpace
from ConfigSpace.hyperparameters import Hyperparameter

from automax_lightning.errors import SpaceError, SpaceTypeError
from automax_lightning.space.configurations import configuration, values
from automax_lightning.space.parsing import is_spec, parse_hyperparameters_from_dict

__all__ = ["autopartial", "is_spec", "parse_hyperparameters_from_dict"]

_DELIMITER = ":"


class autopartial:  # noqa: N801  (named after functools.partial, and public since the original AutoMAX)
    """`functools.partial` for hyperparameters: calling it with a `Configuration` calls `autofunc` with its values.

    Each argument is a ConfigSpace `Hyperparameter` or another `autopartial`, whose names then stand under the
    argument's name and a colon: ``optimizer_kwargs:lr``. Where `autofunc` is an `autopartial` itself, the two become one,
    as partials of `functools` do. Conditions and forbidden clauses of inner spaces hold in the outer one; an inactive
    hyperparameter is not passed.

    Args:
        autofunc: what to call.
        args: positional arguments; in `cs` they are named ``"0"``, ``"1"``, ....
        kwds: keyword arguments.

    Attributes:
        autofunc: what is called in the end.
        args: positional arguments, those of an inner `autopartial` first.
        kwds: keyword arguments, those of an inner `autopartial` included.
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
        inner = autofunc if isinstance(autofunc, autopartial) else None
        self.autofunc: Callable[..., Any] = autofunc if inner is None else inner.autofunc
        self.args: tuple[Any, ...] = args if inner is None else (*inner.args, *args)
        self.kwds: dict[str, Any] = kwds if inner is None else {**inner.kwds, **kwds}
        # Each function counts the arguments that it was given itself: the names of a space outlive its nesting.
        self._positions: tuple[int, ...] = (*(() if inner is None else inner._positions), *range(len(args)))
        self.cs = ConfigurationSpace()
        if inner is not None:
            self._include(inner.cs, "")
        for name, value in [*((str(index), value) for index, value in enumerate(args)), *kwds.items()]:
            self._include(_space_of(name, value), name if isinstance(value, autopartial) else "")

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Read pickles of searches whose partials of partials were not flattened, too."""
        if "_positions" in state:
            self.__dict__.update(state)
        else:
            autopartial.__init__(self, state["autofunc"], *state["args"], **state["kwds"])

    def _include(self, inner: ConfigurationSpace, prefix: str) -> None:
        taken = set(self.cs) & {_join(prefix, name) for name in inner}
        if taken:
            raise SpaceError("autopartial", "each name once", f"{sorted(taken)} twice", "Pass it to one of the two.")
        self.cs.add_configuration_space(prefix, copy.deepcopy(inner), delimiter=_DELIMITER if prefix else "")

    def __call__(self, space: Configuration | Mapping[str, Any], prefix: str = "") -> Any:
        """What `autofunc` returns for the values of a configuration.

        Args:
            space: a configuration of `cs`, or of a space that holds `cs` under `prefix`; or its values by name.
            prefix: where this space stands in the configuration's, with or without the colon at its end.

        Raises:
            SpaceKeyError: if a name is unknown, or the value of an active hyperparameter is missing (a `KeyError`).
            SpaceError: if a value is illegal.
        """
        chosen = values(space) if isinstance(space, Configuration) else dict(space)
        place = prefix.removesuffix(_DELIMITER)
        if place or not (isinstance(space, Configuration) and space.config_space is self.cs):
            start = len(_join(place, ""))
            configuration(self.cs, {name[start:]: chosen[name] for name in chosen if name.startswith(_join(place, ""))})
        return self._apply(chosen, place)

    def _apply(self, chosen: Mapping[str, Any], prefix: str) -> Any:
        args = [_value(chosen, prefix, str(index), value) for index, value in zip(self._positions, self.args, strict=True)]
        active = {name: value for name, value in self.kwds.items() if _is_active(chosen, prefix, value)}
        return self.autofunc(*args, **{name: _value(chosen, prefix, name, value) for name, value in active.items()})

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


def _is_active(chosen: Mapping[str, Any], prefix: str, value: Any) -> bool:
    return isinstance(value, autopartial) or _join(prefix, value.name) in chosen


def _value(chosen: Mapping[str, Any], prefix: str, name: str, value: Any) -> Any:
    return value._apply(chosen, _join(prefix, name)) if isinstance(value, autopartial) else chosen[_join(prefix, value.name)]


def _join(prefix: str, name: str) -> str:
    return f"{prefix}{_DELIMITER}{name}" if prefix else name
