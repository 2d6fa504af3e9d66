"""What can be known to be wrong with a command line and its YAML before Lightning is imported, which takes seconds."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from automax_lightning.cli.dotted_keys import short
from automax_lightning.cli.signatures import arguments_of
from automax_lightning.config import AutoMAXConfig
from automax_lightning.errors import ConfigError, closest

_SECTIONS = ("seed_everything", "trainer", "model", "data", "optimizer", "lr_scheduler", "search", "automax", "quiet")
_TRAINER = "lightning.pytorch.trainer.trainer.Trainer"
_AUTOMAX = (*(field.name for field in dataclasses.fields(AutoMAXConfig)), "target", "warm_start")


def run(arguments: Sequence[str]) -> Any:
    """Check, and leave the rest to `tune.run`, which imports Lightning and parses everything.

    Args:
        arguments: the command line without the program's name.

    Raises:
        ConfigError: for what is wrong already.
    """
    check(arguments)
    return importlib.import_module("automax_lightning.cli.automax_cli").run(arguments)


def check(arguments: Sequence[str]) -> None:
    """Raise for files that are missing or no YAML, and for unknown keys in them or on the command line.

    Only what cannot be right is refused: the parser, which knows types, has the last word on everything else.

    Args:
        arguments: the command, then its options.

    Raises:
        ConfigError: with the closest key.
    """
    command = arguments[0] if arguments else ""
    for path in _files(arguments):
        config = _read(path)
        _check_class(config, "trainer", _TRAINER)
        for section in ("model", "data"):
            _check_class(config, section, None)
        if command == "tune":
            _check_tune(config)
    for option in arguments[1:]:
        if option.startswith("--") and command == "tune":
            _check_option(option[2:].partition("=")[0])


def _files(arguments: Sequence[str]) -> Iterator[str]:
    for index, argument in enumerate(arguments):
        if argument in ("--config", "-c") and index + 1 < len(arguments):
            yield arguments[index + 1]
        elif argument.startswith("--config="):
            yield argument.partition("=")[2]


def _read(path: str) -> Mapping[str, Any]:
    if not Path(path).is_file():
        raise ConfigError("--config", "an existing file", repr(path), "Check the path.")
    try:
        config = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(path, "YAML", " ".join(str(error).split()), "Repair that line.") from error
    if config is None:
        return {}
    if not isinstance(config, Mapping):
        raise ConfigError(path, "sections such as model: and data:", type(config).__name__, "Write key: value.")
    return config


def _known(name: Any, known: Collection[str], where: str, expected: str) -> None:
    if name not in known:
        raise ConfigError(f"{where}{name}", expected, "no such key", closest(str(name), known))


def _check_class(config: Mapping[str, Any], section: str, class_path: str | None) -> None:
    known = _arguments_in(config, section, class_path)
    part = config.get(section)
    given = part.get("init_args") if isinstance(part, Mapping) and class_path is None else part
    if known is not None and isinstance(given, Mapping):
        for name in given:
            _known(
                name,
                known,
                f"{section}." if class_path else f"{section}.init_args.",
                f"an argument of {_class(part, class_path)}",
            )


def _class(part: Any, class_path: str | None) -> str:
    return str(class_path or part["class_path"]).rpartition(".")[2]


def _arguments_in(config: Mapping[str, Any], section: str, class_path: str | None) -> frozenset[str] | None:
    part = config.get(section)
    path = class_path or (part.get("class_path") if isinstance(part, Mapping) else None)
    return arguments_of(path) if isinstance(path, str) else None


def _check_tune(config: Mapping[str, Any]) -> None:
    for name in config:
        _known(name, _SECTIONS, "", "a section of the configuration")
    settings = config.get("automax")
    if isinstance(settings, Mapping):
        for name in settings:
            _known(name, _AUTOMAX, "automax.", "a setting of the search")
        AutoMAXConfig.from_mapping({name: value for name, value in settings.items() if name not in ("target", "warm_start")})
    search = config.get("search")
    for key in search if isinstance(search, Mapping) else ():
        _check_searched(str(key), config)
    if isinstance(search, Mapping) and search:
        from automax_lightning.space.parsing import parse_hyperparameters_from_dict

        plain = [(key, spec) for key, spec in search.items() if isinstance(spec, Mapping)]
        parse_hyperparameters_from_dict({k: {n: v for n, v in spec.items() if n != "when"} for k, spec in plain})


def _check_searched(key: str, config: Mapping[str, Any]) -> None:
    section, *rest = short(key).split(".")
    _known(section, _SECTIONS, "search.", "a key of this configuration")
    known = _arguments_in(config, section, _TRAINER if section == "trainer" else None)
    if known is not None and rest and rest[0] not in (*known, "class_path", "dict_kwargs"):
        place = f"{section}.init_args" if ".init_args." in key else section
        raise ConfigError(
            f"search.{key}", "a key of this configuration", "no such key",
            closest(".".join([place, *rest]), [f"{place}.{name}" for name in known]),
        )  # fmt: skip


def _check_option(name: str) -> None:
    section, *rest = name.rstrip("+").split(".")
    own = ("config", "help", "print_config", "no-quiet")
    _known(section, (*_SECTIONS, *own), "--", "an option of tune")
    if section == "automax" and rest:
        _known(rest[0], _AUTOMAX, "--automax.", "a setting of the search")
    trainer = arguments_of(_TRAINER)
    if section == "trainer" and rest and trainer is not None:
        _known(rest[0], trainer, "--trainer.", "an argument of Trainer")
