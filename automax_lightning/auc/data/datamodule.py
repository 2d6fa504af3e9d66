"""`AUCDataModule`: any map-style datasets of (x, y), as class-balanced batches (x, y, index)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import lightning as L
import torch
from torch.utils.data import DataLoader, Dataset, default_collate

from automax_lightning.auc.data.batches import Collate, IndexedBatches
from automax_lightning.auc.data.division import Division, chosen, pooled
from automax_lightning.auc.data.facts import DataFacts
from automax_lightning.auc.data.fingerprint import class_path, datamodule_fingerprint, split_fingerprint
from automax_lightning.auc.data.labels import Labels, check_labels, find_labels
from automax_lightning.auc.data.sampling import BalancedBatchSampler, EvaluationSampler, class_counts
from automax_lightning.errors import ConfigError, DataError, closest


class AUCDataModule(L.LightningDataModule):
    """Class-balanced training batches and plain evaluation batches, all of them ``(x, y, index)``.

    ``index`` is the sample's position in its split: LibAUC's losses keep state for each sample. The batches of an epoch
    depend on (labels, seed, epoch, rank, world size) only. Ranks are handled here, so the Trainer's
    ``use_distributed_sampler`` may be anything.

    Args:
        train: map-style dataset of ``(x, y)``, y 0 or 1, of shape () or (C,).
        val: validation split, of the same form as `train`.
        test: test split, of the same form as `train`, or None.
        batch_size: training samples per rank and batch, at least 2.
        eval_batch_size: evaluation samples per rank and batch, at least 1; None for `batch_size`.
        sampling_rate: share of positives in a training batch, in (0, 1); None for plain shuffling.
        num_workers: worker processes per loader, at least 0.
        seed: seed of the training batches.
        pin_memory: whether loaders pin their batches, as in `torch.utils.data.DataLoader`.

    Raises:
        ConfigError: if a setting is out of range.
        DataError: if a label is neither 0 nor 1, the training split lacks a class, or a split is empty.

    Example:
        >>> from torch.utils.data import TensorDataset
        >>> data = TensorDataset(torch.randn(10, 3), torch.tensor([1, 0] * 5))
        >>> module = AUCDataModule(data, data, batch_size=4)
        >>> x, y, index = next(iter(module.train_dataloader()))
        >>> x.shape, int(y.sum()), bool((data.tensors[1][index] == y).all())
        (torch.Size([4, 3]), 2, True)
        >>> module.facts
        DataFacts(length=10, positives=(5,))
    """

    def __init__(
        self,
        train: Dataset[Any],
        val: Dataset[Any],
        test: Dataset[Any] | None = None,
        *,
        batch_size: int = 128,
        eval_batch_size: int | None = None,
        sampling_rate: float | None = 0.5,
        num_workers: int = 0,
        seed: int = 0,
        pin_memory: bool = False,
    ) -> None:
        self._configure(batch_size, eval_batch_size, sampling_rate, num_workers, seed, pin_memory)
        self._datasets: tuple[Any, Any, Any] | None = (train, val, test)
        self._check_datasets()

    def _configure(
        self, batch_size: int, eval_batch_size: int | None, sampling_rate: float | None, num_workers: int, seed: int,
        pin_memory: bool,
    ) -> None:  # fmt: skip
        super().__init__()
        self.batch_size, self.eval_batch_size = batch_size, eval_batch_size
        self.sampling_rate, self.num_workers, self.seed, self.pin_memory = sampling_rate, num_workers, seed, pin_memory
        self._datasets = None
        self._train_labels: Labels | None = None
        self._collates: tuple[Collate | None, ...] = (None, None, None)
        self._check_settings()

    def _check_settings(self) -> None:
        class_counts(self.batch_size, 0.5 if self.sampling_rate is None else self.sampling_rate)
        if self.eval_batch_size is not None and self.eval_batch_size < 1:
            raise ConfigError("eval_batch_size", "at least 1", str(self.eval_batch_size), "Pass 256.")
        if self.num_workers < 0:
            raise ConfigError("num_workers", "at least 0", str(self.num_workers), "Pass 0.")

    @classmethod
    def wrap(cls, datamodule: L.LightningDataModule, **settings: Any) -> AUCDataModule:
        """An `AUCDataModule` over a datamodule of your own, which stays as it is.

        Its training loader's dataset, collate function, batch size and workers are used, and its validation and test
        loaders' datasets; only the sampler is replaced and the index added.

        Args:
            datamodule: with batches ``(x, y)``.
            settings: `batch_size`, `sampling_rate`, `seed`, ... as for `AUCDataModule`.
        """
        return WrappedDataModule(datamodule, **settings)

    # The splits -----------------------------------------------------------------------------------------------------

    def _make_datasets(self) -> tuple[Any, Any, Any]:
        raise NotImplementedError

    @property
    def datasets(self) -> tuple[Any, Any, Any]:
        """The training, validation and test datasets (the last may be None); read on first use."""
        if self._datasets is None:
            self._datasets = self._make_datasets()
            self._check_datasets()
        return self._datasets

    def _check_datasets(self) -> None:
        assert self._datasets is not None
        labels = find_labels(self._datasets[0], "train")
        check_labels(labels, "train", both_classes=True)
        self._train_labels = labels
        for name, dataset in zip(("val", "test"), self._datasets[1:], strict=True):
            if dataset is not None:
                check_labels(find_labels(dataset, name), name, both_classes=False)

    @property
    def train_labels(self) -> Labels:
        """The training labels, (n,) or (n, C)."""
        _ = self.datasets
        assert self._train_labels is not None
        return self._train_labels

    @property
    def facts(self) -> DataFacts:
        """What a loss must know of the training data."""
        return DataFacts.of(self.train_labels)

    @property
    def has_test(self) -> bool:
        """Whether there is a test split."""
        return self.datasets[2] is not None

    def clone(self, **settings: Any) -> AUCDataModule:
        """A fresh datamodule over the same data with some settings changed; the splits stay what they are.

        Args:
            settings: any of `batch_size`, `eval_batch_size`, `sampling_rate`, `num_workers`, `seed`, `pin_memory`.
        """
        names = ("batch_size", "eval_batch_size", "sampling_rate", "num_workers", "seed", "pin_memory")
        for name in settings:
            if name not in names:
                raise ConfigError(f"clone.{name}", "a setting of the datamodule", "none", closest(name, names))
        _ = self.datasets
        fresh = copy.copy(self)
        fresh.trainer = None
        for name, value in settings.items():
            setattr(fresh, name, value)
        fresh._check_settings()
        return fresh

    def resplit(self, seed: int, fold: int | None = None, n_folds: int | None = None) -> AUCDataModule:
        """A datamodule over the same rows, divided anew into those that train and those that validate.

        The division is stratified by label, and a function of the arguments alone. The test split stays what it is.

        Args:
            seed: of the division, 0 .. 2**32 - 1.
            fold: which of the folds validates, from 0; None draws as many rows for validation as there are now.
            n_folds: folds in all, at least 2; None without folds.

        Raises:
            ConfigError: if an argument is out of range, or only one of `fold` and `n_folds` is given.
            DataError: if a class has too few rows, or if a row may differ between training and validation: of datasets
                other than `TensorDataset`s, or `Subset`s of one dataset, the training one may augment its samples.

        Example:
            >>> from torch.utils.data import TensorDataset
            >>> data = TensorDataset(torch.arange(8.0)[:, None], torch.tensor([1, 0] * 4))
            >>> fold = AUCDataModule(data, data, batch_size=4).resplit(seed=0, fold=1, n_folds=4)
            >>> [len(part) for part in fold.datasets[:2]]
            [12, 4]
        """
        fresh = copy.copy(self)
        fresh.trainer = None
        fresh._datasets = self._divided(Division(seed, fold, n_folds))
        fresh._check_datasets()
        return fresh

    def _divided(self, division: Division) -> tuple[Any, Any, Any]:
        train, val, test = self.datasets
        rows = pooled(train, val)
        if rows is None or self._collates[0] is not self._collates[1]:
            raise DataError(
                "data.resplit", "TensorDatasets, or Subsets of one dataset, whose rows are the same for training and validation",
                f"a {type(train).__name__} and a {type(val).__name__}",
                "Pass resampling='holdout', or write a method resplit(seed, fold, n_folds) that returns a datamodule.",
            )  # fmt: skip
        parts = division.of(find_labels(rows, "train and val"), len(val))
        return chosen(rows, parts[0]), chosen(rows, parts[1]), test

    def fingerprint(self) -> dict[str, Any]:
        """What these data are, as plain values: a search is only resumed over the same ones.

        Tensors, arrays, tables and files are hashed; of other datasets the length and the labels count.
        """
        settings = {"batch_size": self.batch_size, "sampling_rate": self.sampling_rate}
        return {"class": class_path(self), **settings, **self._content()}

    def _content(self) -> dict[str, Any]:
        train, val, test = self.datasets
        train_facts = split_fingerprint(train, self.train_labels)
        return {"train": train_facts, "val": split_fingerprint(val), "test": split_fingerprint(test)}

    # Lightning ------------------------------------------------------------------------------------------------------

    def setup(self, stage: str) -> None:
        """Read the data if that has not happened yet."""
        overfit = getattr(self.trainer, "overfit_batches", 0)
        if overfit > 0:
            raise ConfigError(
                "Trainer.overfit_batches", "0, because it would replace the balanced sampler",
                str(overfit), "Use limit_train_batches.",
            )  # fmt: skip
        _ = self.datasets

    def train_dataloader(self) -> DataLoader[Any]:
        """Class-balanced batches of this rank."""
        generator = torch.Generator()
        rank, world_size = self._ranks()
        sampler = BalancedBatchSampler(
            self.train_labels, self.batch_size, self.sampling_rate, self.seed, rank, world_size, generator
        )
        # A continued fit makes its first iterator before Lightning sets the epoch, and a checkpoint of an epoch's end
        # counts that epoch as processed but not yet as completed, which is what `current_epoch` tells.
        progress = None if self.trainer is None else self.trainer.fit_loop.epoch_progress.current
        sampler.set_epoch(getattr(progress, "processed", 0))
        return self._loader(0, sampler, generator)

    def val_dataloader(self) -> DataLoader[Any]:
        """This rank's part of the validation split."""
        return self._evaluation_loader(1)

    def test_dataloader(self) -> DataLoader[Any]:
        """This rank's part of the test split."""
        if not self.has_test:
            raise DataError("data.test", "a test split", "none", "Pass test= to AUCDataModule.")
        return self._evaluation_loader(2)

    def predict_dataloader(self) -> DataLoader[Any]:
        """The test split, or the validation split where there is none, in order."""
        split = 2 if self.has_test else 1
        size = self.eval_batch_size or self.batch_size
        return DataLoader(self.datasets[split], batch_size=size, collate_fn=self._collates[split], num_workers=self.num_workers)

    def _evaluation_loader(self, split: int) -> DataLoader[Any]:
        rank, world_size = self._ranks()
        size = self.eval_batch_size or self.batch_size
        return self._loader(split, EvaluationSampler(len(self.datasets[split]), size, rank, world_size), None)

    def _loader(self, split: int, sampler: Any, generator: torch.Generator | None) -> DataLoader[Any]:
        batches = IndexedBatches(self.datasets[split], self._collates[split])
        return DataLoader(
            batches, batch_size=None, sampler=sampler, num_workers=self.num_workers, pin_memory=self.pin_memory,
            generator=generator,
        )  # fmt: skip

    def _ranks(self) -> tuple[int, int]:
        trainer = self.trainer
        return (0, 1) if trainer is None else (trainer.global_rank, trainer.world_size)


@runtime_checkable
class _Resplits(Protocol):
    def resplit(self, seed: int, fold: int | None = None, n_folds: int | None = None) -> Any:
        """A datamodule over the same rows with another division."""


class WrappedDataModule(AUCDataModule):
    """What `AUCDataModule.wrap` returns: somebody else's datamodule with our batches."""

    def __init__(
        self,
        datamodule: L.LightningDataModule,
        *,
        batch_size: int | None = None,
        eval_batch_size: int | None = None,
        sampling_rate: float | None = 0.5,
        num_workers: int | None = None,
        seed: int = 0,
        pin_memory: bool | None = None,
    ) -> None:
        self._inherits = {"batch_size": batch_size, "num_workers": num_workers, "pin_memory": pin_memory}
        self._configure(batch_size or 2, eval_batch_size, sampling_rate, num_workers or 0, seed, bool(pin_memory))
        self.inner = datamodule

    def resplit(self, seed: int, fold: int | None = None, n_folds: int | None = None) -> AUCDataModule:
        """As `AUCDataModule.resplit`; an inner datamodule that has a method `resplit` of its own is asked instead."""
        inner = self.inner
        if not isinstance(inner, _Resplits):
            return super().resplit(seed, fold, n_folds)
        fresh = copy.copy(self)
        fresh.trainer, fresh._datasets, fresh.inner = None, None, inner.resplit(seed, fold, n_folds)
        return fresh

    def fingerprint(self) -> dict[str, Any]:
        """Class and saved hyperparameters of the inner datamodule; its data are not read for it."""
        settings = {name: value for name, value in self._inherits.items() if name == "batch_size"}
        return {**datamodule_fingerprint(self.inner), **settings, "sampling_rate": self.sampling_rate}

    def prepare_data(self) -> None:
        """The inner datamodule's own."""
        self.inner.prepare_data()

    def teardown(self, stage: str) -> None:
        """The inner datamodule's own."""
        self.inner.teardown(stage)

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """The inner datamodule's own, which sees batches (x, y) as ever."""
        return _without_index(batch, lambda part: self.inner.on_before_batch_transfer(part, dataloader_idx))

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """The inner datamodule's own, where augmentation on the device often lives."""
        return _without_index(batch, lambda part: self.inner.on_after_batch_transfer(part, dataloader_idx))

    def _make_datasets(self) -> tuple[Any, Any, Any]:
        self.inner.prepare_data()
        self.inner.setup("fit")
        loaders = [self.inner.train_dataloader(), self.inner.val_dataloader()]
        if type(self.inner).test_dataloader is not L.LightningDataModule.test_dataloader:
            self.inner.setup("test")
            loaders.append(self.inner.test_dataloader())
        for name, loader in zip(("train", "val", "test"), loaders, strict=False):
            if not isinstance(loader, DataLoader):
                raise DataError(
                    f"data.{name}_dataloader", "one torch DataLoader", type(loader).__name__,
                    "Return a single DataLoader, or pass the datasets to AUCDataModule.",
                )  # fmt: skip
        for name, given in self._inherits.items():
            if given is None:
                setattr(self, name, getattr(loaders[0], name) or getattr(self, name))
        collates = [None if loader.collate_fn is default_collate else loader.collate_fn for loader in loaders]
        self._collates = (*collates, None)[:3] if len(collates) == 2 else tuple(collates)
        datasets = [loader.dataset for loader in loaders]
        return (datasets[0], datasets[1], datasets[2] if len(datasets) == 3 else None)


def _without_index(batch: Any, hook: Callable[[Any], Any]) -> Any:
    if not isinstance(batch, (list, tuple)) or len(batch) != 3:
        return hook(batch)
    *part, index = batch
    x, y = hook(part)
    return x, y, index
