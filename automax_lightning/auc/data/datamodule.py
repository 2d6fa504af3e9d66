"""`AUCDataModule`: any map-style datasets of (x, y), as class-balanced batches (x, y, index)."""

from __future__ import annotations

import copy
import dataclasses
import logging
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, runtime_checkable

import lightning as L
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, default_collate

from automax_lightning.auc.batch.parts import HasLabels, parts_of_rows, rejoined
from automax_lightning.auc.data.batches import IndexedBatches
from automax_lightning.auc.data.division import Division, chosen, pooled, rarer
from automax_lightning.auc.data.facts import DataFacts, split_lines
from automax_lightning.auc.data.fingerprint import class_path, datamodule_fingerprint, split_fingerprint
from automax_lightning.auc.data.labels import Labels, check_labels, find_labels
from automax_lightning.auc.data.loading import Loading, batch_size_of, rate_of, rows_of
from automax_lightning.auc.data.sampling import BalancedBatchSampler, EvaluationSampler, class_counts
from automax_lightning.errors import ConfigError, DataError, closest
from automax_lightning.utils.arguments import Rule, check_arguments, flag, integer, number, of_type
from automax_lightning.utils.row_counts import RowCounts

_RULES: Mapping[str, Rule] = {
    "batch_size": integer(2, example=64),
    "eval_batch_size": integer(1, example=256).or_none,
    "sampling_rate": number("a share of positives in (0, 1)", lambda x: 0 < x < 1, "0.5").or_none,
    "num_workers": integer(0),
    "seed": integer(0, 2**32 - 1),
    "pin_memory": flag(),
}


_FOREIGN = of_type("a LightningDataModule", L.LightningDataModule, "MyData()")


class AUCDataModule(L.LightningDataModule):
    """Class-balanced training batches and plain evaluation batches, all of them ``(x, y, index)``.

    ``index`` is the sample's position in its split: LibAUC's losses keep state for each sample. The batches of an epoch
    depend on (labels, seed, epoch, rank, world size) only. Ranks are handled here, so the Trainer's
    ``use_distributed_sampler`` may be anything.

    Args:
        train: map-style dataset of ``(x, y)``, y 0 or 1, of shape () or (C,); of ``(x1, x2, ..., y)``, of mappings with
            ``"labels"``, or of graphs with ``y``.
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
        self._split_lines: tuple[str, ...] = ()
        self._loadings: tuple[Loading, ...] = (Loading(), Loading(), Loading())
        self._check_settings()

    def _check_settings(self) -> None:
        check_arguments(type(self).__name__, _RULES, vars(self))
        class_counts(self.batch_size, 0.5 if self.sampling_rate is None else self.sampling_rate)

    @classmethod
    def wrap(cls, datamodule: L.LightningDataModule, **settings: Any) -> AUCDataModule:
        """An `AUCDataModule` over a datamodule of your own, which stays as it is.

        Its loaders' datasets and collate functions are used, and of its training loader batch size, pinning, and how workers
        are started, prefetch and persist; only the training sampler is replaced, and the index added. A
        `SubsetRandomSampler` keeps its rows, and a sampler with a `sampling_rate` its rate.

        Args:
            datamodule: with batches ``(x, y)``, ``(x1, x2, y)``, mappings with ``"labels"``, or graphs. Its `setup` may read
                ``self.trainer``.
            settings: `batch_size`, `sampling_rate`, `seed`, ... as for `AUCDataModule`. A `sampling_rate` of None shuffles.

        Raises:
            DataError: on first use, if a loader is not one torch DataLoader, its batches have no size that could be read, or
                its sampler chooses rows in a way that nobody knows.
        """
        check_arguments("AUCDataModule.wrap", {"datamodule": _FOREIGN}, {"datamodule": datamodule})
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
        all_labels = {"train": labels}
        for name, dataset in zip(("val", "test"), self._datasets[1:], strict=True):
            if dataset is not None:
                all_labels[name] = find_labels(dataset, name)
                check_labels(all_labels[name], name, both_classes=False)
        self._split_lines = tuple(split_lines(all_labels))

    def summary(self) -> list[str]:
        """What was read, one sentence each: rows and positives of each split, and where these are few.

        Example:
            >>> from torch.utils.data import TensorDataset
            >>> data = TensorDataset(torch.randn(40, 3), torch.tensor([1, 0] * 20))
            >>> AUCDataModule(data, data, batch_size=4).summary()
            ['train: 40 rows, 20 positives, 1.0 negatives for each.', 'val: 40 rows, 20 positives, 1.0 negatives for each.']
        """
        _ = self.datasets
        return list(self._split_lines)

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

    @property
    def row_counts(self) -> RowCounts | None:
        """How few rows of the rarer class there are; None where the rows cannot be divided anew."""
        if not self._is_divisible():
            return None
        val = find_labels(self.datasets[1], "val")
        return RowCounts(rarer(val), rarer(np.concatenate([self.train_labels, val])))

    def _is_divisible(self) -> bool:
        return self._pooled() is not None

    def _pooled(self) -> Dataset[Any] | None:
        train, val, _ = self.datasets
        return pooled(train, val) if self._loadings[0].collate is self._loadings[1].collate else None

    def _divided(self, division: Division) -> tuple[Any, Any, Any]:
        train, val, test = self.datasets
        rows = self._pooled()
        if rows is None:
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
        loading = self._loadings[split]
        return DataLoader(
            self.datasets[split], batch_size=size, collate_fn=loading.collate, **loading.arguments(self.num_workers)
        )

    def _evaluation_loader(self, split: int) -> DataLoader[Any]:
        rank, world_size = self._ranks()
        size = self.eval_batch_size or self.batch_size
        return self._loader(split, EvaluationSampler(len(self.datasets[split]), size, rank, world_size), None)

    def _loader(self, split: int, sampler: Any, generator: torch.Generator | None) -> DataLoader[Any]:
        loading = self._loadings[split]
        # A worker that outlives its epoch would go on with random numbers that no resumed fit can know.
        batches = IndexedBatches(self.datasets[split], loading.collate, is_seeded=loading.persistent_workers)
        return DataLoader(
            batches, batch_size=None, sampler=sampler, pin_memory=self.pin_memory, generator=generator,
            **loading.arguments(self.num_workers),
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
        sampling_rate: float | Literal["own"] | None = "own",
        num_workers: int | None = None,
        seed: int = 0,
        pin_memory: bool | None = None,
    ) -> None:
        self._inherits = {"batch_size": batch_size, "num_workers": num_workers, "pin_memory": pin_memory}
        self._has_own_rate = sampling_rate == "own"
        rate = 0.5 if sampling_rate == "own" else sampling_rate
        self._configure(batch_size or 2, eval_batch_size, rate, num_workers or 0, seed, bool(pin_memory))
        self.inner = datamodule

    def resplit(self, seed: int, fold: int | None = None, n_folds: int | None = None) -> AUCDataModule:
        """As `AUCDataModule.resplit`; an inner datamodule that has a method `resplit` of its own is asked instead."""
        inner = self.inner
        if not isinstance(inner, _Resplits):
            return super().resplit(seed, fold, n_folds)
        fresh = copy.copy(self)
        fresh.trainer, fresh._datasets, fresh.inner = None, None, inner.resplit(seed, fold, n_folds)
        return fresh

    def _is_divisible(self) -> bool:
        return isinstance(self.inner, _Resplits) or super()._is_divisible()

    def fingerprint(self) -> dict[str, Any]:
        """Class and saved hyperparameters of the inner datamodule; its data are not read for it."""
        settings = {name: value for name, value in self._inherits.items() if name == "batch_size"}
        return {**datamodule_fingerprint(self.inner), **settings, "sampling_rate": self.sampling_rate}

    def prepare_data(self) -> None:
        """The inner datamodule's own."""
        self.inner.trainer = self.trainer
        self.inner.prepare_data()

    def setup(self, stage: str) -> None:
        """Read the data if that has not happened yet."""
        self.inner.trainer = self.trainer
        super().setup(stage)

    def teardown(self, stage: str) -> None:
        """The inner datamodule's own."""
        self.inner.teardown(stage)

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """The inner datamodule's own, which sees batches as ever."""
        return self._as_given(batch, lambda part: self.inner.on_before_batch_transfer(part, dataloader_idx))

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """The inner datamodule's own, where augmentation on the device often lives."""
        return self._as_given(batch, lambda part: self.inner.on_after_batch_transfer(part, dataloader_idx))

    def _as_given(self, batch: Any, hook: Callable[[Any], Any]) -> Any:
        """What a hook makes of a batch in the form that the inner datamodule's own loader gives it."""
        if not isinstance(batch, (list, tuple)) or len(batch) != 3:
            return hook(batch)
        x, y, index = batch
        if not isinstance(x, (tuple, list, Mapping, HasLabels)):
            x, y = hook([x, y])
            return x, y, index
        collate = self._loadings[0].collate or default_collate
        like = collate([self.datasets[0][0]])
        parts = parts_of_rows(hook(rejoined(x, y, like)), range(len(index)))
        return parts.inputs, parts.targets, index

    def _make_datasets(self) -> tuple[Any, Any, Any]:
        loaders = self._loaders()
        for name, loader in zip(("train", "val", "test"), loaders, strict=False):
            if not isinstance(loader, DataLoader):
                raise DataError(
                    f"data.{name}_dataloader", "one torch DataLoader", type(loader).__name__,
                    "Return a single DataLoader, or pass the datasets to AUCDataModule.",
                )  # fmt: skip
        self._inherit(loaders[0])
        # Workers are those of the training loader, as their number is.
        shared = Loading.of(loaders[0])
        own = [dataclasses.replace(shared, collate=Loading.of(loader).collate) for loader in loaders]
        self._loadings = (own[0], own[1], own[2] if len(own) == 3 else Loading())
        datasets = [rows_of(loader, name) for loader, name in zip(loaders, ("train", "val", "test"), strict=False)]
        return (datasets[0], datasets[1], datasets[2] if len(datasets) == 3 else None)

    def _loaders(self) -> list[Any]:
        """The inner datamodule's loaders, made in Lightning's order."""
        if self.inner.trainer is None and self.trainer is None:
            self.inner.trainer = _plain_trainer()  # `setup` may read it, and the data are needed before there is a fit
        self.inner.prepare_data()
        self.inner.setup("fit")
        loaders = [self.inner.train_dataloader(), self.inner.val_dataloader()]
        if type(self.inner).test_dataloader is not L.LightningDataModule.test_dataloader:
            self.inner.setup("test")
            loaders.append(self.inner.test_dataloader())
        return loaders

    def _inherit(self, loader: DataLoader[Any]) -> None:
        """Take what was not given from the training loader."""
        if self._inherits["batch_size"] is None:
            size = batch_size_of(loader)
            if size is None:
                raise DataError(
                    "data.train_dataloader", "a batch size", f"the batches of a {type(loader.batch_sampler).__name__}",
                    "Pass batch_size=64.",
                )  # fmt: skip
            self.batch_size = max(2, size)
        if self._inherits["num_workers"] is None:
            self.num_workers = loader.num_workers
        if self._inherits["pin_memory"] is None:
            self.pin_memory = loader.pin_memory
        if self._has_own_rate:
            self.sampling_rate = rate_of(loader) or self.sampling_rate


def _plain_trainer() -> L.Trainer:
    """A Trainer on one CPU that says and writes nothing."""
    logger = logging.getLogger("lightning.pytorch.utilities.rank_zero")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        return L.Trainer(accelerator="cpu", devices=1, logger=False, enable_checkpointing=False, enable_progress_bar=False)
    finally:
        logger.setLevel(level)
