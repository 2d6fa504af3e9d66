"""LibAUC's data sets by name: from files under ``root_path``, downloaded where that is possible."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from lightning.pytorch.utilities.seed import isolate_rng
from numpy.typing import NDArray

from automax_lightning.auc.data.datamodule import AUCDataModule
from automax_lightning.errors import ConfigError, DataError
from automax_lightning.recipes.datasets import local_files as files
from automax_lightning.recipes.datasets.splits import held_out
from automax_lightning.utils.imports import require

Made = TypeVar("Made")
Arrays = files.Arrays
_CAT_VS_DOG = "https://homepage.divms.uiowa.edu/~zhuoning/datasets/cat_vs_dog.tar.gz"


def benchmark(
    name: str, has_test: bool, *, imratio: float = 0.1, root_path: str = "./data", download: bool = True,
    image_size: int | None = None, crop_size: int | None = None, augment: str = "crop", val_size: float = 0.2,
) -> AUCDataModule:  # fmt: skip
    """CIFAR10, CIFAR100, STL10 or CatvsDog as a binary, imbalanced task, by LibAUC's own generator.

    The first half of the classes are the negatives. The training part is thinned to `imratio` positives, the test part
    is balanced, as in LibAUC's trainer; the validation split is held out of the training part.

    Args:
        name: ``"cifar10"``, ``"cifar100"``, ``"stl10"`` or ``"catvsdog"``.
        has_test: whether the test split is wanted.
        imratio: share of positives, in (0, 0.5].
        root_path: folder where the files are, or are put.
        download: whether to download them.
        image_size: height and width; None for the data set's own.
        crop_size: height and width of the random part that is cut out; None for two pixels less than `image_size`.
        augment: name of an augmentation in `images.AUGMENTATIONS`.
        val_size: share of the training part that is held out, in (0, 1).
    """
    if isinstance(imratio, bool) or not isinstance(imratio, (int, float)) or not 0 < imratio <= 0.5:
        raise ConfigError("dataset.kwargs.imratio", "a share of positives in (0, 0.5]", repr(imratio), "Write imratio: 0.1.")
    root = Path(root_path)
    train = imbalanced(_benchmark_part(name, root, True, download), imratio)
    rows, held = held_out(train[1], val_size)
    parts = [(train[0][rows], train[1][rows]), (train[0][held], train[1][held])]
    if has_test:
        parts.append(imbalanced(_benchmark_part(name, root, False, download), 0.5))
    return files.image_arrays(parts, image_size, crop_size, augment)


def imbalanced(whole: Arrays, imratio: float) -> Arrays:
    """Images and 0/1 labels as LibAUC's ``ImbalancedDataGenerator`` makes them; NumPy's global state is left alone.

    Args:
        whole: images, and class numbers from 0.
        imratio: share of positives, in (0, 0.5].
    """
    from libauc.utils import ImbalancedDataGenerator

    with isolate_rng():  # the generator seeds NumPy for the whole process
        images, labels = ImbalancedDataGenerator(verbose=False, random_seed=0).transform(*whole, imratio=imratio)
    return images, labels.reshape(-1).astype(np.int64)


def _benchmark_part(name: str, root: Path, train: bool, download: bool) -> Arrays:
    require("torchvision", extra="recipes", where="dataset.name")
    if name == "catvsdog":
        return _cat_vs_dog(root, train, download)
    from torchvision import datasets

    if name == "stl10":
        hint = f"Unpack stl10_binary.tar.gz from https://cs.stanford.edu/~acoates/stl10 into {root}."
        split = "train" if train else "test"
        stl = _fetched(name, root, hint, lambda fetch: datasets.STL10(str(root), split=split, download=fetch), download)
        return stl.data, np.asarray(stl.labels)
    kind = datasets.CIFAR10 if name == "cifar10" else datasets.CIFAR100
    hint = f"Unpack {kind.filename} from {kind.url} into {root}, so that there is {root / kind.base_folder}."
    cifar = _fetched(name, root, hint, lambda fetch: kind(str(root), train=train, download=fetch), download)
    return cifar.data, np.asarray(cifar.targets)


def _cat_vs_dog(root: Path, train: bool, download: bool) -> Arrays:
    from torchvision.datasets.utils import download_and_extract_archive

    base = root / "cat_vs_dog"

    def load(fetch: bool) -> Arrays:
        if fetch and not (base / "cat_vs_dog_data.npy").is_file():
            download_and_extract_archive(_CAT_VS_DOG, str(root))
        return np.load(base / "cat_vs_dog_data.npy", mmap_mode="r"), np.load(base / "cat_vs_dog_label.npy")

    hint = f"Unpack {_CAT_VS_DOG} into {root}, so that there is {base / 'cat_vs_dog_data.npy'}."
    images, labels = _fetched("catvsdog", root, hint, load, download)
    chosen = slice(None, -5000) if train else slice(-5000, None)
    return np.asarray(images[chosen]), labels[chosen].reshape(-1)


def med_mnist(
    name: str, has_test: bool, *, root_path: str = "./data", download: bool = True, task: int | None = None,
    image_size: int | None = None, augment: str | None = None,
) -> AUCDataModule:  # fmt: skip
    """PneumoniaMNIST, BreastMNIST or ChestMNIST, with their own splits, from ``<root_path>/<name>.npz``.

    Args:
        name: ``"pneumoniamnist"``, ``"breastmnist"`` or ``"chestmnist"``.
        has_test: whether the test split is wanted.
        root_path: folder where the file is, or is put.
        download: whether to download it.
        task: column of the label to train on, from 0, where there are several; None for all.
        image_size: height and width; None for the file's own.
        augment: name of an augmentation in `images.AUGMENTATIONS`; None for what LibAUC's trainer does.
    """
    import medmnist

    root = Path(root_path)
    path = root / f"{name}.npz"
    hint = f"Put {name}.npz from {medmnist.INFO[name]['url']} into {root}."

    def load(fetch: bool) -> dict[str, NDArray[Any]]:
        if fetch and not path.is_file():
            root.mkdir(parents=True, exist_ok=True)
            getattr(medmnist, medmnist.INFO[name]["python_class"])(split="train", download=True, root=str(root))
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}

    content = _fetched(name, root, hint, load, download)
    labels = [content[f"{split}_labels"] for split in ("train", "val", "test")]
    chosen = [targets if task is None else targets[:, task] for targets in labels]
    flat = [targets[:, 0] if targets.ndim == 2 and targets.shape[1] == 1 else targets for targets in chosen]
    parts = [(content[f"{split}_images"], targets) for split, targets in zip(("train", "val", "test"), flat, strict=True)]
    default = "turn" if name == "pneumoniamnist" else "none"
    return files.image_arrays(parts if has_test else parts[:2], image_size, None, augment or default)


def _fetched(name: str, root: Path, hint: str, load: Callable[[bool], Made], download: bool) -> Made:
    """What `load` returns from the files that are there, or else after a download.

    Raises:
        DataError: if neither works; it says where to put which file.
    """
    with suppress(Exception):  # whatever keeps them from being read; the second attempt says it
        return load(False)
    try:
        return load(download)
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise DataError(f"dataset {name}", f"its files under {root.absolute()}", reason, hint) from error
