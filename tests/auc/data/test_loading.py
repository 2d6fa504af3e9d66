"""What `AUCDataModule.wrap` keeps of a loader: how it loads, and which rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import lightning as L
import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from automax_lightning import AUCDataModule
from automax_lightning.auc.data.loading import Loading, batch_size_of, rate_of, rows_of
from automax_lightning.errors import DataError

ROWS = TensorDataset(torch.arange(40.0)[:, None], (torch.arange(40) % 4 == 0).long())


class Batches(Sampler[list[int]]):
    """Batches of one's own; nobody knows their size or rows."""

    def __iter__(self) -> Iterator[list[int]]:
        yield from ([i, i + 1] for i in range(0, 40, 2))


class Dual(Sampler[int]):
    """Balances classes, as LibAUC's sampler of that name."""

    sampling_rate = 0.25

    def __iter__(self) -> Iterator[int]:
        yield from range(20)


class Half(Sampler[int]):
    def __iter__(self) -> Iterator[int]:
        yield from range(20)

    def __len__(self) -> int:
        return 20


class Theirs(L.LightningDataModule):
    """Loaders as they are told."""

    def __init__(self, train: dict[str, Any], val: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.train, self.val = train, val or {}

    def train_dataloader(self) -> Any:
        return DataLoader(ROWS, **self.train)

    def val_dataloader(self) -> Any:
        return DataLoader(ROWS, **self.val)


def started(worker: int) -> None:
    """A `worker_init_fn` that travels."""


def test_how_rows_are_loaded_is_kept() -> None:
    settings = {"num_workers": 2, "persistent_workers": True, "prefetch_factor": 3, "worker_init_fn": started, "timeout": 60.0,
                "multiprocessing_context": "spawn"}  # fmt: skip
    data = AUCDataModule.wrap(Theirs({"batch_size": 8, **settings}, {"batch_size": 16}))
    for loader in (data.train_dataloader(), data.val_dataloader()):
        assert loader.persistent_workers
        assert (loader.num_workers, loader.prefetch_factor, loader.timeout, loader.worker_init_fn) == (2, 3, 60.0, started)
        assert loader.multiprocessing_context.get_start_method() == "spawn"
    assert data.batch_size == 8
    alone = AUCDataModule.wrap(Theirs({"batch_size": 8, **settings}), num_workers=0).train_dataloader()
    assert (alone.num_workers, alone.prefetch_factor, alone.persistent_workers) == (0, None, False)


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        ({"batch_size": 8}, 8),
        ({"batch_sampler": BatchSampler(RandomSampler(ROWS), 10, drop_last=False)}, 10),
        ({"batch_sampler": Batches()}, None),
    ],
)
def test_the_batch_size_is_read_also_from_a_batch_sampler(settings: dict[str, Any], size: int | None) -> None:
    assert batch_size_of(DataLoader(ROWS, **settings)) == size


def test_batches_without_a_size_need_one() -> None:
    with pytest.raises(DataError, match=r"data.train_dataloader: expected a batch size, found the batches of a Batches"):
        _ = AUCDataModule.wrap(Theirs({"batch_sampler": Batches()})).facts
    data = AUCDataModule.wrap(Theirs({"batch_sampler": Batches()}), batch_size=6)
    assert len(next(iter(data.train_dataloader()))[1]) == 6


def test_a_rate_of_their_own_is_kept_unless_another_is_given() -> None:
    assert rate_of(DataLoader(ROWS, sampler=Dual())) == 0.25
    assert rate_of(DataLoader(ROWS)) is None
    theirs = Theirs({"batch_size": 8, "sampler": Dual()})
    wrapped = [AUCDataModule.wrap(theirs), AUCDataModule.wrap(theirs, sampling_rate=0.5), AUCDataModule.wrap(Theirs({}))]
    _ = [data.facts for data in wrapped]
    assert [data.sampling_rate for data in wrapped] == [0.25, 0.5, 0.5]
    assert AUCDataModule.wrap(theirs, sampling_rate=None).sampling_rate is None


@pytest.mark.parametrize("split", ["train", "val"])
def test_rows_that_a_sampler_leaves_out_stay_out(split: str) -> None:
    rows = rows_of(DataLoader(ROWS, sampler=SubsetRandomSampler(range(5, 9))), split)
    assert [int(rows[i][0]) for i in range(len(rows))] == [5, 6, 7, 8]
    inside = BatchSampler(SubsetRandomSampler(range(3)), 2, drop_last=False)
    assert len(rows_of(DataLoader(ROWS, batch_sampler=inside), split)) == 3
    with pytest.raises(DataError, match=rf"data.{split}_dataloader: expected a sampler of torch.*found Half. Put the rows into"):
        rows_of(DataLoader(ROWS, sampler=Half()), split)


@pytest.mark.parametrize("sampler", [SequentialSampler(ROWS), RandomSampler(ROWS), WeightedRandomSampler([1.0] * 40, 7)])
def test_samplers_of_all_rows_are_replaced(sampler: Any) -> None:
    assert rows_of(DataLoader(ROWS, sampler=sampler), "train") is ROWS


def test_validation_batches_of_ones_own_are_refused() -> None:
    with pytest.raises(DataError, match=r"data.val_dataloader: .*found Batches"):
        _ = AUCDataModule.wrap(Theirs({"batch_size": 8}, {"batch_sampler": Batches()})).facts


def test_a_setup_that_reads_the_trainer_works_before_there_is_a_fit() -> None:
    class Reads(Theirs):
        def setup(self, stage: str) -> None:
            self.ranks = self.trainer.world_size  # type: ignore[union-attr]

    theirs = Reads({"batch_size": 8})
    assert AUCDataModule.wrap(theirs).facts.length == 40
    assert theirs.ranks == 1


class Noisy(Dataset[Any]):
    """Augments with random numbers."""

    targets = (torch.arange(40) % 4 == 0).long()

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.rand(1), self.targets[index]


@pytest.mark.slow
def test_persistent_workers_draw_the_same_numbers_in_a_resumed_fit() -> None:
    class Augmented(Theirs):
        def train_dataloader(self) -> Any:
            return DataLoader(Noisy(), batch_size=8, num_workers=1, persistent_workers=True)

    def second_epoch(loader: Any, *, is_resumed: bool) -> torch.Tensor:
        if not is_resumed:
            list(loader)
        loader.sampler.set_epoch(1)
        return torch.cat([x for x, _, _ in loader])

    uncut, resumed = (
        second_epoch(AUCDataModule.wrap(Augmented({})).train_dataloader(), is_resumed=is_resumed) for is_resumed in (False, True)
    )
    assert torch.equal(uncut, resumed)


def test_nothing_of_a_plain_loader_is_unusual() -> None:
    assert Loading.of(DataLoader(ROWS)) == Loading()
