"""Whether the optimizers of a fit step what the loss needs stepped: checked before the first step, for every fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from automax_lightning.auc.libauc.adapter import LossAdapter
from automax_lightning.auc.pairs.pair import Pair
from automax_lightning.errors import ConfigError


def check_optimizers(optimizers: Sequence[Any], loss: LossAdapter) -> None:
    """Raise if the loss has dual variables that no optimizer of the fit steps, or that are stepped wrongly.

    LibAUC's PESG and PDSCA step the duals of the loss that they were given; any other optimizer leaves them at zero, or
    minimises the one that is to be maximised. The network then trains on something else, without a word. An optimizer is
    judged by what it steps and not by its class, so a subclass, a part of the network, or one wrapped by a strategy will do.

    Args:
        optimizers: the Trainer's; where they step nothing at all, Lightning has said so already.
        loss: the built loss.

    Raises:
        ConfigError: with the pair's own optimizer.
    """
    if not needs_own_optimizer(loss.pair):
        return
    # The names are LibAUC's, of every loss with duals: a and b are minimised, alpha is maximised.
    duals = dict(loss.loss_fn.named_parameters())
    groups = [group for optimizer in optimizers for group in _groups(optimizer)]
    if not any(parameter.requires_grad for group in groups for parameter in group["params"]):
        return
    owners = [group for group in groups if group.get("alpha") is duals["alpha"]]
    own = loss.pair.optimizers[0].name
    found = " and ".join(_name(optimizer) for optimizer in optimizers)
    if not owners:
        raise _error(loss.pair, f"{found}, which leaves them alone")
    if len(owners) > 1:
        raise _error(loss.pair, f"{len(owners)} parameter groups of {own} that step them, each once more")
    if _count(duals["alpha"], groups) or any(_count(duals[name], groups) > 1 for name in ("a", "b")):
        raise _error(loss.pair, f"{found} over the module's parameters, the duals among them, which {own} steps by itself")


def check_accumulation(batches: int, pair: Pair) -> None:
    """Raise if a step would mix the objectives of a loss that changes between them from batch to batch.

    Args:
        batches: how many batches make a step in this epoch, the Trainer's ``accumulate_grad_batches``.
        pair: of the loss.

    Raises:
        ConfigError: if there is more than one.

    Example:
        >>> from automax_lightning import pairs
        >>> check_accumulation(4, pairs.get("AUCMLoss"))
    """
    if pair.alternates and batches > 1:
        raise ConfigError(
            "Trainer.accumulate_grad_batches", f"1 with {pair.name}, whose cross-entropy and AUC steps alternate by the batch",
            str(batches), "Pass a larger batch_size, or another loss.",
        )  # fmt: skip


def needs_own_optimizer(pair: Pair) -> bool:
    """Whether the loss has dual variables, which only the optimizers of its pair step.

    Example:
        >>> from automax_lightning import pairs
        >>> [name for name in pairs.names() if needs_own_optimizer(pairs.get(name))]
        ['AUCMLoss', 'MultiLabelAUCMLoss', 'CompositionalAUCLoss']
    """
    return all(choice.needs_loss for choice in pair.optimizers)


def _groups(optimizer: Any) -> Iterator[Mapping[str, Any]]:
    """The parameter groups, also of an optimizer that wraps another, as those of strategies and of Lightning do."""
    inner = vars(optimizer).get("optimizer")
    if isinstance(inner, torch.optim.Optimizer):
        yield from _groups(inner)
    else:
        yield from optimizer.param_groups


def _count(dual: Tensor, groups: Sequence[Mapping[str, Any]]) -> int:
    return sum(parameter is dual for group in groups for parameter in group["params"])


def _name(optimizer: Any) -> str:
    return type(optimizer).__name__


def _error(pair: Pair, found: str) -> ConfigError:
    own = pair.optimizers[0].name
    return ConfigError(
        "AUCModule.configure_optimizers", f"{own}, which steps the dual variables of {pair.name}", found,
        f"Remove configure_optimizers and the optimizer: section, or make {own} with loss_fn=module.loss.loss_fn.",
    )  # fmt: skip
