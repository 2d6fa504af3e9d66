"""What data are, in a few plain values: shapes, lengths and hashes, so that two searches over different data never meet."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from torch.utils.data import ConcatDataset, Subset, TensorDataset

from automax_lightning.auc.data.labels import stored_labels

_BLOCK = 1 << 20


def fingerprint(data: Any) -> Any:
    """A file, an array, a tensor, a table or a dataset as plain values; whatever else by its class.

    The content is read once, at the speed of the hash (BLAKE2b).

    Args:
        data: path of a file, array or tensor of any shape, DataFrame, dataset, LightningDataModule, list, or None.

    Returns:
        Values for the journal: None, or a dictionary such as ``{"shape": [3, 2], "blake2b": "..."}``.

    Example:
        >>> fingerprint(np.zeros((3, 2)))["shape"]
        [3, 2]
        >>> fingerprint(np.zeros((3, 2))) == fingerprint(torch.zeros(3, 2, dtype=torch.float64))
        True
    """
    if data is None:
        return None
    if isinstance(data, os.PathLike):
        return file_fingerprint(Path(data))
    if isinstance(data, (np.ndarray, torch.Tensor, list, tuple)):
        return _array(data)
    if isinstance(data, L.LightningDataModule):
        return datamodule_fingerprint(data)
    if isinstance(data, TensorDataset):
        return [_array(tensor) for tensor in data.tensors]
    if isinstance(data, Subset):
        return {"of": fingerprint(data.dataset), "rows": _array(np.asarray(data.indices))}
    if isinstance(data, ConcatDataset):
        return [fingerprint(part) for part in data.datasets]
    return _table(data) if _is_table(data) else {"class": class_path(data)}


def split_fingerprint(dataset: Any, labels: Any = None) -> Any:
    """A split of a data module: its content where that is in memory, otherwise its length and its labels.

    Args:
        dataset: map-style, or None.
        labels: its labels, (n,) or (n, C); None takes those that the dataset keeps, and loads no sample for them.
    """
    if dataset is None or isinstance(dataset, TensorDataset):
        return fingerprint(dataset)
    stored = stored_labels(dataset) if labels is None else labels
    return {"samples": fingerprint(dataset), "length": len(dataset), "labels": fingerprint(stored)}


def datamodule_fingerprint(datamodule: L.LightningDataModule) -> dict[str, Any]:
    """Somebody's datamodule by its class and its saved hyperparameters, with the content of the files that these name."""
    hparams = {str(name): plain(value) for name, value in datamodule.hparams.items()}
    named = {name: file_fingerprint(Path(value)) for name, value in datamodule.hparams.items() if _is_file(value)}
    return {"class": class_path(datamodule), "hparams": {**hparams, **named}}


def files_in(section: Any, where: str = "") -> dict[str, Any]:
    """Dotted key -> fingerprint, for all values of a configuration that name existing files.

    Args:
        section: nested dictionaries, lists and plain values.
        where: dotted key of the section.
    """
    if isinstance(section, Mapping):
        parts = [(str(key), value) for key, value in section.items()]
    elif isinstance(section, (list, tuple)):
        parts = [(str(index), value) for index, value in enumerate(section)]
    else:
        return {where: file_fingerprint(Path(section))} if _is_file(section) else {}
    inside = (files_in(value, f"{where}.{key}" if where else key) for key, value in parts)
    return {key: value for each in inside for key, value in each.items()}


def folders_in(section: Any, where: str = "") -> dict[str, Any]:
    """Dotted key -> fingerprint, for all values of a configuration that name folders of Parquet files.

    Args:
        section: nested dictionaries and plain values.
        where: dotted key of the section.
    """
    if isinstance(section, Mapping):
        inside = (folders_in(value, f"{where}.{key}" if where else str(key)) for key, value in section.items())
        return {key: value for each in inside for key, value in each.items()}
    if not isinstance(section, (str, os.PathLike)) or not os.fspath(section):
        return {}
    try:
        is_table = Path(section).is_dir() and any(Path(section).glob("*.parquet"))
    except (OSError, ValueError):  # a text that is no path
        return {}
    return {where: place(Path(section))} if is_table else {}


def file_fingerprint(path: Path) -> dict[str, Any]:
    """A file by its name, its size in bytes and a hash of its content; not by its folder, which differs between machines."""
    digest = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return {"file": path.name, "bytes": path.stat().st_size, "blake2b": digest.hexdigest()}


def place(location: str | Path) -> dict[str, Any]:
    """A file, a folder with the files in it, or an address, which is known by its name alone.

    Args:
        location: a `Path` on this machine, or a text with ``://``.
    """
    if isinstance(location, str):
        return {"address": location}
    if not location.is_dir():
        return file_fingerprint(location)
    files = sorted(path for path in location.rglob("*") if path.is_file() and not path.name.startswith((".", "_")))
    return {"folder": location.name, "files": {path.relative_to(location).as_posix(): file_fingerprint(path) for path in files}}


def class_path(thing: Any) -> str:
    """``"package.module.Class"`` of an object, or of a class or function itself."""
    named = thing if isinstance(thing, type) or hasattr(thing, "__qualname__") else type(thing)
    return f"{named.__module__}.{named.__qualname__}"


def plain(value: Any) -> Any:
    """A setting as JSON can hold it; an object by its class.

    Example:
        >>> plain({"betas": (0.9, np.float64(0.99)), "model": torch.nn.ReLU()})
        {'betas': [0.9, 0.99], 'model': 'torch.nn.modules.activation.ReLU'}
    """
    if isinstance(value, np.generic):
        return plain(value.item())
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    if isinstance(value, (np.ndarray, torch.Tensor)) or _is_table(value):
        return fingerprint(value)
    return class_path(value)


def _is_file(value: Any) -> bool:
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        return False
    try:
        return Path(value).is_file()
    except (OSError, ValueError):  # a text that is no path: too long, or with a null byte
        return False


def _is_table(data: Any) -> bool:
    pandas = sys.modules.get("pandas")  # where nobody has imported it, nothing is a table
    return pandas is not None and isinstance(data, (pandas.DataFrame, pandas.Series))


def _array(data: Any) -> dict[str, Any]:
    if isinstance(data, torch.Tensor):
        data = data.detach().cpu().contiguous()
        shape = list(data.shape)
        # NumPy has no bfloat16, and knows a tensor's bytes by any name.
        data = data.numpy() if data.dtype is not torch.bfloat16 else data.view(torch.int16).numpy()
    else:
        data = np.asarray(data)
        shape = list(data.shape)
    if data.dtype.kind == "O":
        data = data.astype(str)
    return {"shape": shape, "blake2b": _hash([str(data.dtype).encode(), _bytes(data)])}


def _table(table: Any) -> dict[str, Any]:
    return {"shape": list(table.shape), "blake2b": _hash(_columns(table))}


def _columns(table: Any) -> Iterator[Any]:
    import pandas as pd

    for name, column in pd.DataFrame(table).items():
        yield str(name).encode()
        try:
            hashed = pd.util.hash_pandas_object(column, index=False)
        except TypeError:  # lists and other values that cannot be hashed
            hashed = pd.util.hash_pandas_object(column.astype(str), index=False)
        yield _bytes(hashed.to_numpy())


def _bytes(array: Any) -> Any:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def _hash(parts: Iterable[Any]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
