"""Hyperparameters as axes of a figure: those of different arms that mean the same share one."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from automax_lightning.search.record import SearchRecord
from automax_lightning.space.description import Parameter


@dataclasses.dataclass(frozen=True)
class Axis:
    """One axis.

    Args:
        parameter: range or choices of the axis.
        names: the hyperparameters that it shows, of which a configuration has one at most.
    """

    parameter: Parameter
    names: tuple[str, ...]

    def name_in(self, configuration: Mapping[str, Any]) -> str | None:
        """Which of its hyperparameters is active; None for none of them."""
        return next((name for name in self.names if name in configuration), None)

    def position(self, configuration: Mapping[str, Any]) -> float | None:
        """Where a configuration stands, from 0 to 1; None where none of the hyperparameters is active."""
        name = self.name_in(configuration)
        return None if name is None else self.parameter.position(configuration[name])


def axes(record: SearchRecord) -> list[Axis]:
    """The axes of a search's space.

    With several losses each has its own ``lr``; one axis for all of them says more than three that are mostly empty.

    Args:
        record: the search.

    Returns:
        In the order of the space: conditional hyperparameters of the same name, kind and scale are one axis where no
        trial has two of them.
    """
    groups: dict[Any, list[Parameter]] = {}
    for parameter in record.parameters:
        groups.setdefault(_kind(parameter), []).append(parameter)
    merged: list[Axis] = []
    for group in groups.values():
        merged += [_merged(group)] if _exclude_each_other(group, record) else [Axis(each, (each.name,)) for each in group]
    return merged


def _kind(parameter: Parameter) -> Any:
    if not parameter.condition:
        return parameter.name
    tail = re.split("[:.]", parameter.name)[-1]
    return (tail, parameter.is_range, parameter.log, parameter.is_integer)


def _exclude_each_other(group: list[Parameter], record: SearchRecord) -> bool:
    names = {parameter.name for parameter in group}
    return all(len(names & set(spec.configuration)) <= 1 for spec in record.history.asks)


def _merged(group: list[Parameter]) -> Axis:
    first, names = group[0], tuple(parameter.name for parameter in group)
    if len(group) == 1:
        return Axis(first, names)
    label = re.split("[:.]", first.name)[-1]
    if not first.is_range:
        choices = {repr(choice): choice for parameter in group for choice in parameter.choices}
        return Axis(dataclasses.replace(first, label=label, choices=tuple(choices.values())), names)
    low = min(parameter.low for parameter in group if parameter.low is not None)
    high = max(parameter.high for parameter in group if parameter.high is not None)
    return Axis(dataclasses.replace(first, label=label, low=low, high=high), names)
