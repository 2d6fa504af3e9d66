"""The `lr_scheduler` section of a file, for an `AUCModule`: Lightning reads it only beside an `optimizer` section."""

from __future__ import annotations

import inspect
from typing import Any

from automax_lightning.auc.module import AUCModule
from automax_lightning.errors import ConfigError
from automax_lightning.utils.imports import import_path

_KEY = "lr_scheduler"


def give_to_module(config: Any, module_class: Any) -> None:
    """Move the section to the arguments of the `AUCModule`, which makes the scheduler of its own optimizer.

    A section beside an `optimizer` section, or for another module, is Lightning's affair and stays.

    Args:
        config: of one subcommand, as dictionaries or as jsonargparse's namespaces; changed in place.
        module_class: the module's class; None, or a base class of it, where ``model.class_path`` says it.

    Raises:
        ConfigError: if the module takes no such argument, or has one already.

    Example:
        >>> path = "torch.optim.lr_scheduler.StepLR"
        >>> config = {"model": {"class_path": "automax_lightning.AUCModule"}, "lr_scheduler": {"class_path": path}}
        >>> give_to_module(config, None)
        >>> config["model"]["init_args"]
        {'lr_scheduler': {'class_path': 'torch.optim.lr_scheduler.StepLR'}}
    """
    section, model = config.get(_KEY), config.get("model")
    if not section or config.get("optimizer") or not model:
        return
    path = model.get("class_path")
    chosen = import_path(path) if path else module_class
    if not (isinstance(chosen, type) and issubclass(chosen, AUCModule)):
        return
    parameters = inspect.signature(chosen).parameters
    if _KEY not in parameters and not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        raise ConfigError(_KEY, f"a module that takes it, as AUCModule does; {chosen.__name__} has no argument {_KEY}",
                          "the section", f"Give {chosen.__name__} the argument, and pass it to super().__init__.")  # fmt: skip
    if path and not model.get("init_args"):
        model["init_args"] = {}
    arguments = model["init_args"] if path else model
    if arguments.get(_KEY):
        raise ConfigError(_KEY, "one scheduler", "another one among the arguments of the model", "Remove one of them.")
    arguments[_KEY] = section if isinstance(section, dict) else section.as_dict()
    del config[_KEY]
