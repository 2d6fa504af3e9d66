"""Half of a resume test: fits one pair for some epochs, from the start or from a checkpoint, and saves all that it knows.

Run as ``python -m tests.support.resuming FOLDER EPOCHS WORKERS PAIR ...`` it is the new process that continues.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from automax_lightning import ReproducibleEpochs
from automax_lightning.auc.pairs import registry as pairs
from tests.support import auc as helpers


def run(name: str, epochs: int, folder: Path, *, resume: bool, num_workers: int = 0, total: int = 6) -> dict[str, Any]:
    """Fit up to `epochs` of `total`, and return network, loss and optimizer."""
    slug = name.replace(":", "-")
    checkpoint = folder / f"{slug}.ckpt"
    made = helpers.module(name, dropout=0.3, decay_epochs=(2, 4))
    keeper = ModelCheckpoint(dirpath=folder, filename=slug, save_top_k=1, save_on_train_epoch_end=True)
    trainer = helpers.fit(
        made,
        helpers.datamodule(pairs.get(name), num_workers=num_workers),
        max_epochs=epochs,
        enable_checkpointing=True,
        callbacks=[ReproducibleEpochs(5, first_epoch=3 if resume else 0), keeper],
        **({} if not resume else {"ckpt_path": checkpoint}),
    )
    return {"module": made.state_dict(), "optimizer": trainer.optimizers[0].state_dict(), "step": trainer.global_step}


def main(folder: Path, epochs: int, workers: int, names: list[str]) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for name in names:
        found = run(name, epochs, folder, resume=True, num_workers=workers)
        torch.save(found, folder / f"{name.replace(':', '-')}.resumed")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
