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
from automax_lightning.auc.pairs import registry as pairs
from tests.support import auc as helpers


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
    for name in names:
        found = fit(name, batch_size=15, devices=2)
        torch.save(found, folder / f"{name.replace(':', '-')}.{found['rank']}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
