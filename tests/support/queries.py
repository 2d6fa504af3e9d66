"""A small ranking problem: queries with rated items, and a network that scores them."""

from __future__ import annotations

import os
from typing import Any

import lightning as L
import torch
from torch.utils.data import DataLoader, Dataset
from torch.utils.data.distributed import DistributedSampler

from automax_lightning import AUCModule
from tests.support import auc as helpers

QUERIES, POSITIVES, NEGATIVES = 24, 4, 6
SIZES = {"N": QUERIES * POSITIVES + 1, "num_user": QUERIES, "num_item": 50, "num_pos": POSITIVES}


class Queries(Dataset[Any]):
    """Rated items with features; the relevant ones come first."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.rating = torch.cat([torch.randint(1, 5, (QUERIES, POSITIVES), generator=generator),
                                 torch.zeros(QUERIES, NEGATIVES, dtype=torch.int64)], dim=1)  # fmt: skip
        noise = torch.randn(QUERIES, POSITIVES + NEGATIVES, 3, generator=generator)
        self.x = noise + self.rating[..., None] * torch.tensor([0.5, 0.0, -0.3])
        self.ideal = ((2.0**self.rating - 1).sort(1, descending=True).values / torch.log2(torch.arange(2, 12))).sum(1)

    def __len__(self) -> int:
        return QUERIES

    def __getitem__(self, i: int) -> dict[str, Any]:
        items = torch.arange(POSITIVES + NEGATIVES) + i * POSITIVES
        items[POSITIVES:] = 0
        return {"x": self.x[i], "rating": self.rating[i], "user_id": i, "num_pos_items": POSITIVES, "ideal_dcg": self.ideal[i],
                "user_item_id": items}  # fmt: skip


class Scorer(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.layer = torch.nn.Linear(3, 1)

    def forward(self, batch: dict[str, Any]) -> torch.Tensor:
        return self.layer(batch["x"]).squeeze(-1)


def loader(batch_size: int = 8, devices: int = 1) -> Any:
    """In order; on several ranks, the rows of each batch are dealt out."""
    rank = int(os.environ.get("LOCAL_RANK", "0"))
    return DataLoader(Queries(), batch_size, sampler=DistributedSampler(Queries(), devices, rank, shuffle=False))


def module(**kwargs: Any) -> AUCModule:
    given = {"optimizer_kwargs": {"lr": 0.02, "epoch_decay": 0.01}, "loss_kwargs": {**SIZES, "topk": 3}, **kwargs}
    return AUCModule(Scorer(), loss="NDCGLoss", decay_epochs=(2,), **given)


def fit(made: AUCModule, epochs: int, **kwargs: Any) -> L.Trainer:
    ckpt_path, batch_size, devices = kwargs.pop("ckpt_path", None), kwargs.pop("batch_size", 8), kwargs.get("devices", 1)
    trainer = L.Trainer(**{**helpers.QUIET, "use_distributed_sampler": False, **kwargs}, max_epochs=epochs)
    trainer.fit(made, loader(batch_size, devices), loader(batch_size, devices), ckpt_path=ckpt_path, weights_only=True)
    return trainer
