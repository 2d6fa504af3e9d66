"""LibAUC's optimizers with a complete state: what they keep outside `state_dict` is in it, and they print nothing."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable, Mapping
from typing import Any

import torch

from automax_lightning.auc.libauc.adapter import LossAdapter
from automax_lightning.auc.pairs.pair import OptimizerChoice

_SHARED = ("model_ref", "model_acc", "a", "b", "alpha")
"""What LibAUC keeps in `param_groups` although it belongs to the optimizer or to the loss."""


class _ExactState:
    """Mixed in before a LibAUC optimizer: `state_dict` holds everything, `load_state_dict` restores every alias."""

    param_groups: list[dict[str, Any]]
    model_ref: list[torch.Tensor] | None
    model_acc: list[torch.Tensor] | None
    T: int
    steps: int

    def step(self, closure: Any = None) -> Any:
        """LibAUC's step; where a scheduler moves ``lr``, PDSCA's inner ``lr0`` moves with it."""
        for group in self.param_groups:
            if "lr0_per_lr" in group:
                group["lr0"] = group["lr"] * group["lr0_per_lr"]
        return super().step(closure)  # type: ignore[misc]

    def state_dict(self) -> dict[str, Any]:
        """Torch's own state, the reference model, its accumulator, and the counters."""
        # LibAUC's overrides are left out: PESG's and PDSCA's would add live tensors, the others have none.
        state = torch.optim.Optimizer.state_dict(self)  # type: ignore[arg-type]
        groups = [{k: v for k, v in group.items() if k not in _SHARED} for group in state["param_groups"]]
        own = {"T": self.T, "steps": self.steps, "model_ref": self.model_ref, "model_acc": self.model_acc}
        return {**state, "param_groups": groups, "libauc": own}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """The inverse of `state_dict`; takes nothing away from the caller's dictionary."""
        own = state_dict["libauc"]
        shared = [{name: group[name] for name in _SHARED if name in group} for group in self.param_groups]
        plain = {name: value for name, value in state_dict.items() if name != "libauc"}
        torch.optim.Optimizer.load_state_dict(self, plain)  # type: ignore[arg-type]
        for group, links in zip(self.param_groups, shared, strict=True):
            group.update(links)
        for name in ("model_ref", "model_acc"):
            for mine, saved in zip(getattr(self, name) or (), own[name] or (), strict=True):
                mine.data = saved.detach().clone().to(mine.device)
        self.T, self.steps = own["T"], own["steps"]


@functools.cache
def _exact(path: str) -> type[torch.optim.Optimizer]:
    module, _, name = path.partition(":")
    partner = getattr(importlib.import_module(module), name)
    return type(name, (_ExactState, partner), {"__doc__": partner.__doc__})


def build_optimizer(
    choice: OptimizerChoice,
    parameters: Iterable[torch.nn.Parameter],
    loss: LossAdapter,
    kwargs: Mapping[str, Any],
    *,
    device: torch.device,
    seed: int = 0,
) -> torch.optim.Optimizer:
    """The optimizer of a pair, for the network's parameters.

    Args:
        choice: the record of the optimizer.
        parameters: the network's parameters; the loss's own are stepped by the optimizers that know them.
        loss: the built loss.
        kwargs: arguments of the optimizer; a missing `lr` is the default of the pair's space.
        device: where the reference model is kept.
        seed: seed of the reference model, which LibAUC draws at random; equal on all ranks of a fit.

    Raises:
        PairError: if the optimizer has no such argument.
    """
    choice.check_kwargs(kwargs)
    arguments = {"lr": choice.space["lr"]["default"], **kwargs} if "lr" in choice.space else dict(kwargs)
    if not choice.is_libauc:
        module, _, name = choice.path.partition(":")
        optimizer: torch.optim.Optimizer = getattr(importlib.import_module(module), name)(list(parameters), **arguments)
        return optimizer
    if choice.needs_loss:
        arguments["loss_fn"] = loss.loss_fn
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _exact(choice.path)(list(parameters), device=device, verbose=False, **arguments)  # type: ignore[call-arg]


def decay(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Divide the learning rates, and make the mean of the weights since the last time the regulariser's reference.

    It is LibAUC's ``update_regularizer`` (or ``update_lr`` where there is no reference) for a real optimizer, never for
    Lightning's wrapper, whose counters would be written in the wrong place. Before the first step there is no mean, so
    the reference stays.

    Args:
        optimizer: any torch optimizer.
        factor: above 0.
    """
    for group in optimizer.param_groups:
        for rate in ("lr", "lr0"):  # PDSCA's inner rate, which LibAUC's tutorial decays too
            if rate in group:
                group[rate] = group[rate] / factor
    references, sums = getattr(optimizer, "model_ref", None), getattr(optimizer, "model_acc", None)
    steps = getattr(optimizer, "T", 0)
    if not references or not sums or steps == 0:
        return
    for reference, total in zip(references, sums, strict=True):
        reference.data = total.data / steps
        total.data = torch.zeros_like(total)
    optimizer.T = 0  # type: ignore[attr-defined]
