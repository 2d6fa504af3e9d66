"""What one of two real processes does: fit a pair under DDP on gloo, and save what this rank holds.

Run as ``python -m tests.support.ranks FOLDER PAIR ...``; Lightning starts the second process itself.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch.utils.data import DataLoader

from automax_lightning import AUROC
from automax_lightning.auc.data.facts import DataFacts
from automax_lightning.auc.libauc.adapter import LossAdapter
from automax_lightning.auc.pairs import registry as pairs
from tests.support import auc as helpers
from tests.support import queries


def fit(name: str, *, batch_size: int, devices: int) -> dict[str, Any]:
    """Three epochs on all ranks; the global batches are the same for any number of ranks."""
    pair = pairs.get(name)
    made = helpers.module(name, decay_epochs=(1,))
    callback = AUROC()
    trainer = L.Trainer(
        **{**helpers.QUIET, "max_epochs": 3, "strategy": "ddp" if devices > 1 else "auto", "devices": devices},
        callbacks=[callback],
    )
    trainer.fit(made, datamodule=helpers.datamodule(pair, batch_size=batch_size))
    return {
        "rank": trainer.global_rank,
        "module": {key: value for key, value in made.state_dict().items() if isinstance(value, torch.Tensor)},
        "val": float(trainer.callback_metrics["val/AUROC"]),
        "scored": callback.counts["val"],
        "steps": trainer.global_step,
    }


def rank_queries(*, batch_size: int, devices: int) -> dict[str, Any]:
    """As `fit`, for the pair that ranks."""
    made = queries.module()
    strategy = "ddp" if devices > 1 else "auto"
    trainer = queries.fit(made, 3, batch_size=batch_size, strategy=strategy, devices=devices)
    module = {key: value for key, value in made.state_dict().items() if isinstance(value, torch.Tensor)}
    return {"rank": trainer.global_rank, "module": module, "steps": trainer.global_step}


def plain(folder: Path) -> None:
    """A user's own loaders, to which Lightning gives samplers that repeat samples."""
    data, callback = helpers.digits(1), AUROC()
    made = helpers.module("AUCMLoss")
    trainer = L.Trainer(**{**helpers.QUIET, "max_epochs": 1, "strategy": "ddp", "devices": 2}, callbacks=[callback])
    # Batches of 60 of 121 samples leave one over, and of one class nothing can be learnt.
    trainer.fit(made, DataLoader(data, 60, drop_last=True), DataLoader(data, 25))
    found = {
        "model": made.model.state_dict(),
        "val": float(trainer.callback_metrics["val/AUROC"]),
        "scored": callback.counts["val"],
    }
    torch.save(found, folder / f"plain.{trainer.global_rank}")


def rare(folder: Path) -> None:
    """The estimators after one batch of two labels, of which the second has its only positive on rank 0."""
    rank, found = torch.distributed.get_rank(), {}
    scores = torch.linspace(-1, 1, 16).reshape(8, 2).requires_grad_()
    targets = torch.zeros(8, 2, dtype=torch.long)
    targets[:2, 0] = 1
    targets[0, 1] = 1
    for name in ("mAPLoss", "MultiLabelpAUCLoss:SOPAs"):
        adapter = LossAdapter(pairs.get(name), num_labels=2)
        adapter.build(DataFacts(8, (2, 1)), torch.device("cpu"))
        own = slice(rank, None, 2)
        adapter(scores[own], targets[own], torch.arange(8)[own])
        found[name] = dict(adapter.raw.named_buffers())
    torch.save(found, folder / f"rare.{rank}")


def main(folder: Path, names: list[str]) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    if names[0] in ("ddp_spawn", "ddp_fork"):
        made = helpers.module("APLoss", decay_epochs=(1,))
        trainer = L.Trainer(**{**helpers.QUIET, "max_epochs": 3, "strategy": names[0], "devices": 2})
        trainer.fit(made, datamodule=helpers.datamodule(pairs.get("APLoss"), batch_size=15))
        torch.save(made.model.state_dict(), folder / names[0])
        return
    plain(folder)
    rare(folder)
    for name in names:
        ranking = pairs.get(name).is_ranking
        found = rank_queries(batch_size=4, devices=2) if ranking else fit(name, batch_size=15, devices=2)
        torch.save(found, folder / f"{name.replace(':', '-')}.{found['rank']}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
