"""Two splits as one, for every kind of AUCDataModule."""

from __future__ import annotations

from typing import Any

import lightning as L
import torch
from torch.utils.data import DataLoader, TensorDataset

from automax_lightning import AUCDataModule, DigitsDataModule
from automax_lightning.auc.data.merged import MergedDataModule


class Plain(L.LightningDataModule):
    """Somebody else's, with augmentation on the device and a collate function."""

    def __init__(self) -> None:
        super().__init__()
        x = torch.arange(24.0)[:, None]
        self.parts = [TensorDataset(x[a:b], (torch.arange(a, b) % 3 == 0).long()) for a, b in ((0, 12), (12, 18), (18, 24))]

    def loader(self, part: int) -> DataLoader[Any]:
        return DataLoader(self.parts[part], batch_size=4)

    def train_dataloader(self) -> DataLoader[Any]:
        return self.loader(0)

    def val_dataloader(self) -> DataLoader[Any]:
        return self.loader(1)

    def test_dataloader(self) -> DataLoader[Any]:
        return self.loader(2)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        x, y = batch
        return x + 100, y


def test_a_wrapped_datamodule_keeps_its_hooks_and_its_test_split() -> None:
    merged = MergedDataModule(AUCDataModule.wrap(Plain(), sampling_rate=None, seed=3))
    seen = torch.cat([x[:, 0] for x, _, _ in merged.train_dataloader()])
    assert sorted(set(seen.tolist())) == [float(i) for i in range(18)]
    assert (merged.has_test, merged.batch_size, merged.seed) == (True, 4, 3)
    batch = next(iter(merged.train_dataloader()))
    x, _, index = merged.on_after_batch_transfer(batch, 0)
    assert torch.equal(x, batch[0] + 100)
    assert torch.equal(index, batch[2])


def test_a_table_keeps_the_scaling_of_its_training_split() -> None:
    data = DigitsDataModule(seed=2)
    merged = MergedDataModule(data)
    train, val = data.datasets[0].tensors, data.datasets[1].tensors
    assert torch.equal(merged.datasets[0].tensors[0], torch.cat([train[0], val[0]]))
    assert merged.facts.positives == (int(train[1].sum() + val[1].sum()),)
