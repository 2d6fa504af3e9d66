"""A LibAUC loss that ranks the items of queries, as a well-behaved `torch.nn.Module`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from automax_lightning.auc.libauc.adapter import LossAdapter
from automax_lightning.errors import DataError, NonFiniteError

RANKING_KEYS = ("rating", "user_id", "num_pos_items", "ideal_dcg", "user_item_id")


class RankingAdapter(LossAdapter):
    """As `LossAdapter`, for batches of queries with rated items.

    Its estimators, one for each pair of query and item, stay on the CPU, where LibAUC keeps them on purpose: there are
    as many as ratings, and a step touches a few.
    """

    def forward(self, predictions: Tensor, batch: Mapping[str, Any]) -> Tensor:  # type: ignore[override]
        """The loss of a batch of queries, a scalar.

        Args:
            predictions: (queries, items), float; the first `num_pos` items of each query are relevant.
            batch: ``rating`` and ``user_item_id`` (queries, items), ``user_id``, ``num_pos_items`` and ``ideal_dcg``
                (queries,), as LibAUC's ``NDCGLoss`` takes them.

        Raises:
            DataError: if the batch lacks one of them, or the predictions have another shape.
            NonFiniteError: if predictions or loss are NaN or infinite.
        """
        raw = self.loss_fn
        missing = [name for name in RANKING_KEYS if name not in batch]
        if missing or predictions.shape != batch["rating"].shape:
            raise DataError(
                f"batch of {self.pair.name}", f"a mapping with {list(RANKING_KEYS)} and a prediction for each rating",
                f"without {missing}" if missing else f"predictions {tuple(predictions.shape)}",
                "See automax_lightning.auc.libauc.ranking.RankingAdapter.",
            )  # fmt: skip
        if not bool(torch.isfinite(predictions).all()):
            raise NonFiniteError(f"scores given to {self.pair.name}", "finite numbers", "NaN or inf", "Lower the learning rate.")
        with torch.autocast(predictions.device.type, enabled=False):
            loss: Tensor = raw(predictions.float(), batch)
        if not bool(torch.isfinite(loss)):
            raise NonFiniteError(f"loss {self.pair.name}", "a finite number", str(loss.item()), "Lower the learning rate.")
        return loss

    def _apply(self, fn: Any, recurse: bool = True) -> RankingAdapter:
        """Stay where it is; see the class."""
        return self
