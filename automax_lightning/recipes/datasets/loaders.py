"""The data of a recipe: a data set's name or a path, and the arguments that its loader takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from automax_lightning.auc.data.datamodule import AUCDataModule
from automax_lightning.auc.data.digits import DigitsDataModule
from automax_lightning.errors import AutoMAXError, ConfigError, DataError, closest
from automax_lightning.recipes.datasets import benchmarks as named
from automax_lightning.recipes.datasets import clinical, graphs, text
from automax_lightning.recipes.datasets import local_files as files
from automax_lightning.recipes.sections import DatasetSection

Loader = Callable[..., AUCDataModule]


def digits(
    has_test: bool, *, imratio: float = 0.05, image_size: int = 8, val_size: float = 0.25, test_size: float = 0.25
) -> AUCDataModule:
    """scikit-learn's digits as grey images, which need no download, see `DigitsDataModule`."""
    return DigitsDataModule(
        imratio, images=True, image_size=image_size, val_size=val_size, test_size=test_size if has_test else 0.0
    )


NAMED: Mapping[str, Loader] = {
    "digits": digits,
    **{name: partial(named.benchmark, name) for name in ("cifar10", "cifar100", "stl10", "catvsdog")},
    **{name: partial(named.med_mnist, name) for name in ("pneumoniamnist", "breastmnist", "chestmnist")},
    "melanoma": clinical.melanoma,
    "chexpert": clinical.chexpert,
}
"""Name, in any case -> loader: a function of whether a test split is wanted, and of ``dataset.kwargs``."""

_SUFFIXES: Mapping[str, Loader] = {".csv": files.table, ".parquet": files.table, ".npz": files.arrays, ".pt": graphs.graphs}


_ELSEWHERE = {
    "ddsm": "Make a folder of its images with a labels.csv, and write name: FOLDER, kwargs: {labels: labels.csv}.",
    "ogbg": "Save its graphs as plain tensors, {x: [...], edge_index: [...], edge_attr: [...], y: ...}, and write name: FILE.pt.",
}
"""Data sets of LibAUC's trainer that are not read here -> what to do."""


def load_data(section: DatasetSection) -> AUCDataModule:
    """The datamodule that a recipe's ``dataset`` section describes, with its data read.

    Raises:
        ConfigError: if there is no such data set, or its loader has no such argument.
        DataError: if the data are not there or cannot be used; it says where to put which file.

    Example:
        >>> load_data(DatasetSection("digits", {"imratio": 0.1}, ("val", "test"))).facts
        DataFacts(length=500, positives=(50,))
    """
    loader = _loader(section)
    takes = [name for name, one in inspect.signature(loader).parameters.items() if one.kind is one.KEYWORD_ONLY]
    for name in section.kwargs:
        if name not in takes:
            raise ConfigError(
                f"dataset.kwargs.{name}", f"an argument of {section.name}", "no such argument", closest(name, takes)
            )
    try:
        data = loader(section.has_test, **section.kwargs)
        _ = data.datasets
    except AutoMAXError:
        raise
    except (TypeError, ValueError) as error:
        raise ConfigError("dataset", f"arguments of {section.name} and a file in its format", f"{type(error).__name__}: {error}",
                          "Check the types in dataset.kwargs.") from error  # fmt: skip
    return data


def _loader(section: DatasetSection) -> Loader:
    if section.name.lower() in NAMED:
        return NAMED[section.name.lower()]
    path = Path(section.name)
    kind = files.folder if path.is_dir() else _SUFFIXES.get(path.suffix)
    elsewhere = _ELSEWHERE.get(section.name.lower().split("-")[0])
    if kind is None and elsewhere is not None:
        raise ConfigError("dataset.name", "a data set that is read by name", repr(section.name), elsewhere)
    if kind is None:
        raise ConfigError("dataset.name", f"a data set's name, a folder of images, or a file ending in {[*_SUFFIXES]}",
                          repr(section.name), closest(section.name.lower(), NAMED))  # fmt: skip
    if not path.exists():
        raise DataError("dataset.name", "an existing file", str(path), "Check the path, from where the command is run.")
    return partial(text.sentences if kind is files.table and "text" in section.kwargs else kind, path)
