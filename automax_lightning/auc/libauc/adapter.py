"""A LibAUC loss as a well-behaved `torch.nn.Module`: its state is in `state_dict`, and it follows the module's device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from automax_lightning.auc.batch.targets import trained_on
from automax_lightning.auc.data.facts import DataFacts
from automax_lightning.auc.libauc.construction import adopt_tensors, make_loss
from automax_lightning.auc.pairs.pair import Pair
from automax_lightning.errors import BatchError, DataError, NonFiniteError


class _Seen(NamedTuple):
    """What a batch is like; all questions are answered by one transfer from the device."""

    positives: Tensor
    negatives: Tensor
    usable: Tensor
    is_finite: bool
    is_legal: bool
    is_any_usable: bool
    are_all_usable: bool

    @classmethod
    def of(cls, scores: Tensor, labels: Tensor, *, over_ranks: bool) -> _Seen:
        """What a batch is like; where the loss gathers, the batch of all ranks, so that they skip the same labels.

        Args:
            scores: (N, C).
            labels: (N, C).
            over_ranks: whether other ranks have a part of the batch.
        """
        positives, negatives = (labels == 1).sum(0), (labels == 0).sum(0)
        others = len(labels) - positives - negatives
        if over_ranks:
            counts = torch.stack([positives, negatives, others])
            torch.distributed.all_reduce(counts)
            positives, negatives, others = counts
        usable = (positives > 0) & (negatives > 0)
        answers = torch.stack([torch.isfinite(scores).all(), (others == 0).all(), usable.any(), usable.all()]).tolist()
        return cls(positives, negatives, usable, *answers)


class LossAdapter(nn.Module):
    """A loss of the catalogue that can be trusted with a checkpoint, a device and a bad batch.

    `build` makes the LibAUC loss, when the size of the data and the device are decided. Everything that it keeps
    between steps (per-sample estimators, dual variables, phases) is in `state_dict`; loading into an adapter that is not
    built yet builds it. It always works in float32, outside autocast, and a batch that would spoil its estimators is
    refused before it touches them.

    Args:
        pair: the record of the loss.
        loss_kwargs: arguments of the loss.
        num_labels: columns of the network's output.
        libauc_compatible: LibAUC's behaviour where it differs from the published algorithm.

    Example:
        >>> from automax_lightning import pairs
        >>> adapter = LossAdapter(pairs.get("AUCMLoss"))
        >>> adapter.build(DataFacts(4, (2,)), torch.device("cpu"))
        >>> round(adapter(torch.tensor([2.0, -2.0]), torch.tensor([1, 0])).item(), 2)
        0.2
        >>> sorted(adapter.state_dict())
        ['_extra_state', 'raw.a', 'raw.alpha', 'raw.b']
    """

    def __init__(
        self,
        pair: Pair,
        loss_kwargs: Mapping[str, Any] | None = None,
        *,
        num_labels: int = 1,
        libauc_compatible: bool = False,
    ) -> None:
        super().__init__()
        self.pair = pair
        self.loss_kwargs = {**pair.fixed, **{k: v for k, v in (loss_kwargs or {}).items() if k not in pair.fixed}}
        self.num_labels = num_labels
        self.libauc_compatible = libauc_compatible
        self.facts: DataFacts | None = None
        pair.check_loss_kwargs({name: value for name, value in self.loss_kwargs.items() if name not in pair.fixed})

    @property
    def is_built(self) -> bool:
        """Whether the LibAUC loss exists."""
        return self.facts is not None

    @property
    def loss_fn(self) -> nn.Module:
        """The LibAUC loss itself, whose dual variables PESG and PDSCA step."""
        if not self.is_built:
            raise DataError(
                "LossAdapter", "a loss that is built", "none yet", "Call build(facts, device), or fit with a Trainer."
            )
        return self.raw

    def build(self, facts: DataFacts, device: torch.device) -> None:
        """Make the loss for data of this size; again for the same size does nothing.

        Inside a process group LibAUC's losses notice it now, so this must come after the group's initialisation.
        """
        if facts == self.facts:
            return
        self.raw = make_loss(self.pair, self.loss_kwargs, facts, device, self.num_labels, self.libauc_compatible)
        adopt_tensors(self.raw)
        self.raw.to(device)
        self.facts = facts

    def forward(self, logits: Tensor, targets: Tensor, index: Tensor | None = None) -> Tensor:
        """The loss of a batch, a scalar.

        Args:
            logits: the network's output, (N,), (N, 1) or, for several labels, (N, C).
            targets: labels of the same shape, 0 or 1; for one label also -1 or 1, for several also NaN or -1 for "not known".
            index: positions of the samples in the training data, (N,), integer; only where the pair needs it.

        Raises:
            DataError: if a shape is wrong, or the index is missing.
            BatchError: if the batch lacks a class that the loss needs.
            NonFiniteError: if scores or loss are NaN or infinite.
        """
        raw = self.loss_fn
        with torch.autocast(logits.device.type, enabled=False):
            scores = self._columns(logits, "logits").float()
            labels = self._columns(targets, "targets").float()
            seen = _Seen.of(scores, labels, over_ranks=self.pair.gathers and _has_ranks())
            if not seen.is_legal:
                labels = trained_on(labels, self.num_labels, f"targets of {self.pair.name}")
                seen = _Seen.of(scores, labels, over_ranks=self.pair.gathers and _has_ranks())
            tasks = self._check(seen, index, len(labels))
            if self.pair.scores == "sigmoid":
                scores = torch.sigmoid(scores)
            if seen.is_legal:
                loss: Tensor = raw(scores, labels, **self._arguments(index, tasks)).reshape(())
            else:
                loss = self._of_known(scores, labels, index, tasks)
        if not bool(torch.isfinite(loss)):
            raise NonFiniteError(
                f"loss {self.pair.name}", "a finite number", str(loss.item()), "Lower the learning rate or the margin."
            )
        return loss

    def _columns(self, values: Tensor, name: str) -> Tensor:
        n = self.num_labels
        if n == 1 and (values.ndim == 1 or (values.ndim == 2 and values.shape[1] == 1)):
            return values.reshape(-1, 1)
        if n > 1 and values.ndim == 2 and values.shape[1] == n:
            return values
        expected = "shape (N,) or (N, 1)" if n == 1 else f"shape (N, {n})"
        raise DataError(
            f"{name} of {self.pair.name}", expected, f"shape {tuple(values.shape)}",
            "Give the network num_labels output columns, and AUCModule the same num_labels.",
        )  # fmt: skip

    def _of_known(self, scores: Tensor, labels: Tensor, index: Tensor | None, tasks: Tensor | None) -> Tensor:
        """The loss where some of several labels are not known: each label over the rows that know it.

        Of a loss of single entries, as cross-entropy, it is the mean over the entries that are known.
        """
        is_known = ~labels.isnan()
        if not self.pair.needs_balanced_batches:
            if not bool(is_known.any()):
                return scores.sum() * 0.0  # nothing to learn from, and no reason to stop
            flat: Tensor = self.loss_fn(scores[is_known][:, None], labels[is_known][:, None])
            return flat.reshape(())
        if _has_ranks() and torch.distributed.get_world_size() > 1:
            raise DataError(
                f"targets of {self.pair.name}", "labels that are all known where there are several ranks", "some that are not",
                "Train on one device, or with loss='CrossEntropyLoss'.",
            )  # fmt: skip
        chosen = range(self.num_labels) if tasks is None else tasks.tolist()
        each = []
        for task in chosen:
            rows = is_known[:, task]
            kept = None if index is None else index[rows]
            arguments = self._arguments(kept, torch.tensor([task], device=labels.device))
            each.append(self.loss_fn(scores[rows], labels[rows], **arguments).reshape(()))
        return torch.stack(each).mean()

    def _check(self, seen: _Seen, index: Tensor | None, length: int) -> Tensor | None:
        """Refuse what would spoil the estimators; the labels that can be trained on, where some cannot."""
        name = self.pair.name
        if not seen.is_finite:
            raise NonFiniteError(f"scores given to {name}", "finite numbers", "NaN or inf", "Lower the learning rate.")
        if self.pair.needs_index and index is None:
            raise DataError(
                f"batch of {name}", "(x, y, index)", "no sample index",
                "Wrap the data: AUCDataModule(train, val), or AUCDataModule.wrap(datamodule).",
            )  # fmt: skip
        if index is not None and (index.is_floating_point() or len(index) != length):
            raise DataError(
                f"index of {name}", f"{length} integers", f"{index.dtype} of shape {tuple(index.shape)}",
                "Let AUCDataModule make the batches.",
            )  # fmt: skip
        if not self.pair.needs_balanced_batches or seen.are_all_usable:
            return None
        if not seen.is_any_usable or self.libauc_compatible:
            raise BatchError(
                f"batch of {name}", "at least one positive and one negative sample" + self._per_label(),
                f"{seen.positives.tolist()} positives among {int((seen.positives + seen.negatives)[0])}",
                "Use AUCDataModule with a sampling_rate, or a larger batch_size.",
            )  # fmt: skip
        return seen.usable.nonzero().reshape(-1)

    def _per_label(self) -> str:
        return " of each label" if self.num_labels > 1 else ""

    def _arguments(self, index: Tensor | None, tasks: Tensor | None) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        if self.pair.needs_index:
            arguments["index"] = index
        if tasks is not None:
            arguments["task_id"] = tasks
        if self.loss_kwargs.get("imratio") is not None:
            arguments["auto"] = False  # otherwise LibAUC replaces the given ratio by the batch's own
        return arguments

    # Between the steps ----------------------------------------------------------------------------------------------

    def begin_step(self) -> None:
        """To be called before every backward pass.

        PDSCA takes ``alpha.grad is None`` for "this was a cross-entropy step", but alpha is none of its parameters, so
        nobody ever clears it and the alternation would end after its first round.
        """
        alpha = getattr(self.raw, "alpha", None)
        if not self.libauc_compatible and isinstance(alpha, nn.Parameter):
            alpha.grad = None

    def after_backward(self, optimizer_reduces: bool) -> None:
        """To be called between backward and the optimizer's step: the duals' gradients become equal on all ranks.

        Args:
            optimizer_reduces: the optimizer does it itself, as PESG does.
        """
        if optimizer_reduces or not _has_ranks():
            return
        for dual in (getattr(self.raw, "a", None), getattr(self.raw, "b", None)):
            if isinstance(dual, nn.Parameter) and dual.grad is not None:
                torch.distributed.all_reduce(dual.grad)
                dual.grad.div_(torch.distributed.get_world_size())

    def end_step(self) -> None:
        """To be called after the optimizer's step: LibAUC keeps the last graph alive, which cannot be copied."""
        if hasattr(self.raw, "L_AUC"):
            setattr(self.raw, "L_AUC", None)  # noqa: B010  (LibAUC's name for the last graph)

    def ddp_ignored_names(self) -> list[str]:
        """Names of parameters and buffers that DistributedDataParallel must leave alone.

        They are equal on all ranks by themselves: estimators because the losses gather the whole batch, duals because
        their gradients are reduced. Broadcasting them would cost a copy of every per-sample buffer each step, and a
        dual that a phase does not use would stop the reducer.
        """
        return [name for name, _ in (*self.named_parameters(), *self.named_buffers())]

    # State ----------------------------------------------------------------------------------------------------------

    def get_extra_state(self) -> dict[str, Any]:
        """What is no tensor: the size of the data, and PDSCA's phase."""
        if self.facts is None:
            return {}
        alpha = getattr(self.raw, "alpha", None)
        return {
            "length": int(self.facts.length),
            "positives": [int(count) for count in self.facts.positives],
            "step": getattr(self.raw, "step", None),
            "alpha_has_grad": isinstance(alpha, nn.Parameter) and alpha.grad is not None,
        }

    def set_extra_state(self, state: Mapping[str, Any]) -> None:
        """The inverse of `get_extra_state`."""
        if not state:
            return
        if state["step"] is not None:
            self.raw.step = state["step"]
        alpha = getattr(self.raw, "alpha", None)
        if isinstance(alpha, nn.Parameter):
            alpha.grad = torch.zeros_like(alpha) if state["alpha_has_grad"] else None

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any) -> None:
        """Build from the checkpoint's own facts first, so that a checkpoint loads before there are any data.

        A private method of `torch.nn.Module`: it is the only hook that runs before the children are visited.
        """
        extra = state_dict.get(f"{prefix}_extra_state")
        if extra and not self.is_built:
            self.build(DataFacts(extra["length"], tuple(extra["positives"])), torch.device("cpu"))
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)

    def _apply(self, fn: Any, recurse: bool = True) -> LossAdapter:
        """Follow the module to its device but stay in float32, whatever precision the network takes.

        A private method of `torch.nn.Module`: ``.double()`` and ``.to(bfloat16)`` have no public hook.
        """
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        super()._apply(  # type: ignore[no-untyped-call]
            lambda tensor: tensor.float() if tensor.is_floating_point() else tensor, recurse
        )
        return self


def _has_ranks() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()
