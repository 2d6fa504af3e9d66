"""LibAUC's data sets in the formats of their makers, made imbalanced as LibAUC makes them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from automax_lightning.errors import ConfigError, DataError
from automax_lightning.recipes.datasets import benchmarks as named
from automax_lightning.recipes.datasets.splits import held_out
from tests.support.recipes import DIGITS, PIXELS, data, sizes


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
    assert not {image.numpy().tobytes() for image in train.images} & {image.numpy().tobytes() for image in val.images}
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


def write_med_mnist(folder: Path, name: str, labels: int) -> None:
    generator = np.random.default_rng(0)
    content: dict[str, Any] = {}
    for split in ("train", "val", "test"):
        content[f"{split}_images"] = generator.integers(0, 256, size=(30, 28, 28), dtype=np.uint8)
        content[f"{split}_labels"] = generator.integers(0, 2, size=(30, labels), dtype=np.uint8)
    np.savez(folder / f"{name.lower()}.npz", **content)


@pytest.mark.parametrize(("name", "labels"), [("PneumoniaMNIST", 1), ("BreastMNIST", 1), ("ChestMNIST", 14)])
def test_med_mnist_is_read_from_its_own_file(tmp_path: Path, name: str, labels: int) -> None:
    write_med_mnist(tmp_path, name, labels)
    module = data(name, root_path=str(tmp_path))
    assert module.facts.num_labels == labels
    assert sizes(module) == [30, 30, 30]
    x, _ = module.datasets[1][0]
    assert (float(x.min()) < -0.5) == (name == "PneumoniaMNIST")


def test_one_of_the_labels_of_med_mnist_is_a_task_of_its_own(tmp_path: Path) -> None:
    write_med_mnist(tmp_path, "ChestMNIST", 14)
    assert data("ChestMNIST", root_path=str(tmp_path), task=3).facts.num_labels == 1


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
