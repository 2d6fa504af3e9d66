from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from jsonargparse import ArgumentParser
from sklearn.preprocessing import StandardScaler

from automax_lightning import DigitsDataModule, TabularDataModule
from automax_lightning.errors import ConfigError, DataError

pytestmark = pytest.mark.lowest

RNG = np.random.default_rng(0)
X = RNG.normal(2.0, 3.0, size=(100, 4))
Y = (np.arange(100) % 5 == 0).astype(int)


def frame(**columns: Any) -> pd.DataFrame:
    base = {"a": X[:, 0], "b": X[:, 1], "kind": np.where(X[:, 2] > 2, "red", "blue"), "label": Y}
    return pd.DataFrame({**base, **columns})


def test_splits_are_stratified_disjoint_and_decided_by_the_seed_alone() -> None:
    data = TabularDataModule(X, Y, seed=3)
    sizes = [len(split) for split in data.datasets]
    assert sizes == [60, 20, 20]
    assert [int(split.tensors[1].sum()) for split in data.datasets] == [12, 4, 4]
    again, other = TabularDataModule(X, Y, seed=3), TabularDataModule(X, Y, seed=4)
    assert all(torch.equal(p.tensors[0], q.tensors[0]) for p, q in zip(data.datasets, again.datasets, strict=True))
    assert not torch.equal(data.datasets[1].tensors[0], other.datasets[1].tensors[0])
    clone = data.clone(seed=9)
    assert clone.datasets is data.datasets
    first, second = (next(iter(module.train_dataloader()))[2] for module in (data, clone))
    assert not torch.equal(first, second)


def test_scaling_is_learnt_on_the_training_part_only() -> None:
    """Rows are recognised by their order, so scikit-learn can be asked for the same thing."""
    from sklearn.model_selection import train_test_split

    data = TabularDataModule(X, Y, seed=5)
    rest, test = train_test_split(np.arange(100), test_size=0.2, stratify=Y, random_state=5)
    train, val = train_test_split(rest, test_size=0.25, stratify=Y[rest], random_state=5)
    scaler = StandardScaler().fit(X[np.sort(train)])
    for rows, split in zip((train, val, test), data.datasets, strict=True):
        np.testing.assert_allclose(split.tensors[0].numpy(), scaler.transform(X[np.sort(rows)]), atol=1e-5)
        assert split.tensors[0].dtype == torch.float32


def test_a_frame_is_imputed_and_encoded() -> None:
    table = frame(missing=[np.nan] * 100, flag=X[:, 3] > 2, constant=1.0)
    table.loc[::7, "a"] = np.nan
    table.loc[::9, "kind"] = None
    data = TabularDataModule(table, target="label")
    assert data.num_features == 7  # a, b, missing, flag, constant, kind=red, kind=blue
    assert all(torch.isfinite(split.tensors[0]).all() for split in data.datasets)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_files_are_read_on_first_use(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"d.{suffix}"
    table = frame()
    table.to_csv(path, index=False) if suffix == "csv" else table.to_parquet(path)
    data = TabularDataModule(path=path, target="label", seed=1)
    expected = TabularDataModule(table, target="label", seed=1)
    assert data._datasets is None
    torch.testing.assert_close(data.datasets[0].tensors[0], expected.datasets[0].tensors[0])


def test_labels_of_any_kind_are_encoded_by_naming_the_positive_one() -> None:
    words = np.where(Y == 1, "sick", "well")
    assert TabularDataModule(X, words, positive="sick").facts.positives == (12,)
    assert TabularDataModule(X, 3 - Y, positive=2).facts.positives == (12,)
    assert TabularDataModule(X, Y.astype(bool)).facts.positives == (12,)
    assert TabularDataModule(frame(label=words), target="label", positive="sick").facts.positives == (12,)
    assert TabularDataModule(frame(label=words), target="label").facts.positives == (12,)


def test_rows_without_a_label_are_dropped_from_tables_and_arrays() -> None:
    labels = np.where(np.arange(100) % 10 == 9, np.nan, Y)
    whole = np.flatnonzero(~np.isnan(labels))
    expected = TabularDataModule(X[whole], Y[whole])
    for data in (TabularDataModule(X, labels), TabularDataModule(pd.DataFrame(X), labels)):
        for part, other in zip(data.datasets, expected.datasets, strict=True):
            torch.testing.assert_close(part.tensors[0], other.tensors[0])


@pytest.mark.parametrize(("written", "labels"), [("yes", "yes no"), ("true", "True False"), ("1", "1 0"), ("'Yes '", "yes no")])
def test_a_positive_label_may_be_written_in_yaml_as_it_is_in_the_file(tmp_path: Path, written: str, labels: str) -> None:
    one, other = labels.split()
    frame(label=np.where(Y == 1, one, other)).to_csv(tmp_path / "d.csv", index=False)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(TabularDataModule, "data")
    (tmp_path / "c.yaml").write_text(f"path: {tmp_path / 'd.csv'}\ntarget: label\npositive: {written}\n")
    for line in (["--data", str(tmp_path / "c.yaml")], [f"--data.path={tmp_path / 'd.csv'}", "--data.target=label",
                                                        f"--data.positive={written.strip(chr(39))}"]):  # fmt: skip
        data = parser.instantiate_classes(parser.parse_args(line)).data
        assert data.facts.positives == (12,)


def rows_in(data: Any) -> list[list[int]]:
    """The rows of each split, by a feature that numbers them; scaling keeps the order, so ranks tell it."""
    whole = torch.cat([split.tensors[0][:, 0] for split in data.datasets if split is not None]).argsort().argsort()
    return [each.tolist() for each in whole.split([len(split) for split in data.datasets if split is not None])]


def numbered(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"number": np.arange(100.0), "label": Y, **columns})


def test_a_column_or_files_tell_the_splits(tmp_path: Path) -> None:
    told = np.array(["train", "val", "test"])[np.arange(100) % 3]
    expected = [np.flatnonzero(told == name).tolist() for name in ("train", "val", "test")]
    data = TabularDataModule(numbered(part=told), target="label", split="part")
    assert data.num_features == 1
    assert rows_in(data) == expected
    for name in ("train", "val", "test"):
        numbered()[told == name].to_csv(tmp_path / f"{name}.csv", index=False)
    paths = {"path": tmp_path / "train.csv", "val_path": tmp_path / "val.csv", "test_path": str(tmp_path / "test.csv")}
    assert rows_in(TabularDataModule(**paths, target="label")) == expected
    del paths["val_path"]
    assert [len(rows) for rows in rows_in(TabularDataModule(**paths, target="label"))] == [27, 7, 33]


def test_groups_stay_together_and_time_is_respected_in_all_divisions() -> None:
    table = numbered(patient=np.arange(100) // 4, visit=pd.date_range("2024-01-01", periods=100), key=np.arange(100), note="n")
    data = TabularDataModule(table, target="label", groups="patient", drop=["visit", "note"], id="key")
    assert data.num_features == 1
    for each in (data, data.resplit(1), data.resplit(0, 1, 3)):
        patients = [{row // 4 for row in rows} for rows in rows_in(each)]
        assert sum(map(len, patients)) == 25
    later = TabularDataModule(table, target="label", time="visit", drop=["patient", "note"], id=["key"])
    assert rows_in(later) == [list(range(60)), list(range(60, 80)), list(range(80, 100))]
    with pytest.raises(ConfigError, match=r"resampling: expected 'holdout', because rows are divided by the column 'visit'"):
        later.resplit(0, 0, 3)
    with pytest.raises(ConfigError, match=r"resampling: expected 'holdout'"):
        TabularDataModule(table, target="label", time="visit", resplit_seed=1)


def test_rows_without_a_label_take_their_marks_with_them() -> None:
    told = np.array(["train", "val", "test"])[np.arange(100) % 3]
    table = numbered(part=told).astype({"label": float})
    table.loc[:9, "label"] = np.nan
    data = TabularDataModule(table, target="label", split="part")
    assert rows_in(data) == [[row - 10 for row in range(10, 100) if row % 3 == number] for number in range(3)]


def test_arguments_that_are_not_given_leave_the_fingerprint_as_it_was() -> None:
    names = {"class", "batch_size", "sampling_rate", "X", "target", "positive", "y", "val_size", "test_size", "split_seed"}
    assert set(TabularDataModule(X, Y).fingerprint()) == names
    given = TabularDataModule(numbered(p=0), target="label", groups="p", drop=["q"], sep=";").fingerprint()
    assert {name: given[name] for name in given.keys() - names} == {"sep": ";", "groups": "p", "drop": ["q"]}


def test_several_labels_and_no_test_split() -> None:
    labels = np.stack([Y, (np.arange(100) % 3 == 0).astype(int)], axis=1)
    data = TabularDataModule(X, labels, test_size=0)
    assert not data.has_test
    assert data.facts.num_labels == 2
    assert data.datasets[1].tensors[1].shape == (20, 2)
    named = TabularDataModule(frame(other=labels[:, 1]), target=["label", "other"], test_size=0)
    assert named.facts.num_labels == 2


def test_images_keep_their_shape() -> None:
    data = TabularDataModule(RNG.normal(5, 2, size=(100, 1, 4, 4)), Y)
    x = data.datasets[0].tensors[0]
    assert x.shape == (60, 1, 4, 4)
    assert abs(x.mean().item()) < 1e-5
    assert x.std().item() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TabularDataModule(X, np.arange(100) % 3), r"labels of data.all: expected 0 and 1, found \[0, 1, 2\]"),
        (lambda: TabularDataModule(X, Y * 0), "both classes"),
        (lambda: TabularDataModule(X), "TabularDataModule.y: expected labels"),
        (lambda: TabularDataModule(X, Y, groups="patient"), "columns of the names .*'patient'.*Pass a pandas DataFrame"),
        (lambda: TabularDataModule(X, Y[:-1]), "expected 100 labels, found 99"),
        (lambda: TabularDataModule(X, np.where(Y, 1, np.nan)), "both classes"),
        (lambda: TabularDataModule(X, Y, positive=7), "positive: expected one of the labels"),
        (lambda: TabularDataModule(np.array([["a"]] * 100), Y), "Pass strings and categories in a pandas DataFrame"),
        (lambda: TabularDataModule(X[:, 0], Y), r"expected an array \(n, d\)"),
        (lambda: TabularDataModule(frame(), target="lable"), "Did you mean 'label'"),
        (lambda: TabularDataModule(frame(a=np.inf), target="label"), "feature a: expected finite numbers"),
        (lambda: TabularDataModule(X, (np.arange(100) < 2).astype(int)), "at least 3 samples of each class"),
    ],
)
def test_bad_tables_are_refused_before_training(make: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        _ = make().facts


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: TabularDataModule(), ConfigError, "either X or path, found neither"),
        (lambda: TabularDataModule(X, Y, path="d.csv"), ConfigError, "found both"),
        (lambda: TabularDataModule(path="nowhere.csv", target="label"), DataError, "an existing file, found nowhere.csv"),
        (lambda: TabularDataModule(path=__file__, target="label"), DataError, r"a .csv or .parquet file"),
        (lambda: TabularDataModule(X, Y, val_path=__file__[:-3] + ".csv"), DataError, "val_path: expected an existing file"),
        (lambda: TabularDataModule(X, Y, groups="g", time="t"), ConfigError, "time or groups, found both"),
        (lambda: TabularDataModule(X, Y, split=3), ConfigError, "TabularDataModule.split: expected the name of a column"),
        (lambda: TabularDataModule(X, Y, val_size=0.0), ConfigError, "val_size"),
        (lambda: TabularDataModule(X, Y, val_size=0.5, test_size=0.5), ConfigError, "a sum below 1"),
    ],
)
def test_bad_settings_are_refused_at_once(make: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        make()


def test_a_label_that_is_also_a_feature_is_refused() -> None:
    label = np.arange(60) % 3 == 0
    frame = pd.DataFrame({"a": np.arange(60.0), "answer": np.where(label, "yes", "no")})
    with pytest.raises(
        DataError, match=r"TabularDataModule.X: expected features that do not hold the label, found column 'answer'"
    ):
        _ = TabularDataModule(frame, label.astype(int), batch_size=8).datasets
    with pytest.raises(DataError, match=r"found column 1, which tells it in every row"):
        _ = TabularDataModule(np.stack([np.arange(60.0), 1.0 - label], axis=1), label.astype(int), batch_size=8).datasets
    several = np.stack([label, np.arange(60) % 2 == 0], axis=1).astype(int)
    with pytest.raises(DataError, match=r"found column 'b'"):
        _ = TabularDataModule(pd.DataFrame({"a": np.arange(60.0), "b": several[:, 1]}), several, batch_size=8).datasets
    almost = np.where(np.arange(60) == 7, "yes", frame["answer"])
    assert TabularDataModule(frame.assign(answer=almost), label.astype(int), batch_size=8).num_features == 3
    assert TabularDataModule(frame, target="answer", positive="yes", batch_size=8).num_features == 1


@pytest.mark.slow
def test_splits_are_the_same_in_another_process() -> None:
    code = (
        "from automax_lightning import DigitsDataModule; "
        "print([round(float(s.tensors[0].double().sum()), 3) for s in DigitsDataModule(seed=2).datasets])"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    ]
    assert found[0] == found[1]


def test_digits_are_the_documented_task() -> None:
    data = DigitsDataModule(images=True)
    assert sum(len(split) for split in data.datasets) == 948
    assert sum(int(split.tensors[1].sum()) for split in data.datasets) == 47
    assert data.datasets[0].tensors[0].shape[1:] == (1, 8, 8)
    with pytest.raises(ConfigError, match="DigitsDataModule.share"):
        DigitsDataModule(share=0.5)


def test_what_was_read_is_said() -> None:
    table = pd.DataFrame({
        "copy": Y + 0.1 * X[:, 0] / 30, "same": 1.0, "kind": np.where(X[:, 2] > 2, "red", "blue"), "key": np.arange(100),
        "label": np.where(np.arange(100) == 7, None, np.where(Y == 1, "yes", "no")),
    })  # fmt: skip
    lines = TabularDataModule(table, target="label", id="key", val_size=0.5, test_size=0).summary()
    assert lines[:5] == [
        "99 rows, 4 features after encoding.",
        "No features: key.",
        "The label 'yes' counts as 1 (20 rows), 'no' (79 rows) as 0. It is the rarer one; pass positive='no' for the other.",
        "1 row without a label was dropped.",
        "Constant in the training rows: same.",
    ]
    assert lines[5].startswith("copy alone has AUROC 1.000")
    assert lines[6:] == [
        "train: 49 rows, 10 positives, 3.9 negatives for each.",
        "val: 50 rows, 10 positives, 4.0 negatives for each.",
    ]
    few = TabularDataModule(X, Y).summary()
    assert few[0] == "100 rows, 4 features after encoding."
    assert few[-2:] == [
        f"{name} has 4 positives, fewer than 10: differences between its scores are noise for the most part."
        for name in ("val", "test")
    ]
    images = TabularDataModule(RNG.normal(size=(100, 1, 4, 4)), np.stack([Y, 1 - Y], axis=1), test_size=0).summary()
    assert images[:2] == ["100 rows of images.", "train: 80 rows, 16 to 64 positives of 2 labels."]
