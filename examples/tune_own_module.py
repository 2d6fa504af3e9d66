"""Tune a LightningModule of your own, without any AUC: every key that it logs can be the target."""

import lightning as L
import torch
from lightning.pytorch.callbacks import EarlyStopping
from sklearn.datasets import load_diabetes
from torch.utils.data import DataLoader, TensorDataset, random_split

from automax_lightning import AutoMAX, AutoMAXConfig, Fit, autopartial, parse_hyperparameters_from_dict


class Regression(L.LightningModule):
    def __init__(self, width: int, lr: float) -> None:
        super().__init__()
        self.lr = lr
        self.network = torch.nn.Sequential(torch.nn.Linear(10, width), torch.nn.ReLU(), torch.nn.Linear(width, 1))

    def training_step(self, batch, batch_idx):
        x, y = batch
        return torch.nn.functional.mse_loss(self.network(x).squeeze(1), y)

    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.log("val_mse", torch.nn.functional.mse_loss(self.network(x).squeeze(1), y))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr)


class Diabetes(L.LightningDataModule):
    def setup(self, stage):
        x, y = (torch.tensor(part, dtype=torch.float32) for part in load_diabetes(return_X_y=True))
        data = TensorDataset(20 * x, (y - y.mean()) / y.std())
        self.train, self.val = random_split(data, [0.7, 0.3], torch.Generator().manual_seed(0))

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=32, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val, batch_size=200)


def make(width: int, lr: float) -> Fit:
    stop = EarlyStopping("val_mse", patience=3)
    return Fit(lambda: Regression(width, lr), Diabetes(), epochs=15, callbacks=[stop], trainer_kwargs={"accelerator": "cpu"})


if __name__ == "__main__":
    search = {"width": {"low": 4, "high": 64, "log": True}, "lr": {"low": 1e-4, "high": 0.1, "log": True}}
    config = AutoMAXConfig(name="diabetes", n_trials=8, SEED=1, mode="min")
    tuner = AutoMAX(autopartial(make, **parse_hyperparameters_from_dict(search)), config, target="val_mse")
    tuner.optimize()
    print(f"default {tuner.log[0]['val']:.4f}, best {tuner.best_score:.4f} with {tuner.best_config}")
