"""Data sets by name and by path: real files in the formats of their makers, and errors that say where to put them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_breast_cancer, load_digits

from automax_lightning.auc.data import AUCDataModule
from automax_lightning.errors import ConfigError, DataError
from automax_lightning.recipes import named
from automax_lightning.recipes.data import NAMED, load_data
from automax_lightning.recipes.sections import DatasetSection
from automax_lightning.recipes.splits import held_out

BOTH = ("val", "test")
DIGITS = load_digits()
PIXELS = (DIGITS.images * 15).astype(np.uint8)


def data(name: Any, splits: tuple[str, ...] = BOTH, **kwargs: Any) -> AUCDataModule:
    return load_data(DatasetSection(str(name), kwargs, splits))


def sizes(module: AUCDataModule) -> list[int]:
    return [len(part) for part in module.datasets if part is not None]


# Files of one's own ---------------------------------------------------------------------------------------------------


def test_a_table_is_read_and_the_test_split_is_the_recipes_choice(tmp_path: Path) -> None:
    X, y = load_breast_cancer(return_X_y=True)
    frame = pd.DataFrame(X).assign(kind=np.where(y == 0, "bad", "good"))
    frame.to_csv(tmp_path / "d.csv", index=False)
    both = data(tmp_path / "d.csv", target="kind", positive="bad")
    assert sizes(both) == [341, 114, 114]
    assert not data(tmp_path / "d.csv", ("val",), target="kind", positive="bad").has_test
    with pytest.raises(DataError, match="target"):
        data(tmp_path / "d.csv", target="kid")
    with pytest.raises(ConfigError, match="dataset.kwargs.imratio: expected an argument of .*d.csv"):
        data(tmp_path / "d.csv", target="kind", imratio=0.1)


@pytest.mark.parametrize("layout", ["Xy", "medmnist", "table"])
def test_arrays_are_images_or_a_table(tmp_path: Path, layout: str) -> None:
    y = (DIGITS.target >= 5).astype(np.int64)
    if layout == "medmnist":
        parts = np.array_split(np.arange(len(y)), 3)
        content = {f"{name}_images": PIXELS[rows] for name, rows in zip(("train", "val", "test"), parts, strict=True)}
        content |= {f"{name}_labels": y[rows, None] for name, rows in zip(("train", "val", "test"), parts, strict=True)}
    else:
        content = {"X": PIXELS if layout == "Xy" else DIGITS.data, "y": y}
    np.savez(tmp_path / "d.npz", **content)
    module = data(tmp_path / "d.npz")
    assert sizes(module) == ([599, 599, 599] if layout == "medmnist" else [1077, 360, 360])
    x, label = module.datasets[0][0]
    assert x.shape == ((64,) if layout == "table" else (1, 8, 8))
    assert label.ndim == 0
    if layout == "Xy":
        assert data(tmp_path / "d.npz", image_size=16).datasets[2][0][0].shape == (1, 16, 16)
        with pytest.raises(ConfigError, match="dataset.kwargs.augment"):
            data(tmp_path / "d.npz", augment="much")


def test_arrays_that_are_missing_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", train_images=PIXELS, train_labels=DIGITS.target)
    with pytest.raises(DataError, match=r"Add \['val_images', 'val_labels', 'test_images', 'test_labels'\]"):
        data(tmp_path / "d.npz")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = np.arange(60)
    for row in rows:
        Image.fromarray(PIXELS[row]).save(tmp_path / f"{row}.png")
    label = np.where(DIGITS.target[rows] >= 5, "high", "low")
    split = np.array(["train"] * 30 + ["val"] * 15 + ["test"] * 15)
    pd.DataFrame({"image": [f"{row}.png" for row in rows], "label": label, "part": split}).to_csv(
        tmp_path / "labels.csv", index=False
    )
    return tmp_path


def test_a_folder_of_images_is_split_for_one_or_as_its_table_says(folder: Path) -> None:
    module = data(folder, positive="high", image_size=8)
    assert sizes(module) == [36, 12, 12]
    x, _ = module.datasets[0][0]
    assert x.shape == (3, 8, 8)
    assert module.num_workers == 2
    given = data(folder, positive="high", image_size=8, split="part")
    assert sizes(given) == [30, 15, 15]
    assert given.train_labels.tolist() == (DIGITS.target[:30] >= 5).astype(int).tolist()


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"labels": "no.csv"}, "dataset.kwargs.labels: expected a CSV file in the folder of images"),
        ({"image": "imgae"}, "dataset.kwargs.image: .*Did you mean 'image'"),
        ({}, "dataset.kwargs.target: expected labels 0 and 1, found .*Write positive"),
        ({"positive": "none"}, "both classes"),
        ({"target": "labl"}, "dataset.kwargs.target: .*Did you mean 'label'"),
        ({"positive": "high", "val_size": 0.0}, "val_size: expected a share"),
    ],
)
def test_a_folder_that_cannot_be_used_is_named(folder: Path, kwargs: Any, message: str) -> None:
    with pytest.raises((DataError, ConfigError), match=message):
        data(folder, **kwargs)


def test_several_labels_come_from_several_columns(folder: Path) -> None:
    frame = pd.read_csv(folder / "labels.csv").assign(a=[0, 1] * 30, b=[1, 0, 0] * 20)
    frame.to_csv(folder / "labels.csv", index=False)
    assert data(folder, target=["a", "b"], image_size=8).facts.num_labels == 2


# LibAUC's by name -----------------------------------------------------------------------------------------------------


def write_cifar(root: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """The digits in CIFAR's own format; only its check sums are left out, which no other images can have."""
    from torchvision import datasets

    cls = datasets.CIFAR10 if kind == "cifar10" else datasets.CIFAR100
    base = root / cls.base_folder
    base.mkdir(parents=True)
    images = np.repeat(np.kron(PIXELS, np.ones((1, 4, 4), dtype=np.uint8))[:, None], 3, axis=1)
    names = [name for name, _ in cls.train_list + cls.test_list]
    for name, rows in zip(names, np.array_split(np.arange(len(images)), len(names)), strict=True):
        entry = {"data": images[rows].reshape(len(rows), -1), "labels": DIGITS.target[rows].tolist()}
        (base / name).write_bytes(pickle.dumps(entry))
    (base / cls.meta["filename"]).write_bytes(pickle.dumps({cls.meta["key"]: list("0123456789")}))
    for attribute in ("train_list", "test_list"):
        monkeypatch.setattr(cls, attribute, [[name, None] for name, _ in getattr(cls, attribute)])
    monkeypatch.setattr(cls, "meta", {**cls.meta, "md5": None})
    return images, DIGITS.target


@pytest.mark.parametrize("kind", ["cifar10", "cifar100"])
def test_cifar_is_made_imbalanced_as_libauc_does_and_validation_is_held_out(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cifar(tmp_path, monkeypatch, kind)
    state = np.random.get_state()[1].tolist()  # type: ignore[union-attr, index]
    module = data(kind.upper(), root_path=str(tmp_path), imratio=0.1, download=False)
    assert np.random.get_state()[1].tolist() == state  # type: ignore[union-attr, index]
    train, val, test = module.datasets
    whole = np.concatenate([train.targets, val.targets])
    assert whole.mean() == pytest.approx(0.1, abs=0.002)
    assert float(test.targets.float().mean()) == pytest.approx(0.5, abs=0.06)  # LibAUC leaves it as it is at 0.5
    assert len(val) == pytest.approx(0.2 * len(whole), abs=1)
    assert float(val.targets.float().mean()) == pytest.approx(0.1, abs=0.01)
    assert not {image.numpy().tobytes() for image in train.images} & {image.numpy().tobytes() for image in val.images} - {b""}
    assert train[0][0].shape == (3, 32, 32)
    assert torch.equal(val[0][0], val[0][0])
    torch.manual_seed(0)
    assert not torch.equal(train[0][0], train[0][0])  # cropped and mirrored


def test_imbalance_is_that_of_libaucs_generator() -> None:
    from libauc.utils import ImbalancedDataGenerator

    images, labels = named.imbalanced((PIXELS, DIGITS.target), 0.05)
    expected, targets = ImbalancedDataGenerator(verbose=False, random_seed=0).transform(PIXELS, DIGITS.target, imratio=0.05)
    assert np.array_equal(images, expected)
    assert np.array_equal(labels, targets.reshape(-1))


def test_cats_and_dogs_and_stl10_are_read_from_their_own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tmp_path / "cat_vs_dog"
    base.mkdir()
    count = 5300
    images = np.zeros((count, 4, 4, 3), dtype=np.uint8)
    images[:, 0, 0, 0] = np.arange(count) % 256
    np.save(base / "cat_vs_dog_data.npy", images)
    np.save(base / "cat_vs_dog_label.npy", np.arange(count)[:, None] % 2)
    module = data("CatvsDog", root_path=str(tmp_path), imratio=0.2, download=False)
    assert sum(sizes(module)[:2]) == pytest.approx(150 / 0.8, abs=2)
    assert sizes(module)[2] == 5000

    from torchvision import datasets

    stl = tmp_path / "stl10_binary"
    stl.mkdir()
    for split in ("train", "test"):
        np.zeros((40, 3, 96, 96), dtype=np.uint8).tofile(stl / f"{split}_X.bin")
        (np.arange(40) % 10 + 1).astype(np.uint8).tofile(stl / f"{split}_y.bin")
    for name in ("unlabeled_X.bin", "fold_indices.txt", "class_names.txt"):
        (stl / name).write_text("a\n")
    for attribute in ("train_list", "test_list"):
        monkeypatch.setattr(datasets.STL10, attribute, [[name, None] for name, _ in getattr(datasets.STL10, attribute)])
    module = data("stl10", root_path=str(tmp_path), imratio=0.4, download=False)
    assert sum(sizes(module)[:2]) == 20 + 13
    assert module.datasets[2][0][0].shape == (3, 96, 96)


@pytest.mark.parametrize(("name", "labels"), [("PneumoniaMNIST", 1), ("BreastMNIST", 1), ("ChestMNIST", 14)])
def test_med_mnist_is_read_from_its_own_file(tmp_path: Path, name: str, labels: int) -> None:
    generator = np.random.default_rng(0)
    content: dict[str, Any] = {}
    for split in ("train", "val", "test"):
        content[f"{split}_images"] = generator.integers(0, 256, size=(30, 28, 28), dtype=np.uint8)
        content[f"{split}_labels"] = generator.integers(0, 2, size=(30, labels), dtype=np.uint8)
    np.savez(tmp_path / f"{name.lower()}.npz", **content)
    module = data(name, root_path=str(tmp_path))
    assert module.facts.num_labels == labels
    assert sizes(module) == [30, 30, 30]
    x, _ = module.datasets[1][0]
    assert (float(x.min()) < -0.5) == (name == "PneumoniaMNIST")
    if labels > 1:
        assert data(name, root_path=str(tmp_path), task=3).facts.num_labels == 1


def test_melanoma_is_split_by_its_records(tmp_path: Path) -> None:
    root = tmp_path / "melanoma"
    (root / "train").mkdir(parents=True)
    frame = pd.DataFrame({"image_name": [f"i{n}" for n in range(60)], "target": [1, 0, 0] * 20, "tfrecord": [*range(10)] * 6})
    frame.loc[59, "tfrecord"] = -1  # a duplicate of another image
    frame.to_csv(root / "train.csv", index=False)
    for name in frame["image_name"]:
        Image.fromarray(PIXELS[0]).save(root / "train" / f"{name}.jpg")
    module = data("melanoma", root_path=str(tmp_path), image_size=8)
    used = frame[frame["tfrecord"] != -1]
    assert sizes(module)[2] == int((used["tfrecord"] >= 8).sum())
    assert sum(sizes(module)) == 59
    assert module.datasets[2][0][0].shape == (3, 8, 8)


def test_chexpert_reads_uncertain_findings_as_libauc_does(tmp_path: Path) -> None:
    root = tmp_path / "CheXpert-v1.0-small"
    generator = np.random.default_rng(0)
    names = ["Cardiomegaly", "Edema", "Consolidation", "Atelectasis", "Pleural Effusion"]
    for split, count in (("train", 80), ("valid", 20)):
        (root / split).mkdir(parents=True)
        frame = pd.DataFrame(generator.choice([0.0, 1.0, -1.0, np.nan], size=(count, 5)), columns=names)
        frame.insert(0, "Path", [f"CheXpert-v1.0-small/{split}/{n}.jpg" for n in range(count)])
        frame["Frontal/Lateral"] = ["Frontal"] * (count - 5) + ["Lateral"] * 5
        frame.to_csv(root / f"{split}.csv", index=False)
        for n in range(count):
            Image.fromarray(PIXELS[n]).save(root / split / f"{n}.jpg")
    module = data("CheXpert", root_path=str(tmp_path), image_size=8, val_size=0.2)
    assert sizes(module) == [60, 15, 15]
    valid = pd.read_csv(root / "valid.csv").iloc[:15][names]
    expected = valid.fillna(0)
    for name in names:
        expected[name] = expected[name].replace(-1, 1.0 if name in ("Edema", "Atelectasis") else 0.0)
    assert np.array_equal(module.datasets[2].targets.numpy(), expected.to_numpy())
    assert data("chexpert", root_path=str(tmp_path), image_size=8, label="Edema").facts.num_labels == 1
    with pytest.raises(DataError, match="dataset.kwargs.label"):
        data("chexpert", root_path=str(tmp_path), label="Oedema")


@pytest.mark.parametrize("name", sorted(set(NAMED) - {"digits"}))
def test_data_that_are_not_there_are_an_error_that_says_where_to_put_which_file(name: str, tmp_path: Path) -> None:
    kwargs = {} if name in ("melanoma", "chexpert") else {"download": False}
    with pytest.raises(DataError, match=rf"dataset .*expected .*{tmp_path}.*(Unpack|Put) .*{tmp_path}"):
        data(name, root_path=str(tmp_path), **kwargs)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["cifar10", "catvsdog", "breastmnist"])
def test_a_download_that_fails_ends_in_the_same_error(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(scheme, "http://127.0.0.1:9")  # nobody listens there
    with pytest.raises(DataError, match="(Unpack|Put) "):
        data(name, root_path=str(tmp_path))


def test_a_bad_share_is_an_error_of_its_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"dataset.kwargs.imratio: expected a share of positives in \(0, 0.5\], found 0.6"):
        data("cifar10", root_path=str(tmp_path), imratio=0.6)
    with pytest.raises(ConfigError, match="dataset.kwargs.val_size: expected a share in"):
        held_out(np.array([0, 1] * 10), 1)
    with pytest.raises(DataError, match="splits that hold both classes"):
        held_out(np.array([0] * 10 + [1]), 0.2)


def test_unknown_names_have_a_neighbour_and_missing_paths_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'pneumoniamnist'"):
        data("pneumonia_mnist")
    for name, advice in (("ddsm", "labels.csv"), ("ogbg-molhiv", "FILE.pt")):
        with pytest.raises(ConfigError, match=f"read by name, found '{name}'.*{advice}"):
            data(name)
    with pytest.raises(DataError, match="dataset.name: expected an existing file"):
        data(tmp_path / "no.csv")
