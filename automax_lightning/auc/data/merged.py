"""Training and validation split as one training split, for the fit after the search."""

from __future__ import annotations

from typing import Any

from torch import cat
from torch.utils.data import ConcatDataset, Dataset, TensorDataset

from automax_lightning.auc.data.datamodule import AUCDataModule


class MergedDataModule(AUCDataModule):
    """An `AUCDataModule` that trains on the training and the validation split of another, with its settings.

    What the other has learned from its training split, such as the scaling of a table, stays what it is. The validation
    split is still there, but it is seen in training now, so its scores mean nothing.

    Args:
        data: stays as it is.

    Example:
        >>> from automax_lightning import DigitsDataModule
        >>> data = DigitsDataModule()
        >>> MergedDataModule(data).facts.length == len(data.datasets[0]) + len(data.datasets[1])
        True
    """

    def __init__(self, data: AUCDataModule) -> None:
        train, val, test = data.datasets
        self._configure(data.batch_size, data.eval_batch_size, data.sampling_rate, data.num_workers, data.seed, data.pin_memory)
        self.inner = data
        self._loadings = data._loadings
        self._datasets = (_joined(train, val), val, test)
        self._check_datasets()

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """The other's own."""
        return self.inner.on_before_batch_transfer(batch, dataloader_idx)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """The other's own."""
        return self.inner.on_after_batch_transfer(batch, dataloader_idx)


def _joined(first: Any, second: Any) -> Dataset[Any]:
    if type(first) is TensorDataset and type(second) is TensorDataset:  # batches of tensors are gathered whole
        return TensorDataset(*(cat(pair) for pair in zip(first.tensors, second.tensors, strict=True)))
    return ConcatDataset([first, second])
