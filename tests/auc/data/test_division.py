"""Rows are divided as scikit-learn divides them, and every row is validated by exactly one fold."""

from __future__ import annotations

from typing import Any

import lightning as L
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

from automax_lightning import AUCDataModule, DigitsDataModule, TabularDataModule
from automax_lightning.auc.data.division import Division, chosen, division_of, draw_groups, pooled, rarest_label
from automax_lightning.errors import ConfigError, DataError

LABELS = np.array([1] * 9 + [0] * 31)


def dataset(n: int, first: int = 0) -> TensorDataset:
    """Row i holds i, so that rows can be told."""
    rows = torch.arange(first, first + n)
    return TensorDataset(rows[:, None].float(), (rows % 4 == 0).long())


def rows(data: AUCDataModule, split: int) -> list[int]:
    return sorted(int(data.datasets[split][i][0][0]) for i in range(len(data.datasets[split])))


@pytest.mark.parametrize("fold", range(3))
def test_folds_are_those_of_scikit_learn(fold: int) -> None:
    train, val = list(StratifiedKFold(3, shuffle=True, random_state=5).split(LABELS, LABELS))[fold]
    ours = Division(5, fold, 3).of(LABELS, n_val=1)
    assert ours[0].tolist() == train.tolist()
    assert ours[1].tolist() == val.tolist()


def test_another_draw_is_that_of_scikit_learn_and_keeps_the_size() -> None:
    expected = next(StratifiedShuffleSplit(1, test_size=8, random_state=5).split(LABELS, LABELS))
    ours = Division(5).of(LABELS, n_val=8)
    assert [part.tolist() for part in ours] == [sorted(part.tolist()) for part in expected]
    assert Division(6).of(LABELS, n_val=8)[1].tolist() != ours[1].tolist()


def test_too_few_positives_for_the_folds_are_said() -> None:
    with pytest.raises(DataError, match=r"at least 4 rows of each class.*found 3. Pass n_folds=3, or resampling='holdout'"):
        Division(0, 0, 4).of(np.array([1] * 3 + [0] * 20), n_val=5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 4, 4), r"resplit.fold: expected a fold below n_folds"),
        ((0, 1), r"resplit.fold: expected a fold below n_folds, or neither of them, found fold=1, n_folds=None"),
        ((-1,), r"resplit.seed: expected an integer in \[0, 4294967295\]"),
        ((0, 0, 1), r"resplit.n_folds: expected an integer of at least 2"),
    ],
)
def test_a_division_that_makes_no_sense_is_an_error(arguments: tuple[int, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Division(*arguments)


def test_arguments_of_a_datamodule_make_a_division_or_none() -> None:
    assert division_of(None, None, None) is None
    assert division_of(3, None, None) == Division(3)
    with pytest.raises(ConfigError, match="resplit_seed: expected a seed, where there are folds"):
        division_of(None, 0, 4)


def test_strata_of_several_labels_are_the_rarest_one() -> None:
    labels = np.zeros((20, 2), dtype=int)
    labels[:12, 0], labels[:6, 1] = 1, 1
    assert rarest_label(labels).tolist() == [2] * 6 + [1] * 6 + [0] * 8


class Augmented(Dataset[Any]):
    """A dataset of whose samples nobody knows how they are made."""

    targets = torch.tensor([0, 1] * 10)

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.randn(1), self.targets[index]


def test_rows_are_pooled_only_where_they_are_the_same_in_both_splits() -> None:
    whole = dataset(20)
    assert pooled(whole, dataset(4, first=20)) is not None
    assert pooled(Subset(whole, [0, 1]), Subset(whole, [2, 3])) is not None
    assert pooled(Subset(whole, [0, 1]), Subset(dataset(20), [2, 3])) is None
    assert pooled(Augmented(), Augmented()) is None
    assert isinstance(chosen(whole, np.array([1, 2])), TensorDataset)
    with pytest.raises(DataError, match=r"data.resplit: expected TensorDatasets.*found a Augmented and a Augmented"):
        AUCDataModule(Augmented(), Augmented(), batch_size=4).resplit(0, 0, 2)


class Own(L.LightningDataModule):
    """Somebody's own, by two subsets of one dataset."""

    def train_dataloader(self) -> Any:
        return DataLoader(Subset(dataset(40), range(30)), batch_size=4)

    def setup(self, stage: str) -> None:
        self.whole = dataset(40)

    def val_dataloader(self) -> Any:
        return DataLoader(Subset(self.whole, range(30, 40)), batch_size=4)


class OwnOfOne(Own):
    def train_dataloader(self) -> Any:
        return DataLoader(Subset(self.whole, range(30)), batch_size=4)


class OwnWay(Own):
    """Divides its rows itself."""

    def __init__(self, told: tuple[Any, ...] = ()) -> None:
        super().__init__()
        self.told = told

    def resplit(self, seed: int, fold: int | None = None, n_folds: int | None = None) -> OwnWay:
        return OwnWay((seed, fold, n_folds))


@pytest.mark.parametrize(
    "data",
    [
        AUCDataModule(dataset(30), dataset(10, first=30), dataset(8, first=40), batch_size=4),
        AUCDataModule.wrap(OwnOfOne(), batch_size=4),
        TabularDataModule(np.arange(48.0)[:, None], (np.arange(48) % 4 == 0).astype(int), batch_size=4),
    ],
    ids=["datasets", "wrapped", "table"],
)
def test_each_row_is_validated_by_one_fold_and_the_test_split_stays(data: AUCDataModule) -> None:
    folds = [data.resplit(seed=3, fold=fold, n_folds=4) for fold in range(4)]
    n_rows, n_test = len(data.datasets[0]) + len(data.datasets[1]), len(data.datasets[2]) if data.has_test else 0
    assert [len(fold.datasets[0]) + len(fold.datasets[1]) for fold in folds] == [n_rows] * 4
    assert sum(len(fold.datasets[1]) for fold in folds) == n_rows
    assert [len(fold.datasets[2]) if fold.has_test else 0 for fold in folds] == [n_test] * 4
    assert all(fold.facts.length == len(fold.datasets[0]) for fold in folds)
    drawn = data.resplit(seed=3)
    assert [len(part) for part in drawn.datasets[:2]] == [len(part) for part in data.datasets[:2]]
    _, _, index = next(iter(folds[0].train_dataloader()))
    assert int(index.max()) < folds[0].facts.length


def test_a_datamodule_of_ones_own_is_asked_for_its_own_way() -> None:
    wrapped = AUCDataModule.wrap(OwnWay(), batch_size=4).resplit(3, 1, 4)
    assert wrapped.inner.told == (3, 1, 4)  # type: ignore[attr-defined]
    with pytest.raises(DataError, match=r"data.resplit: expected TensorDatasets, or Subsets of one dataset"):
        AUCDataModule.wrap(Own(), batch_size=4).resplit(3, 1, 4)


def test_the_models_of_all_folds_take_the_same_features() -> None:
    frame = pd.DataFrame({"a": np.arange(60.0), "b": list("uvwxyz") * 10})
    data = TabularDataModule(frame, (np.arange(60) % 4 == 0).astype(int), batch_size=4)
    folds = [data.resplit(0, fold, 4) for fold in range(4)]
    rows = torch.cat([dataset.tensors[0] for dataset in data.datasets[:2]])
    for fold in folds:
        assert torch.equal(fold.datasets[2].tensors[0], data.datasets[2].tensors[0])
        again = torch.cat([dataset.tensors[0] for dataset in fold.datasets[:2]])
        assert torch.equal(again[again[:, 0].argsort()], rows[rows[:, 0].argsort()])


def test_the_same_division_by_arguments_and_by_method(tmp_path: Any) -> None:
    frame = pd.DataFrame({"a": range(40), "b": ["x", "y"] * 20, "label": [1, 0, 0, 0] * 10})
    frame.to_csv(tmp_path / "d.csv", index=False)

    def made(**arguments: Any) -> TabularDataModule:
        return TabularDataModule(path=tmp_path / "d.csv", target="label", batch_size=4, **arguments)

    by_method, by_arguments = made().resplit(7, 2, 4), made(resplit_seed=7, fold=2, n_folds=4)
    for split in range(3):
        assert torch.equal(by_method.datasets[split].tensors[0], by_arguments.datasets[split].tensors[0])
    assert by_arguments.fingerprint() != made().fingerprint()
    digits = DigitsDataModule(resplit_seed=7, fold=2, n_folds=4)
    assert torch.equal(digits.datasets[1].tensors[1], DigitsDataModule().resplit(7, 2, 4).datasets[1].tensors[1])


def test_no_fold_divides_a_group() -> None:
    labels, groups = (np.arange(60) % 4 == 0).astype(int), np.arange(60) // 3
    seen = []
    for fold in range(4):
        train, val = Division(0, fold, 4).of(labels, 15, groups)
        assert not set(groups[train]) & set(groups[val])
        assert labels[val].sum() > 0
        seen += val.tolist()
    assert sorted(seen) == list(range(60))
    train, val = Division(1).of(labels, 15, groups)
    assert not set(groups[train]) & set(groups[val])
    assert len(val) == 15
    with pytest.raises(DataError, match="each class in at least 9 groups, one for each fold, found 8 groups. Pass n_folds=8"):
        Division(0, 0, 9).of(labels, 15, np.arange(60) // 8)
    assert len(draw_groups(labels, groups, 0.5, 0)) == 30
