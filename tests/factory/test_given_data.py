"""Data of any form that people have them in, as a datamodule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset

from automax_lightning import AUCDataModule, DigitsDataModule, TabularDataModule, trainer_factory
from automax_lightning.auc.data.datamodule import WrappedDataModule
from automax_lightning.errors import ConfigError
from automax_lightning.factory.given_data import as_data
from automax_lightning.space.configurations import configuration, values

X = np.random.default_rng(0).normal(size=(60, 4))
Y = (X[:, 0] > 0.2).astype(int)
SPLIT = TensorDataset(torch.tensor(X, dtype=torch.float32), torch.tensor(Y))


class Rows(Dataset[Any]):
    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, row: int) -> Any:
        return {"x": SPLIT[row][0], "labels": SPLIT[row][1]}


def test_a_datamodule_and_a_callable_are_themselves() -> None:
    data = DigitsDataModule()
    assert as_data(data) is data
    assert as_data(DigitsDataModule) is DigitsDataModule


@pytest.mark.parametrize("pair", [(X, Y), (pd.DataFrame(X), pd.Series(Y)), (torch.tensor(X), torch.tensor(Y)), [X, Y.tolist()]])
def test_arrays_are_split(pair: Any) -> None:
    data: Any = as_data(pair)
    assert isinstance(data, TabularDataModule)
    assert sum(len(split) for split in data.datasets) == 60


@pytest.mark.parametrize("parts", [2, 3])
def test_datasets_loaders_and_pairs_are_the_splits(parts: int) -> None:
    for split in (SPLIT, Rows(), DataLoader(SPLIT, batch_size=12), (X, Y)):
        data: Any = as_data((split,) * parts)
        assert isinstance(data, AUCDataModule)
        assert [len(each) for each in data.datasets if each is not None] == [60] * parts
        assert data.has_test is (parts == 3)


def test_loaders_keep_their_batch_size_and_are_known_by_their_content() -> None:
    data: Any = as_data((DataLoader(SPLIT, batch_size=12), DataLoader(SPLIT)))
    other: Any = as_data((DataLoader(TensorDataset(SPLIT.tensors[0] + 1, SPLIT.tensors[1]), batch_size=12), DataLoader(SPLIT)))
    assert isinstance(data, WrappedDataModule)
    assert len(next(iter(data.train_dataloader()))[1]) == 12
    assert data.fingerprint() == as_data((DataLoader(SPLIT, batch_size=12), DataLoader(SPLIT))).fingerprint()  # type: ignore[union-attr]
    assert data.fingerprint() != other.fingerprint()


@pytest.mark.parametrize("data", [(SPLIT,), X, (SPLIT, DataLoader(SPLIT)), (SPLIT, 3), (), "digits.csv", (SPLIT,) * 4])
def test_anything_else_is_an_error_that_names_the_forms(data: Any) -> None:
    with pytest.raises(ConfigError, match=r"trainer_factory.data: expected .*\(X, y\).*found"):
        as_data(data)


@pytest.mark.parametrize("data", [(X, Y), (SPLIT, SPLIT), (DataLoader(SPLIT, batch_size=12),) * 2, ((X, Y), (X, Y))])
def test_a_factory_trains_on_each(data: Any) -> None:
    made = trainer_factory(lambda: torch.nn.Linear(4, 2), data, epochs=1, batch_size=8, logits=lambda output: output[:, :1])
    fit = made(configuration(made.cs, values(made.cs.get_default_configuration())))
    assert 0 <= fit.run(seed=0).score <= 1
    assert made.autofunc.describe()["logits"]
