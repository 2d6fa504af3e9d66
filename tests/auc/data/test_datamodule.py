from __future__ import annotations

import random
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

from automax_lightning import AUCDataModule, DigitsDataModule, TabularDataModule
from automax_lightning.auc.data.batches import IndexedBatches
from automax_lightning.auc.data.facts import DataFacts
from automax_lightning.errors import ConfigError, DataError
from tests.support import auc as helpers

X = torch.arange(40, dtype=torch.float32)[:, None].repeat(1, 3)
Y = (torch.arange(40) % 5 == 0).long()
DATA = TensorDataset(X, Y)


class Pictures(Dataset[Any]):
    """A dataset that augments at random, as image datasets do."""

    def __init__(self, noise: bool = False) -> None:
        self.noise = noise

    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        assert isinstance(index, int)
        extra = torch.rand(1).item() + random.random() + np.random.rand() if self.noise else 0.0
        return X[index] + extra, int(Y[index])


@pytest.mark.parametrize("dataset", [DATA, Pictures(), Subset(DATA, range(40)), Subset(Pictures(), range(40))])
@pytest.mark.parametrize("num_workers", [0, 2])
def test_batches_bring_the_position_of_each_sample(dataset: Any, num_workers: int) -> None:
    data = AUCDataModule(dataset, dataset, dataset, batch_size=8, eval_batch_size=7, num_workers=num_workers)
    for loader, size in ((data.train_dataloader(), 8), (data.val_dataloader(), 7), (data.test_dataloader(), 7)):
        batches = list(loader)
        assert len(batches) == len(loader)
        for x, y, index in batches:
            assert torch.equal(x, X[index])
            assert torch.equal(y, Y[index])
            assert index.dtype == torch.int64
            assert len(index) == size or loader is not data.train_dataloader()
    assert [int(y.sum()) for _, y, _ in data.train_dataloader()] == [4] * len(data.train_dataloader())


def test_tensors_are_gathered_whole_and_other_samples_collated() -> None:
    assert IndexedBatches(DATA).tensors is not None
    assert IndexedBatches(Subset(DATA, [3, 1])).tensors is not None
    assert IndexedBatches(Pictures()).tensors is None
    assert IndexedBatches(DATA, collate=lambda samples: samples).tensors is None

    class Odd(TensorDataset):
        def __getitem__(self, index: Any) -> Any:
            return tuple(tensor + 1 for tensor in super().__getitem__(index))

    assert IndexedBatches(Odd(X, Y)).tensors is None  # a subclass may do anything


def test_facts_and_labels_are_those_of_the_training_split() -> None:
    data = AUCDataModule(DATA, DATA)
    assert data.facts == DataFacts(40, (8,))
    assert data.train_labels.tolist() == Y.tolist()
    assert not data.has_test
    with pytest.raises(DataError, match="data.test: expected a test split"):
        data.test_dataloader()


def test_a_clone_shares_the_data_and_changes_only_itself() -> None:
    data = AUCDataModule(DATA, DATA, batch_size=8, seed=1)
    twin = data.clone(batch_size=16, sampling_rate=0.25, seed=2)
    assert twin.datasets[0] is data.datasets[0]
    assert (data.batch_size, data.sampling_rate, data.seed) == (8, 0.5, 1)
    _, y, _ = next(iter(twin.train_dataloader()))
    assert (len(y), int(y.sum())) == (16, 4)
    with pytest.raises(ConfigError, match=r"clone.batchsize: .* Did you mean 'batch_size'"):
        data.clone(batchsize=3)
    with pytest.raises(ConfigError, match="sampling_rate"):
        data.clone(sampling_rate=2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 1}, "batch_size"), ({"sampling_rate": 1.0}, "sampling_rate"),
        ({"eval_batch_size": 0}, "eval_batch_size"), ({"num_workers": -1}, "num_workers"),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AUCDataModule(DATA, DATA, **settings)


def test_labels_that_cannot_be_trained_on_are_refused_at_once() -> None:
    negative = TensorDataset(X, torch.zeros(40))
    with pytest.raises(DataError, match="labels of data.train: expected both classes"):
        AUCDataModule(negative, DATA)
    AUCDataModule(DATA, negative)
    with pytest.raises(DataError, match="labels of data.val: expected 0 and 1"):
        AUCDataModule(DATA, TensorDataset(X, Y * 2))
    with pytest.raises(DataError, match="data.test: expected at least one sample"):
        AUCDataModule(DATA, DATA, TensorDataset(X[:0], Y[:0]))


class Theirs(L.LightningDataModule):
    """A datamodule that knows nothing of this package."""

    def __init__(self, collate: Any = None) -> None:
        super().__init__()
        self.collate, self.calls = collate, []

    def prepare_data(self) -> None:
        self.calls.append("prepare")

    def setup(self, stage: str) -> None:
        self.calls.append(stage)
        self.data = Pictures()

    def loader(self) -> Any:
        return DataLoader(self.data, batch_size=10, collate_fn=self.collate, pin_memory=False)

    def train_dataloader(self) -> Any:
        return self.loader()

    def val_dataloader(self) -> Any:
        return self.loader()


def test_wrapping_takes_everything_but_the_sampler_from_a_foreign_datamodule() -> None:
    def collate(samples: list[Any]) -> Any:
        return torch.stack([x for x, _ in samples]) * 2, torch.tensor([y for _, y in samples])

    theirs = Theirs(collate)
    data = AUCDataModule.wrap(theirs, sampling_rate=0.3, seed=1)
    assert theirs.calls == []
    x, y, index = next(iter(data.train_dataloader()))
    assert theirs.calls == ["prepare", "fit"]
    assert torch.equal(x, 2 * X[index])
    assert (len(y), int(y.sum()), data.has_test) == (10, 3, False)
    assert len(next(iter(data.clone(batch_size=4).train_dataloader()))[1]) == 4


def test_a_foreign_datamodules_batch_hooks_still_see_x_and_y() -> None:
    class Augments(Theirs):
        def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
            x, y = batch
            return x + 1, y

    data = AUCDataModule.wrap(Augments())
    batch = next(iter(data.train_dataloader()))
    x, y, index = data.on_after_batch_transfer(data.on_before_batch_transfer(batch, 0), 0)
    assert torch.equal(x, X[index] + 1)
    assert torch.equal(y, batch[1])
    assert torch.equal(data.on_before_batch_transfer(X, 0), X)


def test_wrapping_several_loaders_is_refused() -> None:
    class Two(Theirs):
        def val_dataloader(self) -> Any:
            return [self.loader(), self.loader()]

    with pytest.raises(DataError, match="data.val_dataloader: expected one torch DataLoader, found list"):
        _ = AUCDataModule.wrap(Two()).facts


def test_overfitting_batches_would_replace_the_sampler_and_is_refused() -> None:
    from automax_lightning.auc.pairs import registry as pairs

    with pytest.raises(ConfigError, match=r"Trainer.overfit_batches: .* Use limit_train_batches"):
        helpers.fit(helpers.module("AUCMLoss"), helpers.datamodule(pairs.get("AUCMLoss")), overfit_batches=2)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_workers_augment_alike_in_the_same_epoch(num_workers: int) -> None:
    """What a worker draws depends on the loader's generator, which is seeded from (seed, epoch)."""
    found = []
    for _ in range(2):
        data = AUCDataModule(Pictures(noise=True), DATA, batch_size=8, num_workers=num_workers, seed=3)
        loader = data.train_dataloader()
        loader.sampler.set_epoch(4)
        torch.manual_seed(0)
        np.random.seed(0)
        random.seed(0)
        found.append([x for x, _, _ in loader])
    assert all(map(torch.equal, *found))


def test_prediction_batches_are_plain() -> None:
    x, y = next(iter(AUCDataModule(DATA, DATA, eval_batch_size=5).predict_dataloader()))
    assert (x.shape, y.shape) == ((5, 3), (5,))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AUCDataModule(DATA, DATA, batch_size="8"), r"AUCDataModule.batch_size: expected an integer of at least 2"),
        (lambda: AUCDataModule(DATA, DATA, sampling_rate="0.5"), r"AUCDataModule.sampling_rate: expected a share of positives"),
        (lambda: AUCDataModule(DATA, DATA, num_workers=1.5), r"AUCDataModule.num_workers: expected an integer of at least 0"),
        (lambda: AUCDataModule(DATA, DATA, seed=-1), r"AUCDataModule.seed: expected an integer in"),
        (lambda: AUCDataModule.wrap(DATA), r"AUCDataModule.wrap.datamodule: expected a LightningDataModule"),
        (lambda: TabularDataModule(X, Y, val_size="0.2"), r"TabularDataModule.val_size: expected a share of the rows"),
        (lambda: TabularDataModule(path=3), r"TabularDataModule.path: expected a path"),
        (lambda: DigitsDataModule(share="a"), r"DigitsDataModule.share: expected a share in \(0, 0.5\)"),
    ],
)
def test_wrong_arguments_are_named(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()


class Samples(torch.utils.data.Dataset[Any]):
    """Samples of any form around the same rows and labels."""

    def __init__(self, make: Any) -> None:
        self.make = make

    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, row: int) -> Any:
        return self.make(X[row], Y[row], row)


FORMS = {
    "several inputs": lambda x, y, row: (x, x + 1, y),
    "a mapping": lambda x, y, row: {"a": x, "b": x + 1, "label": y},
    "nested": lambda x, y, row: ((x, x + 1), y),
    "an index beside": lambda x, y, row: (x, y, row),
    "a weight beside": lambda x, y, row: (x, y, 0.5),
}


@pytest.mark.parametrize("form", FORMS)
def test_samples_of_any_form_make_balanced_batches(form: str) -> None:
    data = AUCDataModule(Samples(FORMS[form]), Samples(FORMS[form]), batch_size=10)
    assert data.train_labels.tolist() == Y.tolist()
    x, y, index = next(iter(data.train_dataloader()))
    assert torch.equal(y, Y[index])
    first = x if isinstance(x, torch.Tensor) else x["a"] if isinstance(x, dict) else x[0]
    assert torch.equal(first, X[index])


@pytest.mark.parametrize("form", ["several inputs", "a mapping"])
def test_a_foreign_datamodules_batch_hooks_see_its_own_form(form: str) -> None:
    seen = []

    class Augments(Theirs):
        def train_dataloader(self) -> Any:
            return torch.utils.data.DataLoader(Samples(FORMS[form]), batch_size=10)

        val_dataloader = train_dataloader

        def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
            seen.append(batch)
            return batch

    data = AUCDataModule.wrap(Augments())
    batch = next(iter(data.train_dataloader()))
    x, y, index = data.on_after_batch_transfer(batch, 0)
    assert torch.equal(y, Y[index])
    assert len(x) == 2
    assert (sorted(seen[0]) == ["a", "b", "label"]) if form == "a mapping" else (len(seen[0]) == 3)
