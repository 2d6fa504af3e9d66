"""The same data have the same fingerprint, in whichever form they come; other data have another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import ConcatDataset, Dataset, Subset, TensorDataset

from automax_lightning import AUCDataModule, DigitsDataModule, TabularDataModule
from automax_lightning.auc.data.fingerprint import (
    datamodule_fingerprint,
    files_in,
    fingerprint,
    folders_in,
    place,
    plain,
    split_fingerprint,
)

X = np.arange(240, dtype=np.float64).reshape(60, 4)
Y = np.arange(60) % 3 == 0


def test_arrays_tensors_and_lists_are_their_shape_and_their_values() -> None:
    same = [fingerprint(X), fingerprint(torch.from_numpy(X)), fingerprint(np.asfortranarray(X)), fingerprint(X.tolist())]
    assert all(each == same[0] for each in same)
    changed = X.copy()
    changed[0, 0] += 1e-9
    others = [X[:30], X.T, X.reshape(4, 60), X.astype(np.float32), changed, X[::-1]]
    assert len({json.dumps(fingerprint(each)) for each in (X, *others)}) == 7


@pytest.mark.parametrize("odd", [
    np.zeros((0, 3)), np.array("a"), np.array(["a", None], dtype=object), torch.zeros(3, dtype=torch.bfloat16),
    torch.zeros(2, 3, requires_grad=True).T, np.array(["2020-01-01"], dtype="datetime64[D]"), [],
])  # fmt: skip
def test_every_kind_of_array_has_one(odd: Any) -> None:
    assert fingerprint(odd) == fingerprint(odd)
    assert len(fingerprint(odd)["blake2b"]) == 32


def test_a_table_is_its_columns_and_their_values() -> None:
    table = pd.DataFrame({"a": [1.0, np.nan], "b": ["x", None], "c": pd.Categorical(["u", "v"])})
    assert fingerprint(table) == fingerprint(table.copy())
    others = [table.rename(columns={"a": "z"}), table.iloc[::-1], table.iloc[:1], table.assign(b=["x", "y"])]
    assert len({fingerprint(each)["blake2b"] for each in (table, *others)}) == 5
    lists = pd.DataFrame({"a": [[1], [2]]})
    assert fingerprint(lists) != fingerprint(pd.DataFrame({"a": [[1], [3]]}))
    assert fingerprint(table["a"])["shape"] == [2]


def test_a_file_is_its_name_its_size_and_its_content(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for path in (tmp_path / "d.csv", tmp_path / "a" / "d.csv"):
        path.write_text("x,y\n1,0\n")
    first = fingerprint(tmp_path / "d.csv")
    assert (first["file"], first["bytes"]) == ("d.csv", 8)
    assert first == fingerprint(tmp_path / "a" / "d.csv")  # a folder of another machine
    (tmp_path / "d.csv").write_text("x,y\n1,1\n")
    assert fingerprint(tmp_path / "d.csv") != first
    section = {"init_args": {"path": str(tmp_path / "d.csv"), "also": [str(tmp_path / "none")], "n": 3, "text": "x" * 5000}}
    assert list(files_in(section, "data")) == ["data.init_args.path"]


class OnDisk(Dataset[Any]):
    """Samples that are not in memory."""

    def __init__(self, labels: Any, *, stored: bool) -> None:
        self.own = labels
        if stored:
            self.targets = labels

    def __len__(self) -> int:
        return len(self.own)

    def __getitem__(self, index: int) -> Any:
        return np.zeros(3, dtype=np.float32), int(self.own[index])


@pytest.mark.parametrize("stored", [True, False])
def test_samples_on_disk_are_known_by_their_labels(stored: bool) -> None:
    one, other = OnDisk(Y.astype(int), stored=stored), OnDisk(np.roll(Y, 1).astype(int), stored=stored)
    modules = [
        AUCDataModule(each, each, batch_size=8) for each in (one, one, other, Subset(one, range(30)), ConcatDataset([one, one]))
    ]
    found = [json.dumps(module.fingerprint()["train"]) for module in modules]
    assert found[0] == found[1]
    assert len(set(found)) == 4
    assert (split_fingerprint(one)["labels"] is not None) == stored
    assert split_fingerprint(None) is None


def test_a_datamodule_is_its_content_and_its_settings() -> None:
    data = TensorDataset(torch.from_numpy(X), torch.from_numpy(Y).long())
    shuffled = TensorDataset(torch.from_numpy(X), torch.from_numpy(np.roll(Y, 1)).long())
    half = TensorDataset(*(tensor[:30] for tensor in data.tensors))
    made = [
        AUCDataModule(data, data, batch_size=8), AUCDataModule(data, data, batch_size=9),
        AUCDataModule(data, data, batch_size=8, sampling_rate=None), AUCDataModule(shuffled, data, batch_size=8),
        AUCDataModule(data, shuffled, batch_size=8), AUCDataModule(half, data, batch_size=8),
        AUCDataModule(data, data, data, batch_size=8), TabularDataModule(X, Y, batch_size=8),
        TabularDataModule(X, np.roll(Y, 1), batch_size=8), TabularDataModule(X[:30], Y[:30], batch_size=8),
        TabularDataModule(X, Y, batch_size=8, split_seed=1), TabularDataModule(X, Y, batch_size=8, val_size=0.3),
        DigitsDataModule(), DigitsDataModule(share=0.1),
    ]  # fmt: skip
    assert len({json.dumps(each.fingerprint()) for each in made}) == len(made)
    assert made[0].clone(seed=3).fingerprint() == made[0].fingerprint()
    assert made[7]._datasets is None  # nothing was split or encoded for it


class Theirs(L.LightningDataModule):
    def __init__(self, path: str, rows: int = 3, table: Any = None) -> None:
        super().__init__()
        self.save_hyperparameters()


def test_a_datamodule_of_somebody_else_is_its_class_and_its_hyperparameters(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("1")
    made = Theirs(str(tmp_path / "d.csv"), table=X)
    found = datamodule_fingerprint(made)
    assert (found["class"], found["hparams"]["rows"]) == (f"{__name__}.Theirs", 3)
    assert found["hparams"]["table"] == fingerprint(X)
    (tmp_path / "d.csv").write_text("2")
    assert datamodule_fingerprint(made) != found
    wrapped = AUCDataModule.wrap(Theirs("none", rows=4), sampling_rate=0.2)
    assert (wrapped.fingerprint()["hparams"]["rows"], wrapped.fingerprint()["sampling_rate"]) == (4, 0.2)


def test_a_setting_is_json() -> None:
    value = {"a": (1, np.int64(2)), "b": {3.0}, "c": Path("d"), "e": torch.nn.ReLU(), "f": torch.nn.ReLU, "g": None, "h": X}
    assert json.loads(json.dumps(plain(value)))["e"] == "torch.nn.modules.activation.ReLU"
    assert plain(value)["a"] == [1, 2]


def test_a_folder_is_known_by_the_files_in_it_and_an_address_by_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "part-0.parquet").write_bytes(b"one")
    (folder / "_SUCCESS").touch()
    before = place(folder)
    assert list(before["files"]) == ["part-0.parquet"]
    assert folders_in({"path": str(folder), "other": [1], "none": ""}, "data") == {"data.path": before}
    assert folders_in({"path": str(tmp_path)}) == {}  # a folder of anything, such as images, may be large
    (folder / "part-0.parquet").write_bytes(b"two")
    assert place(folder) != before
    assert place("s3://bucket/d.csv") == {"address": "s3://bucket/d.csv"}
    assert place(folder / "part-0.parquet") == fingerprint(folder / "part-0.parquet")
