"""Train any network on LibAUC's AUC losses inside PyTorch Lightning, and let SMAC3 find the hyperparameters.

Importing this package is light: each public name loads its module, and that module's partner library, on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automax_lightning.auc import pairs as pairs
    from automax_lightning.auc.callbacks import AUROC as AUROC
    from automax_lightning.auc.data import AUCDataModule as AUCDataModule
    from automax_lightning.auc.module import AUCModule as AUCModule
    from automax_lightning.auc.tabular import TabularDataModule as TabularDataModule
    from automax_lightning.automax import AutoMAX as AutoMAX
    from automax_lightning.config import AutoMAXConfig as AutoMAXConfig
    from automax_lightning.config import AutoMAXConfigration as AutoMAXConfigration
    from automax_lightning.datasets import DigitsDataModule as DigitsDataModule
    from automax_lightning.errors import AutoMAXError as AutoMAXError
    from automax_lightning.factory import trainer_factory as trainer_factory
    from automax_lightning.fit import Fit as Fit
    from automax_lightning.seeding import ReproducibleEpochs as ReproducibleEpochs
    from automax_lightning.space import autopartial as autopartial
    from automax_lightning.space import parse_hyperparameters_from_dict as parse_hyperparameters_from_dict
    from automax_lightning.trial import Objective as Objective
    from automax_lightning.trial import Status as Status
    from automax_lightning.trial import TrialResult as TrialResult
    from automax_lightning.trial import TrialSpec as TrialSpec
    from automax_lightning.tune import AutoMAXCLI as AutoMAXCLI

_HOMES = {
    "AUCDataModule": "auc.data",
    "AUCModule": "auc.module",
    "AUROC": "auc.callbacks",
    "AutoMAX": "automax",
    "AutoMAXCLI": "tune",
    "AutoMAXConfig": "config",
    "AutoMAXConfigration": "config",
    "AutoMAXError": "errors",
    "DigitsDataModule": "datasets",
    "Fit": "fit",
    "Objective": "trial",
    "ReproducibleEpochs": "seeding",
    "Status": "trial",
    "TabularDataModule": "auc.tabular",
    "TrialResult": "trial",
    "TrialSpec": "trial",
    "autopartial": "space",
    "parse_hyperparameters_from_dict": "space",
    "trainer_factory": "factory",
}

__all__ = [*_HOMES, "pairs"]


def __getattr__(name: str) -> Any:
    if name == "pairs":
        return importlib.import_module("automax_lightning.auc.pairs")
    if name not in _HOMES:
        raise AttributeError(f"module 'automax_lightning' has no attribute {name!r}")
    return getattr(importlib.import_module(f"automax_lightning.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
