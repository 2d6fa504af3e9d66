"""The scores behind an AUROC, kept instead of logged."""

from __future__ import annotations

from typing import Any

import lightning as L
import torch
from torch import Tensor

from automax_lightning.auc.callback import AUROC


class KeepScores(AUROC):
    """The `AUROC` callback, keeping what it would rank: on one process, the first loader of each split.

    Attributes:
        kept: ``"val"`` and ``"test"`` -> scores (N,) or (N, C) and targets of the same shape.

    Example:
        >>> KeepScores().kept
        {}
    """

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, tuple[Tensor, Tensor]] = {}

    def _log(self, trainer: L.Trainer, module: L.LightningModule, stage: str, loaders: Any) -> None:
        if 0 in self._collected:
            found = self._collected[0]
            self.kept[stage] = (torch.cat(found.scores), torch.cat(found.targets))
        self._collected = {}
