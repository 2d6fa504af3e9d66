"""Train any network on LibAUC's AUC losses inside PyTorch Lightning, and let SMAC3 find the hyperparameters.

Importing this package is light: each public name loads its module, and that module's partner library, on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automax_lightning.auc.callback import AUROC as AUROC
    from automax_lightning.auc.data.datamodule import AUCDataModule as AUCDataModule
    from automax_lightning.auc.data.digits import DigitsDataModule as DigitsDataModule
    from automax_lightning.auc.data.tabular import TabularDataModule as TabularDataModule
    from automax_lightning.auc.module import AUCModule as AUCModule
    from automax_lightning.auc.pairs import registry as pairs
    from automax_lightning.cli.automax_cli import AutoMAXCLI as AutoMAXCLI
    from automax_lightning.config import AutoMAXConfig as AutoMAXConfig
    from automax_lightning.config import AutoMAXConfigration as AutoMAXConfigration
    from automax_lightning.errors import AutoMAXError as AutoMAXError
    from automax_lightning.factory.fit_factory import FitFactory as FitFactory
    from automax_lightning.factory.trainer_factory import trainer_factory as trainer_factory
    from automax_lightning.space.autopartial import autopartial as autopartial
    from automax_lightning.space.autopartial import parse_hyperparameters_from_dict as parse_hyperparameters_from_dict
    from automax_lightning.trial.fit import Fit as Fit
    from automax_lightning.trial.records import Objective as Objective
    from automax_lightning.trial.records import Status as Status
    from automax_lightning.trial.records import TrialResult as TrialResult
    from automax_lightning.trial.records import TrialSpec as TrialSpec
    from automax_lightning.trial.seeding import ReproducibleEpochs as ReproducibleEpochs
    from automax_lightning.tuner.automax import AutoMAX as AutoMAX

_HOMES = {
    "AUCDataModule": "auc.data.datamodule",
    "AUCModule": "auc.module",
    "AUROC": "auc.callback",
    "AutoMAX": "tuner.automax",
    "AutoMAXCLI": "cli.automax_cli",
    "AutoMAXConfig": "config",
    "AutoMAXConfigration": "config",
    "AutoMAXError": "errors",
    "DigitsDataModule": "auc.data.digits",
    "Fit": "trial.fit",
    "FitFactory": "factory.fit_factory",
    "Objective": "trial.records",
    "ReproducibleEpochs": "trial.seeding",
    "Status": "trial.records",
    "TabularDataModule": "auc.data.tabular",
    "TrialResult": "trial.records",
    "TrialSpec": "trial.records",
    "autopartial": "space.autopartial",
    "parse_hyperparameters_from_dict": "space.autopartial",
    "trainer_factory": "factory.trainer_factory",
}

__all__ = [*_HOMES, "pairs"]


def __getattr__(name: str) -> Any:
    if name == "pairs":
        return importlib.import_module("automax_lightning.auc.pairs.registry")
    if name not in _HOMES:
        raise AttributeError(f"module 'automax_lightning' has no attribute {name!r}")
    return getattr(importlib.import_module(f"automax_lightning.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
