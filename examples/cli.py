"""A LightningCLI script with the command `tune`: `python cli.py tune --config cli.yaml`. Only one import differs."""

import lightning as L
import torch
from sklearn.datasets import load_wine
from torch.utils.data import DataLoader, TensorDataset, random_split

from automax_lightning.cli import AutoMAXCLI  # instead of: from lightning.pytorch.cli import LightningCLI


class Classifier(L.LightningModule):
    def __init__(self, width: int = 16, dropout: float = 0.1, optimizer: str = "SGD", lr: float = 0.01, momentum: float = 0.5):
        super().__init__()
        self.save_hyperparameters()
        self.network = torch.nn.Sequential(
            torch.nn.Linear(13, width), torch.nn.ReLU(), torch.nn.Dropout(dropout), torch.nn.Linear(width, 3)
        )

    def forward(self, x):
        return self.network(x)

    def training_step(self, batch, batch_idx):
        return torch.nn.functional.cross_entropy(self(batch[0]), batch[1])

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", torch.nn.functional.cross_entropy(self(batch[0]), batch[1]), prog_bar=True)

    def test_step(self, batch, batch_idx):
        self.log("test_accuracy", (self(batch[0]).argmax(1) == batch[1]).float().mean())

    def configure_optimizers(self):
        extra = {"momentum": self.hparams.momentum} if self.hparams.optimizer == "SGD" else {}
        return getattr(torch.optim, self.hparams.optimizer)(self.parameters(), lr=self.hparams.lr, **extra)


class Wine(L.LightningDataModule):
    def __init__(self, batch_size: int = 16):
        super().__init__()
        self.batch_size = batch_size

    def setup(self, stage):
        x, y = load_wine(return_X_y=True)
        data = TensorDataset(torch.tensor((x - x.mean(0)) / x.std(0), dtype=torch.float32), torch.tensor(y))
        self.splits = random_split(data, [0.5, 0.25, 0.25], torch.Generator().manual_seed(0))

    def train_dataloader(self):
        return DataLoader(self.splits[0], batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.splits[1], batch_size=64)

    def test_dataloader(self):
        return DataLoader(self.splits[2], batch_size=64)


if __name__ == "__main__":
    AutoMAXCLI(Classifier, Wine)
