from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import ConcatDataset, IterableDataset, Subset, TensorDataset

from automax_lightning.auc.data.labels import check_labels, find_labels
from automax_lightning.errors import DataError

Y = [0, 1, 0, 0, 1]


class Loaded:
    """Counts how often a sample is loaded."""

    def __init__(self, **attributes: Any) -> None:
        self.loaded = 0
        vars(self).update(attributes)

    def __len__(self) -> int:
        return len(Y)

    def __getitem__(self, index: int) -> tuple[int, int]:
        self.loaded += 1
        return index, Y[index]


TENSORS = TensorDataset(torch.zeros(5, 2), torch.tensor(Y))


@pytest.mark.parametrize(
    ("dataset", "expected", "loads"),
    [
        (Loaded(targets=Y), Y, 0),
        (Loaded(labels=np.array(Y)), Y, 0),
        (Loaded(y=torch.tensor(Y)[:, None]), Y, 0),
        (Loaded(), Y, 5),
        (Loaded(targets=None), Y, 5),
        (Loaded(labels=["cat", "dog"]), Y, 5),  # names of the classes, not labels
        (TENSORS, Y, 0),
        (Subset(TENSORS, [1, 2]), [1, 0], 0),
        (Subset(Loaded(), [4, 0]), [1, 0], 2),
        (ConcatDataset([TENSORS, Subset(TENSORS, [1])]), [*Y, 1], 0),
        (TensorDataset(torch.zeros(2, 1), torch.eye(2)), [[1, 0], [0, 1]], 0),
    ],
)
def test_labels_are_found_where_they_are(dataset: Any, expected: list[Any], loads: int) -> None:
    assert find_labels(dataset).tolist() == expected
    inner = getattr(dataset, "dataset", dataset)
    assert getattr(inner, "loaded", 0) == loads


@pytest.mark.parametrize("make", [lambda y: TensorDataset(y[:, None], y), lambda y: Loaded(targets=y)])
def test_labels_stay_when_torch_moves_the_tensor_to_shared_memory(make: Any) -> None:
    """Spawning ranks does it, and frees the memory under every NumPy view: once read, such labels were garbage."""
    y = torch.tensor(Y)
    assert not np.shares_memory(find_labels(make(y)), y.numpy())


def test_what_has_no_labels_is_refused() -> None:
    class Stream(IterableDataset):  # type: ignore[type-arg]
        def __iter__(self) -> Any:
            return iter([])

    with pytest.raises(DataError, match=r"data.train: expected a map-style dataset"):
        find_labels(Stream())
    with pytest.raises(DataError, match=r"data.val\[0\]: expected a sample \(x, y\)"):
        find_labels([1, 2, 3], "val")


@pytest.mark.parametrize("good", [[0, 1], [True, False], [0.0, 1.0], [[0, 1], [1, 0]]])
def test_zeros_and_ones_of_any_type_will_do(good: Any) -> None:
    check_labels(np.array(good), "train", both_classes=True)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([0, 2], r"labels of data.train: expected 0 and 1, found \[0, 2\]"),
        ([-1, 0, 1], "is -1 the negative class, or not known"),
        ([0.3, 0.7], "expected 0 and 1"),
        ([0.0, np.nan], "expected 0 and 1"),
        (["yes", "no"], r"\['no', 'yes'\].*TabularDataModule does it with positive="),
        ([0, 0], r"expected both classes, found \[0\] positives among 2 samples"),
        ([1, 1], "both classes"),
        ([], "at least one sample"),
    ],
)
def test_other_labels_are_refused(bad: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_labels(np.array(bad), "train", both_classes=True)


def test_an_evaluation_split_may_hold_one_class() -> None:
    check_labels(np.array([0, 0]), "val", both_classes=False)
