"""LibAUC's losses where LibAUC 2.0.1 differs from the published algorithms; these are what trains by default.

Each class is LibAUC's own with one method replaced. `libauc_compatible=True` uses LibAUC's classes as they are.
"""

from __future__ import annotations

from typing import Any

import torch
from libauc.losses.auc import (
    AUCMLoss,
    CompositionalAUCLoss,
    MultiLabelAUCMLoss,
    MultiLabelpAUCLoss,
    meanAveragePrecisionLoss,
)
from libauc.losses.losses import FocalLoss
from libauc.utils.utils import is_distributed
from torch import Tensor
from torch.distributed.nn.functional import all_gather


def aucm(scores: Tensor, targets: Tensor, a: Tensor, b: Tensor, alpha: Tensor, margin: float) -> Tensor:
    r"""The AUC margin loss without class priors: with E[. | y] the mean over one class.

    ``E[(h - a)^2 | 1] + E[(h - b)^2 | 0] + 2 alpha (m + E[h | 0] - E[h | 1]) - alpha^2``.

    It is the min-max form of the AUC margin loss of the ICCV 2021 paper, divided by its constant p (1 - p). LibAUC's
    ``version="v2"`` closes a parenthesis too late, so that E[h | 1] is averaged once more over the non-zero entries,
    and it divides by the number of non-zero terms instead of the number of samples: 0/0 for saturated scores.

    Args:
        scores: (N, 1), float32, in [0, 1].
        targets: (N, 1), float32, 0 or 1; at least one of each.
        a: mean score of the positives, a dual variable, shape () or (1,).
        b: mean score of the negatives.
        alpha: the dual variable that is maximised.
        margin: m, above 0.

    Returns:
        The loss, of `alpha`'s shape.

    References:
        Yuan et al., Large-scale Robust Deep AUC Maximization, ICCV 2021, https://arxiv.org/abs/2012.03173
    """
    positive, negative = (targets == 1).float(), (targets == 0).float()
    n_positive, n_negative = positive.sum(), negative.sum()
    variance = (((scores - a) ** 2) * positive).sum() / n_positive + (((scores - b) ** 2) * negative).sum() / n_negative
    gap = (scores * negative).sum() / n_negative - (scores * positive).sum() / n_positive
    return variance + 2 * alpha * (margin + gap) - alpha**2


class PublishedAUCM(AUCMLoss):  # type: ignore[misc]
    """`AUCMLoss` whose version v2 is the published objective; see `aucm`."""

    def forward(self, y_pred: Tensor, y_true: Tensor, **kwargs: Any) -> Tensor:
        """The loss of a batch, shape (1,)."""
        if self.version == "v1":
            loss: Tensor = super().forward(y_pred, y_true, **kwargs)
            return loss
        return aucm(y_pred, y_true, self.a, self.b, self.alpha, self.margin)


class PublishedCompositional(CompositionalAUCLoss):  # type: ignore[misc]
    """`CompositionalAUCLoss` whose version v2 is the published objective; see `aucm`."""

    def forward(self, y_pred: Tensor, y_true: Tensor, **kwargs: Any) -> Tensor:
        """The cross-entropy in the first k of 2k steps, the AUC margin loss in the others."""
        if self.version == "v1" or self.step % (2 * self.k) < self.k:
            loss: Tensor = super().forward(y_pred, y_true, **kwargs)
            return loss
        self.step += 1
        return aucm(y_pred, y_true, self.a, self.b, self.alpha, self.margin)


class PublishedMultiLabelAUCM(MultiLabelAUCMLoss):  # type: ignore[misc]
    """`MultiLabelAUCMLoss` whose version v1 has the margin in its value, and whose v2 is safe for zero scores."""

    def forward(self, y_pred: Tensor, y_true: Tensor, task_id: Any = (), auto: bool = True, **kwargs: Any) -> Tensor:
        """The mean over the labels in `task_id` (all by default)."""
        tasks = list(range(self.num_labels)) if len(task_id) == 0 else [int(task) for task in torch.unique(task_id)]
        losses = [self._one(task, y_pred[:, task, None], y_true[:, task, None], auto) for task in tasks]
        return torch.stack(losses).sum() / len(tasks)

    def _one(self, task: int, scores: Tensor, targets: Tensor, auto: bool) -> Tensor:
        a, b, alpha = self.a[task], self.b[task], self.alpha[task]
        if self.version == "v2":
            return aucm(scores, targets, a, b, alpha, self.margin)
        p = (targets == 1).float().mean() if auto else self.p[task]
        return p * (1 - p) * aucm(scores, targets, a, b, alpha, self.margin)


class PublishedFocal(FocalLoss):  # type: ignore[misc]
    """`FocalLoss` with each sample weighted by its own class; LibAUC's shapes broadcast to all pairs of samples.

    References:
        Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, equation (5), https://arxiv.org/abs/1708.02002
    """

    def forward(self, y_pred: Tensor, y_true: Tensor) -> Tensor:
        """``mean(alpha_t (1 - p_t)^gamma CE)``; like LibAUC, `alpha` weighs class 0."""
        entropy = torch.nn.functional.binary_cross_entropy_with_logits(y_pred, y_true, reduction="none")
        weight = self.alpha[y_true.long()]
        loss: Tensor = (weight * (1 - torch.exp(-entropy)) ** self.gamma * entropy).mean()
        return loss


class PublishedMultiLabelPartial(MultiLabelpAUCLoss):  # type: ignore[misc]
    """`MultiLabelpAUCLoss` in which each label keeps its own running mean `w`; LibAUC's labels overwrite one another's.

    In two-way mode w estimates the outer expectation of that label's own compositional objective.

    References:
        Zhu et al., When AUC meets DRO, ICML 2022, algorithm 3, https://arxiv.org/abs/2203.00176
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.w_all = torch.zeros(self.num_labels)

    def forward(self, y_pred: Tensor, y_true: Tensor, index: Tensor, task_id: Any = (), **kwargs: Any) -> Tensor:
        """The mean over the labels in `task_id` (all by default)."""
        tasks = list(range(self.num_labels)) if len(task_id) == 0 else [int(task) for task in torch.unique(task_id)]
        losses = []
        for task in tasks:
            self.loss_fn.u_pos, self.loss_fn.w = self.u_pos_all[task], self.w_all[task].clone()
            losses.append(self.loss_fn(y_pred[:, task, None], y_true[:, task, None], index))
            self.u_pos_all[task], self.w_all[task] = self.loss_fn.u_pos, self.loss_fn.w
        return torch.stack(losses).sum() / len(tasks)


class GatheredMeanAveragePrecision(meanAveragePrecisionLoss):  # type: ignore[misc]
    """`meanAveragePrecisionLoss` over the batch of all ranks together, as LibAUC's other losses with estimators do it.

    LibAUC's own ranks each ignore the other ranks' samples: another loss, and estimators of a part of the data.
    """

    def forward(self, y_pred: Tensor, y_true: Tensor, index: Tensor, task_id: Any = (), **kwargs: Any) -> Tensor:
        """The mean over the labels in `task_id` (all by default)."""
        if is_distributed():
            y_pred, y_true, index = (
                torch.cat(all_gather(part))  # type: ignore[no-untyped-call]
                for part in (y_pred, y_true, index)
            )
        loss: Tensor = super().forward(y_pred, y_true, index, task_id, **kwargs)
        return loss


PUBLISHED: dict[str, type[torch.nn.Module]] = {
    "AUCMLoss": PublishedAUCM,
    "CompositionalAUCLoss": PublishedCompositional,
    "MultiLabelAUCMLoss": PublishedMultiLabelAUCM,
    "FocalLoss": PublishedFocal,
    "mAPLoss": GatheredMeanAveragePrecision,
    "MultiLabelpAUCLoss:SOTAs": PublishedMultiLabelPartial,
}
"""Name of a pair -> the class that is used unless `libauc_compatible=True`."""
