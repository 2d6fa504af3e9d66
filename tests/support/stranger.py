"""A project of somebody who knows LightningCLI and nothing of this package: module, datamodule, YAML, and their script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

MODULE = '''
import lightning as L
import torch
from torch.utils.data import DataLoader, TensorDataset, random_split


class Net(L.LightningModule):
    """Dropout, weights that are drawn in setup, an optimizer by name: what is easily not reproduced."""

    def __init__(self, width: int = 8, dropout: float = 0.3, lr: float = 0.05, optimizer: str = "SGD", momentum: float = 0.5):
        super().__init__()
        self.save_hyperparameters()
        self.first = torch.nn.Sequential(torch.nn.Linear(4, width), torch.nn.ReLU(), torch.nn.Dropout(dropout))
        self.last = None

    def configure_model(self):
        if self.last is None:
            self.last = torch.nn.Linear(self.hparams.width, 1)

    def forward(self, x):
        return self.last(self.first(x)).squeeze(1)

    def training_step(self, batch, batch_idx):
        loss = (self(batch[0]) - batch[1]).square().mean()
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", (self(batch[0]) - batch[1]).square().mean())

    def test_step(self, batch, batch_idx):
        self.log("test_loss", (self(batch[0]) - batch[1]).square().mean())

    def predict_step(self, batch, batch_idx):
        return self(batch[0])

    def configure_optimizers(self):
        if self.hparams.optimizer == "SGD":
            return torch.optim.SGD(self.parameters(), lr=self.hparams.lr, momentum=self.hparams.momentum)
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)


class Data(L.LightningDataModule):
    """A random split in setup and a shuffled loader, both from the global generator."""

    def __init__(self, batch_size: int = 16, noise: float = 0.1):
        super().__init__()
        self.batch_size, self.noise = batch_size, noise

    def setup(self, stage):
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(160, 4, generator=generator)
        y = x.sum(1) + self.noise * torch.randn(160, generator=generator)
        self.train, self.val, self.held = random_split(TensorDataset(x, y), [100, 30, 30])

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val, batch_size=30)

    def test_dataloader(self):
        return DataLoader(self.held, batch_size=30)

    def predict_dataloader(self):
        return DataLoader(self.held, batch_size=30)
'''

SCRIPT = """
from lightning.pytorch.cli import LightningCLI
from net import Data, Net

if __name__ == "__main__":
    LightningCLI(Net, Data)
"""

CONFIG: dict[str, Any] = {
    "model": {"width": 8},
    "data": {"batch_size": 16},
    "trainer": {"max_epochs": 4, "accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False},
}

SEARCH: dict[str, Any] = {
    "model.lr": {"low": 0.001, "high": 0.1, "log": True, "default": 0.03},
    "model.optimizer": {"choices": ["SGD", "Adam"]},
    "model.momentum": {"low": 0.1, "high": 0.9, "when": {"model.optimizer": "SGD"}},
    "data.batch_size": {"choices": [10, 20]},
    "trainer.gradient_clip_val": {"low": 0.5, "high": 2.0},
    "trainer.accumulate_grad_batches": {"choices": [1, 2]},
}

AUTOMAX: dict[str, Any] = {"name": "mine", "n_trials": 4, "SEED": 3, "target": "val_loss", "mode": "min"}


def make_project(root: Path, **sections: Any) -> Path:
    """The stranger's folder after the two changes: one import, and a search section."""
    (root / "net.py").write_text(MODULE)
    changed = SCRIPT.replace("from lightning.pytorch.cli import LightningCLI", "from automax_lightning.cli import AutoMAXCLI")
    (root / "main.py").write_text(changed.replace("LightningCLI(", "AutoMAXCLI(").replace("AutoAutoMAXCLI", "AutoMAXCLI"))
    (root / "plain.py").write_text(SCRIPT)
    config = {**CONFIG, "search": SEARCH, "automax": AUTOMAX, **sections}
    (root / "c.yaml").write_text(yaml.safe_dump({key: value for key, value in config.items() if value is not None}))
    return root
