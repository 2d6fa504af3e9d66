"""`refit`: the best configuration, trained once more on the training and the validation data."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import lightning as L

from automax_lightning.auc.data.datamodule import AUCDataModule
from automax_lightning.auc.data.merged import MergedDataModule
from automax_lightning.errors import ConfigError
from automax_lightning.search.record import SearchRecord
from automax_lightning.search.storage.ownership import claim_file
from automax_lightning.tuner.fits import best_of, fit_of, train_all
from automax_lightning.tuner.setup import SearchSetup


@dataclasses.dataclass(frozen=True)
class Refit:
    """A model that was trained on the training and the validation data.

    Args:
        module: trained, in evaluation mode.
        checkpoint: where its weights are kept.
        epochs: epochs trained: those after which the best trial was best.
        test: metric name -> value on the test split, if there is one. There is no validation score: that split was
            trained on.
    """

    module: L.LightningModule
    checkpoint: Path
    epochs: int
    test: dict[str, float]


def refit(setup: SearchSetup, record: SearchRecord, data: L.LightningDataModule | None, seed: int | None) -> Refit:
    """As `AutoMAX.refit`.

    Args:
        setup: of the search.
        record: what it has found out.
        data: whose training loader holds all samples; None merges the splits of an `AUCDataModule`.
        seed: of the fit; None for the best trial's.
    """
    best = best_of(record)
    assert best.best_epoch is not None  # a result with a score has one
    spec = record.specs[best.number]
    fit = fit_of(setup.make_trial(spec), "refit")

    def merge(own: L.LightningDataModule | None) -> L.LightningDataModule:
        if data is not None:
            return data
        if not isinstance(own, AUCDataModule):
            raise ConfigError(
                "refit.data", "a datamodule whose train_dataloader() gives training and validation samples",
                "None, and " + ("no datamodule" if own is None else f"a {type(own).__name__}, whose splits are its own"),
                "Pass data=MyDataModule(...) that trains on both.",
            )  # fmt: skip
        return MergedDataModule(own)

    path = setup.directory / "refit" / "refit.ckpt"
    claim_file(setup.directory, "refit/refit.ckpt")
    module, test = train_all(
        fit, merge, spec.seed if seed is None else seed, epochs=spec.epochs or fit.epochs, stop_after=best.best_epoch,
        checkpoint=path,
    )  # fmt: skip
    return Refit(module, path, best.best_epoch, test)
