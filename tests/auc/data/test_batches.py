from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.data import Dataset, Subset, TensorDataset

from automax_lightning.auc.data.batches import IndexedBatches

X, Y = torch.arange(12.0).reshape(6, 2), torch.tensor([0, 1, 0, 1, 1, 0])
TENSORS = TensorDataset(X, Y)


class Loaded(Dataset[Any]):
    """Samples one by one, and how often each was asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __len__(self) -> int:
        return len(Y)

    def __getitem__(self, position: int) -> Any:
        self.asked.append(position)
        return X[position], Y[position]


class InBulk(Loaded):
    def __getitems__(self, positions: list[int]) -> list[Any]:
        self.asked.append(-1)
        return [(X[position], Y[position]) for position in positions]


@pytest.mark.parametrize("make", [lambda: TENSORS, Loaded, InBulk])
def test_an_item_is_the_batch_of_these_positions_with_them(make: Any) -> None:
    x, y, index = IndexedBatches(make())[[4, 0, 4]]
    assert torch.equal(x, X[[4, 0, 4]])
    assert torch.equal(y, Y[[4, 0, 4]])
    assert index.tolist() == [4, 0, 4]
    assert index.dtype is torch.int64


def test_a_subset_of_a_subset_is_gathered_from_the_same_tensors() -> None:
    batches = IndexedBatches(Subset(Subset(TENSORS, [5, 3, 1]), [2, 0]))
    assert batches.tensors is not None
    assert len(batches) == 2
    x, y, index = batches[[1, 0]]
    assert torch.equal(x, X[[5, 1]])
    assert (y.tolist(), index.tolist()) == ([0, 1], [1, 0])


def test_what_may_compute_its_samples_is_asked_for_them() -> None:
    class Noisy(TensorDataset):
        def __getitem__(self, index: Any) -> Any:
            return super().__getitem__(index)[0] + 100, Y[index]

    x, _, _ = IndexedBatches(Noisy(X, Y))[[0]]
    assert x.tolist() == [[100.0, 101.0]]
    assert IndexedBatches(TensorDataset(X, Y, Y)).tensors is None


def test_samples_are_fetched_in_bulk_where_the_dataset_can() -> None:
    one_by_one, in_bulk = Loaded(), InBulk()
    for dataset in (one_by_one, in_bulk):
        IndexedBatches(dataset)[[2, 1]]
    assert (one_by_one.asked, in_bulk.asked) == ([2, 1], [-1])


def test_a_collate_of_the_users_own_makes_the_batch() -> None:
    def collate(samples: list[Any]) -> tuple[Any, ...]:
        return [sample[0].tolist() for sample in samples], torch.stack([sample[1] for sample in samples]), "ignored"

    x, y, index = IndexedBatches(TENSORS, collate)[[1, 2]]
    assert x == [[2.0, 3.0], [4.0, 5.0]]
    assert (y.tolist(), index.tolist()) == ([1, 0], [1, 2])


def test_labels_are_those_of_the_dataset() -> None:
    assert IndexedBatches(Subset(TENSORS, [1, 2])).labels.tolist() == [1, 0]
