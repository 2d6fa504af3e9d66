"""Data of any form that people have them in, as a datamodule: loaders, datasets, arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import lightning as L
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset

from automax_lightning.auc.data.datamodule import AUCDataModule, WrappedDataModule
from automax_lightning.auc.data.tabular import TabularDataModule
from automax_lightning.errors import ConfigError

Data = L.LightningDataModule | Callable[[], L.LightningDataModule]
_FORMS = (
    "a LightningDataModule, a callable that makes one, (X, y), or (train, val) or (train, val, test) of loaders, of datasets, "
    "or of pairs (X, y)"
)


class _Loaders(L.LightningDataModule):
    """Two ready loaders."""

    def __init__(self, loaders: Sequence[DataLoader[Any]]) -> None:
        super().__init__()
        self.loaders = loaders

    def train_dataloader(self) -> DataLoader[Any]:
        return self.loaders[0]

    def val_dataloader(self) -> DataLoader[Any]:
        return self.loaders[1]


class _TestedLoaders(_Loaders):
    """Three of them."""

    def test_dataloader(self) -> DataLoader[Any]:
        return self.loaders[2]


class LoadersDataModule(WrappedDataModule):
    """What `as_data` makes of ready loaders; known by its content, because there is no class of the user's to know it by."""

    def fingerprint(self) -> dict[str, Any]:
        """As `AUCDataModule.fingerprint`; the batch size is that of the loader, once it is read."""
        _ = self.datasets
        return AUCDataModule.fingerprint(self)


def as_data(data: Any, where: str = "trainer_factory.data") -> Data:
    """A datamodule, or a callable that makes one, of any data.

    ==============================================  ======================================================================
    data                                            becomes
    ==============================================  ======================================================================
    a LightningDataModule, or a callable            itself
    ``(X, y)``, arrays or a table and labels        `TabularDataModule`, which splits them
    ``((X, y), (X_val, y_val)[, (X_test, y_test)])``  `AUCDataModule` of tensors, as they are
    ``(train, val[, test])`` datasets               `AUCDataModule`
    ``(train, val[, test])`` loaders                `AUCDataModule.wrap`: their batches' size, collating and workers are kept
    ==============================================  ======================================================================

    Args:
        data: one of these.
        where: the argument, for the message.

    Raises:
        ConfigError: if it is none of these.
        DataError: if labels or features cannot be used.

    Example:
        >>> X = np.random.default_rng(0).normal(size=(60, 4))
        >>> type(as_data((X, (X[:, 0] > 0).astype(int)))).__name__
        'TabularDataModule'
        >>> split = TensorDataset(torch.zeros(8, 2), torch.tensor([0, 1] * 4))
        >>> type(as_data((DataLoader(split, batch_size=4), DataLoader(split)))).__name__
        'LoadersDataModule'
    """
    if isinstance(data, L.LightningDataModule):
        return data
    if callable(data):
        made: Data = data
        return made
    parts = tuple(data) if isinstance(data, (tuple, list)) else ()
    if len(parts) == 2 and _is_array(parts[0]) and (_is_array(parts[1]) or isinstance(parts[1], list)):
        return TabularDataModule(_numpy(parts[0]), _numpy(parts[1]))
    if len(parts) in (2, 3) and all(isinstance(part, DataLoader) for part in parts):
        return LoadersDataModule(_Loaders(parts) if len(parts) == 2 else _TestedLoaders(parts))
    if len(parts) in (2, 3) and all(map(_is_dataset, parts)):
        return AUCDataModule(*parts)
    if len(parts) in (2, 3) and all(map(_is_pair, parts)):
        return AUCDataModule(*(TensorDataset(*map(_tensor, part)) for part in parts))
    raise ConfigError(where, _FORMS, _found(data), "Pass (X, y), or (train, val).")


def is_data(data: Any) -> bool:
    """Whether `as_data` may take it: what is inside of a tuple is looked at there."""
    return isinstance(data, (L.LightningDataModule, tuple, list)) or callable(data)


def _is_array(part: Any) -> bool:
    return isinstance(part, (np.ndarray, torch.Tensor)) or (hasattr(part, "columns") or hasattr(part, "to_numpy"))


def _is_pair(part: Any) -> bool:
    return isinstance(part, (tuple, list)) and len(part) == 2 and all(map(_is_array, part))


def _is_dataset(part: Any) -> bool:
    if isinstance(part, (DataLoader, tuple, list)) or _is_array(part):
        return False
    return isinstance(part, Dataset) or (hasattr(part, "__getitem__") and hasattr(part, "__len__"))


def _numpy(part: Any) -> Any:
    return part.detach().cpu().numpy() if isinstance(part, torch.Tensor) else part


def _tensor(part: Any) -> torch.Tensor:
    """NumPy's default precision is not that of networks."""
    array = part if isinstance(part, torch.Tensor) else torch.as_tensor(np.asarray(part))
    return array.to(torch.get_default_dtype()) if array.dtype == torch.float64 else array


def _found(data: Any) -> str:
    if not isinstance(data, (tuple, list)):
        return type(data).__name__
    return f"a {type(data).__name__} of {[type(part).__name__ for part in data]}"
