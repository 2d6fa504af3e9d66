from . import pairs as pairs
from .auc.callback import AUROC as AUROC
from .auc.data.datamodule import AUCDataModule as AUCDataModule
from .auc.data.digits import DigitsDataModule as DigitsDataModule
from .auc.data.tabular import TabularDataModule as TabularDataModule
from .auc.module import AUCModule as AUCModule
from .cli.automax_cli import AutoMAXCLI as AutoMAXCLI
from .cli.loading import load as load
from .config import AutoMAXConfig as AutoMAXConfig
from .config import AutoMAXConfigration as AutoMAXConfigration
from .errors import AutoMAXError as AutoMAXError
from .factory.fit_factory import FitFactory as FitFactory
from .factory.trainer_factory import trainer_factory as trainer_factory
from .space.autopartial import autopartial as autopartial
from .space.autopartial import parse_hyperparameters_from_dict as parse_hyperparameters_from_dict
from .trial.fit import Fit as Fit
from .trial.records import Objective as Objective
from .trial.records import Status as Status
from .trial.records import TrialResult as TrialResult
from .trial.records import TrialSpec as TrialSpec
from .trial.seeding import ReproducibleEpochs as ReproducibleEpochs
from .tuner.automax import AutoMAX as AutoMAX

__version__: str
