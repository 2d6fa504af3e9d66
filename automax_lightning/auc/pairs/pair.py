"""Records: which optimizer belongs to which loss, what they take, and what they need."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from automax_lightning.errors import PairError, closest


@dataclasses.dataclass(frozen=True)
class OptimizerChoice:
    """An optimizer that belongs to a loss.

    Args:
        name: LibAUC's class name.
        path: where it is, ``"module:Class"``.
        arguments: keyword arguments that it takes.
        space: argument -> search spec, the default space.
        needs_loss: it steps the loss's dual variables, so it is given the loss.
        reduces_duals: it averages the dual variables' gradients over ranks itself.
        is_libauc: it takes LibAUC's ``device`` and ``verbose``, and keeps a reference model.
    """

    name: str
    path: str
    arguments: tuple[str, ...]
    space: Mapping[str, Any]
    needs_loss: bool = False
    reduces_duals: bool = False
    is_libauc: bool = True

    def check_kwargs(self, kwargs: Mapping[str, Any]) -> None:
        """Raise a `PairError` if the optimizer has no such argument."""
        _check(f"optimizer_kwargs of {self.name}", kwargs, self.arguments)


@dataclasses.dataclass(frozen=True)
class Pair:
    """A loss, the optimizers that belong to it, and what it needs of its batches.

    Args:
        name: name in the catalogue.
        path: where the loss is, ``"module:Class"``.
        optimizers: the first is the default.
        arguments: keyword arguments that the loss takes from a user.
        loss_space: argument -> search spec, the default space.
        fixed: arguments that make this pair what it is.
        length_argument: the constructor's name for the number of training samples, or None.
        needs_index: its state is kept per sample, so each batch must bring sample indices.
        needs_balanced_batches: a batch without both classes cannot be trained on.
        needs_positive_count: the constructor takes the number of positives.
        multi_label: it takes (N, C) outputs and targets.
        scores: ``"sigmoid"`` if it expects scores in [0, 1], ``"logits"`` if it applies its own.
        needs_probabilities: it cannot be given raw logits instead of their sigmoid.
        alternates: it changes its objective from batch to batch, so that a step must be of one batch.
        version_lr: the argument `version` -> the default learning rate with it, where that is not the optimizer's.
        gathers: it works on the batch of all ranks together: two ranks with half a batch each train as one with all of it.
        is_ranking: its batches are mappings of queries and their items, and it is told the size of the data by its arguments.
        required: arguments that have no default.
        objective: what it optimises.
        use_when: when to use it.
        reference: the paper.
    """

    name: str
    path: str
    optimizers: tuple[OptimizerChoice, ...]
    arguments: tuple[str, ...]
    loss_space: Mapping[str, Any]
    fixed: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    length_argument: str | None = None
    needs_index: bool = False
    needs_balanced_batches: bool = True
    needs_positive_count: bool = False
    multi_label: bool = False
    scores: str = "sigmoid"
    needs_probabilities: bool = False
    alternates: bool = False
    version_lr: Mapping[str, float] = dataclasses.field(default_factory=dict)
    gathers: bool = False
    is_ranking: bool = False
    required: tuple[str, ...] = ()
    objective: str = ""
    use_when: str = ""
    reference: str = ""

    def optimizer(self, name: str | None = None, loss_kwargs: Mapping[str, Any] | None = None) -> OptimizerChoice:
        """The optimizer of that name; None for the pair's default.

        Args:
            name: of one of `optimizers`.
            loss_kwargs: arguments of the loss: a `version` may bring a default learning rate of its own, unless it is
                searched.

        Raises:
            PairError: if it does not belong to this loss.
        """
        choice = self._named(name)
        version = (loss_kwargs or {}).get("version")
        lr = self.version_lr.get(version) if isinstance(version, str) else None
        if lr is None:
            return choice
        return dataclasses.replace(choice, space={**choice.space, "lr": {**choice.space["lr"], "default": lr}})

    def _named(self, name: str | None) -> OptimizerChoice:
        if name is None:
            return self.optimizers[0]
        for choice in self.optimizers:
            if choice.name == name:
                return choice
        legal = [choice.name for choice in self.optimizers]
        raise PairError(
            f"optimizer of {self.name}", f"one of {legal}", repr(name), f"Pass optimizer={legal[0]!r}, or leave it out."
        )

    def with_scores(self, scores: str | None) -> Pair:
        """This pair with its scores as ``"sigmoid"`` or ``"logits"``; None for its own.

        Raises:
            PairError: if the loss cannot be given them.
        """
        if scores is None or scores == self.scores:
            return self
        if scores != "logits" or self.needs_probabilities:
            raise PairError(f"scores of {self.name}", f"{self.scores!r}, what this loss is defined for", repr(scores),
                            "Leave scores out.")  # fmt: skip
        return dataclasses.replace(self, scores=scores)

    def check_loss_kwargs(self, kwargs: Mapping[str, Any]) -> None:
        """Raise a `PairError` if the loss has no such argument."""
        _check(f"loss_kwargs of {self.name}", kwargs, self.arguments)


def _check(where: str, kwargs: Mapping[str, Any], legal: tuple[str, ...]) -> None:
    for name in kwargs:
        if name not in legal:
            raise PairError(f"{where}: {name}", f"only {sorted(legal)}", repr(name), closest(name, legal))
