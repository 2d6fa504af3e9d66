"""A small regression of a user who knows nothing of this package, and the `Fit` that trains it."""

from __future__ import annotations

from typing import Any

import lightning as L
import torch

from automax_lightning import Fit, Objective


class Regression(L.LightningModule):
    """Dropout, an epoch-wise schedule and a shuffled loader: everything that a continued fit can get wrong."""

    def __init__(self, fail_at: int | None = None, error: BaseException | None = None, logged: str = "val/score") -> None:
        super().__init__()
        self.network = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1))
        self.fail_at, self.error, self.logged = fail_at, error, logged

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        if self.error is not None and self.current_epoch == self.fail_at:
            raise self.error
        x, y = batch
        return (self.network(x).squeeze(1) - y).square().mean()

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        x, y = batch
        self.log(self.logged, -(self.network(x).squeeze(1) - y).square().mean())

    def test_step(self, batch: Any, batch_idx: int) -> None:
        x, y = batch
        self.log("test/score", -(self.network(x).squeeze(1) - y).square().mean())

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.network.parameters(), lr=0.05, momentum=0.9)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.7)]


class Points(L.LightningDataModule):
    def __init__(self, num_workers: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        x = torch.randn(60, 4, generator=generator)
        self.data = torch.utils.data.TensorDataset(x, x.sum(1))
        self.num_workers = num_workers

    def loader(self, shuffle: bool = False) -> Any:
        return torch.utils.data.DataLoader(self.data, batch_size=16, shuffle=shuffle, num_workers=self.num_workers)

    def train_dataloader(self) -> Any:
        return self.loader(shuffle=True)

    def val_dataloader(self) -> Any:
        return self.loader()

    def test_dataloader(self) -> Any:
        return self.loader()


def make(epochs: int = 4, **kwargs: Any) -> Fit:
    return Fit(
        lambda: Regression(**kwargs),
        lambda seed: Points(),
        epochs=epochs,
        objective=Objective("score"),
        trainer_kwargs={"accelerator": "cpu"},
    )
