"""What a network and a Trainer are, as plain values: what makes the trials of a search comparable."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Mapping
from typing import Any

import lightning as L
import torch
from torch.nn.parameter import UninitializedParameter

from automax_lightning.auc.data.fingerprint import class_path, plain
from automax_lightning.trial.trainer import QUIET

_NO_EFFECT = frozenset({
    "accelerator", "barebones", "callbacks", "default_root_dir", "detect_anomaly", "enable_checkpointing",
    "enable_model_summary", "enable_progress_bar", "log_every_n_steps", "logger", "num_sanity_val_steps", "profiler",
})  # fmt: skip
"""Arguments of a Trainer that change no score by more than rounding; a search may go on with others."""


def describe_network(network: torch.nn.Module) -> dict[str, Any]:
    """A network by its class, the number of its parameters, and a hash of its printed form and its shapes.

    The weights do not count: a network that is not seeded would never be the same again.

    Example:
        >>> describe_network(torch.nn.Linear(3, 1))["parameters"]
        4
    """
    parameters = [(name, None if isinstance(each, UninitializedParameter) else each) for name, each in network.named_parameters()]
    shapes = [(name, None if each is None else tuple(each.shape)) for name, each in parameters]
    printed = re.sub(r"0x[0-9a-f]+", "", repr(network))  # addresses of functions
    return {
        "class": class_path(network),
        "parameters": sum(each.numel() for _, each in parameters if each is not None),
        "structure": hashlib.blake2b(f"{printed}{shapes}".encode(), digest_size=16).hexdigest(),
    }


def describe_trainer(trainer_kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The Trainer's settings that change numbers, where they are not the defaults.

    Args:
        trainer_kwargs: arguments of `lightning.Trainer`.

    Example:
        >>> describe_trainer({"precision": "bf16-mixed", "devices": 1, "logger": True})
        {'precision': 'bf16-mixed'}
    """
    defaults = {name: each.default for name, each in inspect.signature(L.Trainer).parameters.items()} | dict(QUIET)
    counted = {name: plain(value) for name, value in trainer_kwargs.items() if name not in _NO_EFFECT}
    return {name: value for name, value in counted.items() if value != defaults.get(name)}
