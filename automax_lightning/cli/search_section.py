"""The ``search:`` section of a configuration: its keys resolved, its specs parsed, its values checked by the parser."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ConfigSpace.hyperparameters import Hyperparameter

from automax_lightning.auc.pairs import registry as pairs
from automax_lightning.cli.commands import said
from automax_lightning.cli.config_factory import ConfigFactory
from automax_lightning.cli.dotted_keys import flat, resolve
from automax_lightning.errors import ConfigError
from automax_lightning.space.autopartial import parse_hyperparameters_from_dict
from automax_lightning.space.conditions import When, allowed_values, extremes, split_when


@dataclasses.dataclass(frozen=True)
class SearchSection:
    """What is searched.

    Args:
        space: full dotted key -> hyperparameter.
        conditions: full dotted key -> other keys and the values that they must have for it to be active.
    """

    space: Mapping[str, Hyperparameter[Any, Any]]
    conditions: Mapping[str, When]

    @classmethod
    def read(cls, specs: Mapping[str, Any], factory: ConfigFactory) -> SearchSection:
        """The section as a user writes it, against the configuration that it belongs to.

        Args:
            specs: dotted key, with or without ``init_args`` -> spec, perhaps with ``when``; empty for the default space
                of the loss and its optimizer.
            factory: knows the configuration.

        Raises:
            ConfigError: if a key does not exist, is ambiguous, or is named twice.
            SpaceError: if a spec is malformed.
        """
        plain, conditions = split_when(specs or default_search(factory))
        parsed = parse_hyperparameters_from_dict(plain)
        keys = _keys(factory, parsed, conditions)
        full: dict[str, str] = {}
        for key in plain:
            full[key] = resolve(key, keys)
            if list(full.values()).count(full[key]) > 1:
                twice = [name for name, place in full.items() if place == full[key]]
                raise ConfigError("search", "each key once", " and ".join(twice), f"They both mean {full[key]}.")
        space = parse_hyperparameters_from_dict({full[key]: spec for key, spec in plain.items()})
        places = {key: {_place(other, full, keys): wanted for other, wanted in when.items()} for key, when in conditions.items()}
        return cls(space, {full[key]: when for key, when in places.items()})

    def active_with(self, key: str) -> dict[str, Any]:
        """Values of the other keys under which `key` is active."""
        chosen: dict[str, Any] = {}
        for other, wanted in self.conditions.get(key, {}).items():
            if other in self.space:
                chosen |= {**self.active_with(other), other: allowed_values(wanted, self.space[other])[0]}
        return chosen

    def check(self, factory: ConfigFactory) -> None:
        """Raise if the parser refuses any choice or bound in its place.

        Raises:
            ConfigError: with the key, the value, and what the parser says.
        """
        values = {key: extremes(hyperparameter) for key, hyperparameter in self.space.items()}
        if not self.conditions and self._all_at_once(values, factory):
            return
        for key, candidates in values.items():
            for value in candidates:
                self._check_value(key, value, factory)

    @staticmethod
    def _all_at_once(values: Mapping[str, Any], factory: ConfigFactory) -> bool:
        """Whether the parser takes the n-th value of every key together; it names no culprit, but is much faster."""
        try:
            for turn in range(max(map(len, values.values()), default=0)):
                chosen = {key: candidates[turn % len(candidates)] for key, candidates in values.items()}
                factory.parser.check(factory.configuration(chosen))
        except Exception:
            return False
        return True

    def _check_value(self, key: str, value: Any, factory: ConfigFactory) -> None:
        try:
            factory.parser.check(factory.configuration({**self.active_with(key), key: value}))
        except Exception as error:
            raise ConfigError(
                f"search.{key}", "values of the type of this key", f"{value!r}",
                f"The parser says: {said(error)}",
            ) from error  # fmt: skip


def _place(other: str, full: Mapping[str, str], keys: Mapping[str, Any]) -> str:
    if other in full:
        return full[other]
    return resolve(other, keys, "search.when")


def _keys(
    factory: ConfigFactory, parsed: Mapping[str, Hyperparameter[Any, Any]], conditions: Mapping[str, When]
) -> Mapping[str, Any]:
    """The keys of the configuration, and those that it has where a searched class or section is another."""
    keys = flat(factory.base)
    for when in conditions.values():
        chosen = {
            resolve(other, keys): allowed_values(wanted, parsed[other])[0] for other, wanted in when.items() if other in parsed
        }
        keys = {**flat(factory.parser.complete(factory.configuration(chosen))), **keys}
    return keys


def default_search(factory: ConfigFactory) -> dict[str, Any]:
    """The default space of the configured loss's pair, at the places of this configuration.

    Args:
        factory: of a configuration whose ``model`` is an `AUCModule`.

    Returns:
        Dotted key -> spec, for everything that the configuration does not fix.

    Raises:
        ConfigError: if the model is the user's own: what to search in it is then for the user to say.
    """
    if not factory.is_auc():
        raise ConfigError(
            "search", "what to search, because the model is no AUCModule", "no such section",
            "Add e.g. `search: {model.lr: {low: 0.0001, high: 0.1, log: true}}`.",
        )  # fmt: skip
    model = factory.base["model"]
    arguments, place = (model["init_args"], "model.init_args") if "init_args" in model else (model, "model")
    pair = pairs.get(arguments.get("loss") or "AUCMLoss", loss_kwargs=arguments.get("loss_kwargs"))
    choice = pair.optimizer(arguments.get("optimizer"), arguments.get("loss_kwargs"))
    spaces = {"loss_kwargs": pair.loss_space, "optimizer_kwargs": choice.space}
    return {
        f"{place}.{section}.{name}": spec
        for section, space in spaces.items()
        for name, spec in space.items()
        if name not in (arguments.get(section) or {})
    }
