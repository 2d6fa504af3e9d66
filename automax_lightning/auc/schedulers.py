"""Learning-rate schedulers as an argument: what may be passed, and the scheduler that it makes of an optimizer."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from automax_lightning.errors import ConfigError, closest
from automax_lightning.utils.imports import import_path

Schedule = Callable[[torch.optim.Optimizer], Any] | Mapping[str, Any]

_WHERE = "AUCModule.lr_scheduler"
_EXAMPLE = "Pass {'class_path': 'torch.optim.lr_scheduler.CosineAnnealingLR', 'init_args': {'T_max': 50}}."
_LIGHTNINGS = ("scheduler", "interval", "frequency", "reduce_on_plateau", "monitor", "strict", "name")
"""Keys of the dictionary that Lightning takes; their meaning is Lightning's own."""


def check_scheduler(value: Schedule | None) -> Schedule | None:
    """The same in dictionaries and lists alone, after a check that a scheduler can be made of it; no optimizer is needed.

    Args:
        value: see `schedule_of`; None for no scheduler.

    Raises:
        ConfigError: if it is of the wrong type, has an unknown key, or names no scheduler or no argument of one.
    """
    given = _unwrapped(value)
    if given is None or (callable(given) and not isinstance(given, Mapping)):
        return given
    if not isinstance(given, Mapping):
        raise ConfigError(_WHERE, "a callable optimizer -> scheduler, or a dictionary", repr(given), _EXAMPLE)
    if "scheduler" in given:
        _check_lightnings(given)
    else:
        _check_class(given, _WHERE)
        _check_monitor(given, None)
    return given


def schedule_of(value: Schedule, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Lightning's dictionary with the scheduler of an optimizer.

    PDSCA's inner learning rate ``lr0`` follows ``lr`` in proportion, as it does at LibAUC's decays.

    Args:
        value: a callable optimizer -> scheduler; or ``{"class_path", "init_args"}`` as in a LightningCLI file, also inside
            `init_args` (the schedulers of a ``SequentialLR``); or Lightning's ``{"scheduler", "interval", "frequency",
            "monitor", ...}`` with one of these as its scheduler.
        optimizer: of the network.

    Raises:
        ConfigError: if the callable returns no scheduler.

    Example:
        >>> optimizer = torch.optim.SGD(torch.nn.Linear(2, 1).parameters(), lr=1.0)
        >>> step = {"class_path": "torch.optim.lr_scheduler.StepLR", "init_args": {"step_size": 2}}
        >>> schedule_of({"scheduler": step, "interval": "step"}, optimizer)["interval"]
        'step'
    """
    for group in optimizer.param_groups:
        if "lr0" in group:
            group["lr0_per_lr"] = group["lr0"] / group["lr"]
    settings = dict(value) if isinstance(value, Mapping) and "scheduler" in value else {"scheduler": value}
    inner = settings["scheduler"]
    made = _made(inner, optimizer) if isinstance(inner, Mapping) else inner(optimizer)
    if not isinstance(made, (LRScheduler, ReduceLROnPlateau)):
        raise ConfigError(_WHERE, "a callable that returns a scheduler of torch.optim.lr_scheduler", type(made).__name__,
                          _EXAMPLE)  # fmt: skip
    return {**settings, "scheduler": made}


def described(value: Schedule | None) -> Schedule | None:
    """What a checkpoint can hold of it: a dictionary of plain values, or None where a callable is in it.

    Example:
        >>> described({"scheduler": lambda optimizer: None}) is None
        True
    """
    return dict(value) if isinstance(value, Mapping) and not callable(value.get("scheduler")) else None


def merged(value: Schedule | None, changes: Mapping[str, Any]) -> Any:
    """A description with other values in it, key by key, also in inner dictionaries; anything else as it is.

    Example:
        >>> merged({"class_path": "a", "init_args": {"gamma": 0.1, "step_size": 1}}, {"init_args": {"gamma": 0.5}})
        {'class_path': 'a', 'init_args': {'gamma': 0.5, 'step_size': 1}}
    """
    if not isinstance(value, Mapping):
        return value
    inner = {key: merged(value.get(key, {}), item) if isinstance(item, Mapping) else item for key, item in changes.items()}
    return {**value, **inner}


def check_in_use(value: Schedule | None, configs: list[Any]) -> None:
    """Raise if a scheduler was asked for and the fit has none, because ``configure_optimizers`` was overridden.

    Args:
        value: the argument of the module.
        configs: the Trainer's ``lr_scheduler_configs``.

    Raises:
        ConfigError: with what to return.
    """
    if value is not None and not configs:
        raise ConfigError(
            _WHERE, "a configure_optimizers that uses it", "one that returns no scheduler",
            "Return super().configure_optimizers(), or leave lr_scheduler out.",
        )  # fmt: skip


def _unwrapped(value: Any) -> Any:
    """Without the namespaces in which a LightningCLI file's classes come, and without their empty place for the optimizer."""
    if isinstance(value, argparse.Namespace):
        value = vars(value)
    if isinstance(value, Mapping):
        return {key: _unwrapped(item) for key, item in value.items() if (key, item) != ("optimizer", None)}
    return [_unwrapped(item) for item in value] if isinstance(value, list) else value


def _check_lightnings(value: Mapping[str, Any]) -> None:
    for key in value:
        if key not in _LIGHTNINGS:
            raise ConfigError(f"{_WHERE}.{key}", "a key of Lightning's dictionary", "no such key", closest(str(key), _LIGHTNINGS))
    inner, where = value["scheduler"], f"{_WHERE}.scheduler"
    if isinstance(inner, Mapping):
        _check_class(inner, where)
        _check_monitor(inner, value.get("monitor"))
    elif not callable(inner):
        raise ConfigError(where, "a callable optimizer -> scheduler, or a dictionary", repr(inner), _EXAMPLE)


def _check_monitor(value: Mapping[str, Any], monitor: Any) -> None:
    if issubclass(import_path(value["class_path"]), ReduceLROnPlateau) and not monitor:
        raise ConfigError(
            f"{_WHERE}.monitor", "the logged value that ReduceLROnPlateau watches", "none",
            "Pass {'scheduler': ..., 'monitor': 'val/AUROC'}, and mode='max' to the scheduler.",
        )  # fmt: skip


def _is_class(value: Any) -> bool:
    return isinstance(value, Mapping) and "class_path" in value


def _made(value: Any, optimizer: torch.optim.Optimizer) -> Any:
    """A scheduler of its description; lists and plain values with the schedulers in them made."""
    if isinstance(value, list):
        return [_made(item, optimizer) for item in value]
    if not _is_class(value):
        return value
    arguments = {name: _made(item, optimizer) for name, item in (value.get("init_args") or {}).items()}
    return import_path(value["class_path"])(optimizer, **arguments)


def _check_class(value: Mapping[str, Any], where: str) -> None:
    path, arguments = value.get("class_path"), value.get("init_args") or {}
    unknown = set(value) - {"class_path", "init_args"}
    if not isinstance(path, str) or not isinstance(arguments, Mapping) or unknown:
        raise ConfigError(where, "class_path and init_args", f"the keys {sorted(map(str, value))}", _EXAMPLE)
    try:
        chosen = import_path(path)
    except ImportError:
        chosen = None
    if not (isinstance(chosen, type) and issubclass(chosen, (LRScheduler, ReduceLROnPlateau))):
        raise ConfigError(f"{where}.class_path", "the path of a scheduler class", repr(path), _EXAMPLE)
    _check_arguments(chosen, arguments, f"{where}.init_args")


def _check_arguments(chosen: type, arguments: Mapping[str, Any], where: str) -> None:
    parameters = inspect.signature(chosen).parameters
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    for name, item in arguments.items():
        if name not in parameters and not takes_all:
            raise ConfigError(f"{where}.{name}", f"an argument of {chosen.__name__}", "no such argument",
                              closest(name, [each for each in parameters if each != "optimizer"]))  # fmt: skip
        for inner in item if isinstance(item, list) else [item]:
            if _is_class(inner):
                _check_class(inner, f"{where}.{name}")
    required = [each.name for each in parameters.values() if each.default is each.empty and each.name != "optimizer"]
    missing = [name for name in required if name not in arguments]
    if missing and not takes_all:
        raise ConfigError(where, f"the arguments of {chosen.__name__}", f"no {' and no '.join(missing)}",
                          f"Pass {missing[0]}.")  # fmt: skip
