"""Dotted keys of a configuration: which there are, which one a user means, and how a value is put in its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from automax_lightning.errors import ConfigError, closest

_INIT = "init_args"


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every dotted key of a nested configuration with its value, sections included.

    Example:
        >>> flat({"model": {"lr": 0.1}})
        {'model': {'lr': 0.1}, 'model.lr': 0.1}
    """
    dotted: dict[str, Any] = {}
    for key, value in config.items():
        dotted[f"{prefix}{key}"] = value
        if isinstance(value, Mapping):
            dotted |= flat(value, f"{prefix}{key}.")
    return dotted


def put(config: dict[str, Any], key: str, value: Any) -> None:
    """Put a value in the place that a dotted key names; missing sections are made.

    Example:
        >>> config = {"model": {"lr": 0.1}}
        >>> put(config, "model.kwargs.k", (1, 2))
        >>> config
        {'model': {'lr': 0.1, 'kwargs': {'k': [1, 2]}}}
    """
    *parents, last = key.split(".")
    for parent in parents:
        if not isinstance(config.get(parent), dict):
            config[parent] = {}
        config = config[parent]
    config[last] = list(value) if isinstance(value, tuple) else value


def short(key: str) -> str:
    """The key as people say it, without ``init_args``.

    Example:
        >>> short("model.init_args.optimizer_kwargs.lr")
        'model.optimizer_kwargs.lr'
    """
    return ".".join(part for part in key.split(".") if part != _INIT)


def resolve(key: str, known: Mapping[str, Any], where: str = "search") -> str:
    """The one full key that `key` means; ``init_args`` may be left out.

    Args:
        key: dotted, e.g. ``"model.optimizer_kwargs.lr"``.
        known: what `flat` says of the configuration. What stands in a dictionary of the user's own, such as
            ``optimizer_kwargs``, need not be there yet.
        where: the section, for messages.

    Returns:
        The full key, e.g. ``"model.init_args.optimizer_kwargs.lr"``.

    Raises:
        ConfigError: if there is no such key, or several.

    Example:
        >>> resolve("model.lr", {"model.init_args.lr": 0.1})
        'model.init_args.lr'
    """
    if isinstance(known.get(key), Mapping) and "." not in key:
        raise ConfigError(f"{where}.{key}", "a key inside this section", "the section", f"Write e.g. {key}.lr.")
    if key in known:
        return key
    meant = [full for full in known if short(full) == short(key) and not full.endswith(f".{_INIT}")]
    parent, _, last = key.rpartition(".")
    if not meant:
        meant = [f"{full}.{last}" for full, value in known.items() if short(full) == short(parent) and _is_open(full, value)]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise ConfigError(f"{where}.{key}", "one key", " and ".join(sorted(meant)), "Write the one that you mean in full.")
    names = known if _INIT in key.split(".") else {short(full) for full in known}
    raise ConfigError(f"{where}.{key}", "a key of this configuration", "no such key", closest(key, names))


def _is_open(key: str, value: Any) -> bool:
    """Whether any name may stand below: a dictionary of the user's, not a section, a class or its arguments."""
    if "." not in key or key.endswith(f".{_INIT}"):
        return False
    return value is None or (isinstance(value, Mapping) and "class_path" not in value)
