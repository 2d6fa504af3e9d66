"""What one of two real processes does: fit a pair under DDP on gloo, and save what this rank holds.

Run as ``python -m tests.auc.ranks FOLDER PAIR ...``; Lightning starts the second process itself.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import lightning as L
import torch

from automax_lightning import AUROC
from automax_lightning.auc import pairs
from tests.auc import helpers


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


def main(folder: Path, names: list[str]) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for name in names:
        found = fit(name, batch_size=15, devices=2)
        torch.save(found, folder / f"{name.replace(':', '-')}.{found['rank']}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
