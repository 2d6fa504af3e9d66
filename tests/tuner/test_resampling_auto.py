"""What ``resampling="auto"`` chooses: by the data of a new search, by the journal of one that has begun."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pandas as pd
import pytest
import torch
from ConfigSpace import Float
from torch.utils.data import DataLoader, Dataset, TensorDataset

from automax_lightning import (
    AUCDataModule,
    AutoMAX,
    AutoMAXConfig,
    DigitsDataModule,
    TabularDataModule,
    autopartial,
    trainer_factory,
)
from automax_lightning.errors import JournalError
from automax_lightning.models import MLP
from automax_lightning.search.snapshot import snapshot
from automax_lightning.utils.row_counts import RowCounts
from tests.support.cheap import Cheap


def labels(positives: int, negatives: int) -> torch.Tensor:
    return torch.cat([torch.ones(positives, dtype=torch.long), torch.zeros(negatives, dtype=torch.long)])


def tensors(positives: int, negatives: int) -> TensorDataset:
    y = labels(positives, negatives)
    return TensorDataset(torch.randn(len(y), 3, generator=torch.Generator().manual_seed(0)) + y[:, None], y)


class Augmented(Dataset[Any]):
    """Rows of which nobody knows whether they are the same in training and validation."""

    def __init__(self) -> None:
        self.targets = labels(10, 30)

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.randn(3), self.targets[index]


class Strangers(L.LightningDataModule):
    """Somebody's own datamodule."""

    def train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(tensors(20, 60), batch_size=16)

    def val_dataloader(self) -> DataLoader[Any]:
        return DataLoader(tensors(5, 15), batch_size=16)


class Divides(Strangers):
    """One that can divide its rows anew."""

    def resplit(self, seed: int, fold: int | None = None, n_folds: int | None = None) -> Strangers:
        return Strangers()


def plan_kind(folder: Path, data: L.LightningDataModule, **settings: Any) -> str:
    factory = trainer_factory(lambda: MLP((4,)), data, epochs=1)
    config = AutoMAXConfig(**{"name": "s", "n_trials": 2, "output_directory": folder, "resampling": "auto", **settings})
    return AutoMAX(factory, config, "AUROC", quiet=True).plan.resampling.kind


def test_few_rows_of_the_rarer_class_are_divided_into_folds(tmp_path: Path) -> None:
    few, many = tensors(40, 60), tensors(41, 60)
    assert plan_kind(tmp_path, AUCDataModule(many, few, batch_size=8)) == "cv"
    assert plan_kind(tmp_path, AUCDataModule(few, many, batch_size=8)) == "holdout"
    # The rarer class may be the one called 0, and of several labels the one with fewest rows counts.
    assert plan_kind(tmp_path, AUCDataModule(tensors(60, 40), tensors(60, 40), batch_size=8)) == "cv"
    assert plan_kind(tmp_path, DigitsDataModule()) == "cv"


def test_several_labels_count_by_the_rarest() -> None:
    y = np.zeros((400, 2), dtype=int)
    y[:200, 0], y[:20, 1] = 1, 1
    X = np.random.default_rng(0).normal(size=(400, 3))
    assert TabularDataModule(X, y, batch_size=16).row_counts == RowCounts(validation=4, both=16)


def test_rows_that_somebody_has_divided_stay_divided_and_groups_stay_whole() -> None:
    frame = pd.DataFrame({"a": np.arange(120.0), "y": np.arange(120) % 2, "who": np.arange(120) // 2 % 12, "day": np.arange(120)})
    frame["part"] = np.resize(["train", "train", "val", "val", "test", "test"], 120)
    made = functools.partial(TabularDataModule, frame, target="y", batch_size=8)
    assert made().row_counts == RowCounts(validation=12, both=48)
    assert made(time="day").row_counts is None
    assert made(split="part").row_counts is None
    grouped = made(groups="who").row_counts
    assert grouped is not None
    assert 4 <= grouped.both <= 12


def test_rows_that_cannot_be_divided_keep_the_datas_own_split(tmp_path: Path) -> None:
    assert AUCDataModule(Augmented(), Augmented(), batch_size=8).row_counts is None
    assert plan_kind(tmp_path, AUCDataModule(Augmented(), Augmented(), batch_size=8)) == "holdout"


def test_a_strangers_datamodule_with_a_method_is_asked(tmp_path: Path) -> None:
    assert plan_kind(tmp_path, Divides()) == "cv"


@pytest.mark.parametrize("other", [{"preset": "original"}, {"n_seeds": 2}, {"min_budget": 1, "max_budget": 4}], ids=str)
def test_what_cannot_go_with_folds_comes_first(tmp_path: Path, other: dict[str, Any]) -> None:
    assert plan_kind(tmp_path, DigitsDataModule(), **other) == "holdout"


def search(folder: Path, **settings: Any) -> AutoMAX:
    factory = trainer_factory(lambda: MLP((4,)), DigitsDataModule(), epochs=1)
    return AutoMAX(
        factory,
        AutoMAXConfig(**{"name": "s", "n_trials": 1, "output_directory": folder, "resampling": "auto", **settings}),
        quiet=True,
    )


def test_a_search_that_has_begun_keeps_to_its_own(tmp_path: Path) -> None:
    search(tmp_path, resampling="holdout").optimize()
    longer = search(tmp_path, n_trials=2)
    longer.optimize()
    assert longer.plan.resampling.kind == "holdout"
    assert [spec.split for spec in longer.history.asks] == [None, None]


def test_folds_that_auto_has_chosen_are_those_of_cv(tmp_path: Path) -> None:
    chosen, given = search(tmp_path / "auto"), search(tmp_path / "cv", resampling="cv")
    chosen.optimize()
    given.optimize()
    assert [each["val"] for each in chosen.log] == [each["val"] for each in given.log]
    assert len(chosen.log) == 4
    assert chosen.best_score == given.best_score == pytest.approx(np.mean([each["val"] for each in chosen.log]))
    assert search(tmp_path / "auto", resampling="cv", n_trials=2).finished == 4  # the same search
    with pytest.raises(JournalError, match="resampling"):
        search(tmp_path / "auto", resampling="holdout")
    with pytest.raises(JournalError, match="n_folds"):
        search(tmp_path / "auto", n_folds=3)


def test_a_finished_race_is_said_to_be_finished(tmp_path: Path) -> None:
    config = AutoMAXConfig(name="s", n_trials=4, output_directory=tmp_path, resampling="cv", initial_configs=({"x": 0.9},))
    tuner = AutoMAX(autopartial(Cheap, x=Float("x", (0.0, 1.0), default=0.3)), config, "score", quiet=True)
    assert "0 of at most 16 trials" in tuner._repr_html_()
    tuner.optimize()
    over = len(tuner.log)
    assert 4 <= over < 16
    assert snapshot(tuner.directory).is_finished
    assert f"{over} of {over} trials" in snapshot(tuner.directory).describe()
    assert f"{over} of {over} trials" in tuner._repr_html_()
