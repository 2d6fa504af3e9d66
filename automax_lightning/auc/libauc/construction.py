"""Making a LibAUC loss, and turning what it keeps into parameters and buffers."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from automax_lightning.auc.data.facts import DataFacts
from automax_lightning.auc.pairs.pair import Pair


def make_loss(
    pair: Pair,
    loss_kwargs: Mapping[str, Any],
    facts: DataFacts,
    device: torch.device,
    num_labels: int,
    libauc_compatible: bool,
) -> nn.Module:
    """The LibAUC loss of a pair, told where it is and how much data there are, so that it guesses neither."""
    module, _, name = pair.path.partition(":")
    partner = importlib.import_module(module)
    if module == "libauc.losses.auc":
        # LibAUC asks `sum(mask) > 0` with Python's sum, one addition (and on a GPU one transfer) a sample.
        partner.__dict__.setdefault("sum", torch.sum)
    maker = getattr(partner, name)
    if not libauc_compatible:
        from automax_lightning.auc.libauc.corrected_losses import PUBLISHED

        maker = PUBLISHED.get(pair.name, maker)
    arguments = dict(loss_kwargs)
    if pair.length_argument is not None:
        arguments[pair.length_argument] = facts.length
    if pair.needs_positive_count:
        arguments["pos_len"] = sum(facts.positives)
    if pair.multi_label:
        arguments["num_labels"] = num_labels
    if "device" in inspect.signature(getattr(partner, name)).parameters:
        arguments["device"] = device
    loss: nn.Module = maker(**arguments)
    for part in loss.modules():
        if hasattr(part, "device"):
            part.__dict__["device"] = device
    return loss


def adopt_tensors(loss: nn.Module) -> None:
    """Turn every plain tensor of a LibAUC loss, and of the loss inside it, into a parameter or a buffer."""
    wraps = hasattr(loss, "loss_fn")
    for part in loss.modules():
        if hasattr(part, "w") and isinstance(part.w, float):
            part.__dict__.pop("w")
            part.register_buffer("w", torch.zeros(()), persistent=not (wraps and hasattr(loss, "w_all")))
        plain = {name: value for name, value in vars(part).items() if isinstance(value, Tensor)}
        for name, value in plain.items():
            delattr(part, name)
            if value.requires_grad:
                part.register_parameter(name, nn.Parameter(value.detach().clone()))
            else:
                # The wrapped loss's u_pos is a view of the wrapper's, one label at a time.
                part.register_buffer(name, value, persistent=not (wraps and part is not loss and name == "u_pos"))
