"""`when:` inside a search spec: a hyperparameter that is only searched while others have certain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ConfigSpace import AndConjunction, EqualsCondition, InCondition
from ConfigSpace.hyperparameters import CategoricalHyperparameter, Constant, Hyperparameter, OrdinalHyperparameter

from automax_lightning.errors import SpaceError, closest
from automax_lightning.space.autopartial import autopartial

When = Mapping[str, Any]
"""Other hyperparameters -> the value, or the list of values, that they must have."""


def split_when(specs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, When]]:
    """The specs without ``when``, and what stood there.

    Args:
        specs: name -> spec.

    Raises:
        SpaceError: if a ``when`` is no dictionary.

    Example:
        >>> split_when({"momentum": {"low": 0.1, "high": 0.9, "when": {"optimizer": "SGD"}}})
        ({'momentum': {'low': 0.1, 'high': 0.9}}, {'momentum': {'optimizer': 'SGD'}})
    """
    plain: dict[str, Any] = {}
    conditions: dict[str, When] = {}
    for name, spec in specs.items():
        plain[name] = spec
        if isinstance(spec, Mapping) and "when" in spec:
            plain[name] = {key: value for key, value in spec.items() if key != "when"}
            if not isinstance(spec["when"], Mapping) or not spec["when"]:
                raise SpaceError(
                    f"{name}.when",
                    "another searched key and its value",
                    repr(spec["when"]),
                    "Write when: {model.optimizer: SGD}.",
                )
            conditions[name] = dict(spec["when"])
    return plain, conditions


def add_conditions(partial: autopartial, conditions: Mapping[str, When]) -> None:
    """Make the space of an `autopartial` conditional.

    Args:
        partial: the autopartial whose space gets the conditions.
        conditions: name -> the values that other hyperparameters must have for it to be active.

    Raises:
        SpaceError: if another name is not searched, or never has such a value.

    Example:
        >>> from automax_lightning import parse_hyperparameters_from_dict
        >>> partial = autopartial(dict, **parse_hyperparameters_from_dict({"k": [1, 2], "m": (0.1, 0.9)}))
        >>> add_conditions(partial, {"m": {"k": 2}})
        >>> partial(partial.cs.get_default_configuration())
        {'k': 1}
    """
    for name, when in conditions.items():
        parts = [_condition(partial, name, other, wanted) for other, wanted in when.items()]
        partial.cs.add(parts[0] if len(parts) == 1 else AndConjunction(*parts))


def _condition(partial: autopartial, name: str, other: str, wanted: Any) -> EqualsCondition | InCondition:
    if other not in partial.cs or other == name:
        raise SpaceError(f"search.{name}.when", "another searched key", other, closest(other, set(partial.cs) - {name}))
    parent, allowed = partial.cs[other], allowed_values(wanted, partial.cs[other])
    for value in allowed:
        if not parent.legal_value(value):
            raise SpaceError(f"search.{name}.when.{other}", f"a value of {parent}", repr(value), "Choose one of its values.")
    if len(allowed) == 1:
        return EqualsCondition(partial.cs[name], parent, allowed[0])
    return InCondition(partial.cs[name], parent, list(allowed))


def allowed_values(wanted: Any, parent: Hyperparameter[Any, Any]) -> tuple[Any, ...]:
    """The values that a ``when`` allows; a list is one value only where the parent has such a choice.

    Args:
        wanted: a value, or a list of values.
        parent: the hyperparameter that must have it.
    """
    if not isinstance(wanted, (list, tuple)):
        return (wanted,)
    as_choice = tuple(wanted)
    if isinstance(parent, CategoricalHyperparameter) and as_choice in parent.choices:
        return (as_choice,)
    return tuple(tuple(value) if isinstance(value, list) else value for value in wanted)


def extremes(hyperparameter: Hyperparameter[Any, Any]) -> Sequence[Any]:
    """The values that stand for all: every choice, or both ends and the default.

    Args:
        hyperparameter: of any kind.
    """
    if isinstance(hyperparameter, CategoricalHyperparameter):
        return tuple(hyperparameter.choices)
    if isinstance(hyperparameter, Constant):
        return (hyperparameter.value,)
    if isinstance(hyperparameter, OrdinalHyperparameter):
        return tuple(dict.fromkeys((hyperparameter.sequence[0], hyperparameter.sequence[-1], hyperparameter.default_value)))
    bounds = (getattr(hyperparameter, "lower", None), getattr(hyperparameter, "upper", None))
    return tuple(value for value in (*bounds, hyperparameter.default_value) if value is not None)
