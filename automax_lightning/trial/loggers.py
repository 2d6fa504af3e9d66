"""Each trial its own run: fresh Lightning loggers from the user's, one group a search, results where they are compared."""

from __future__ import annotations

import csv
import dataclasses
import importlib.util
import inspect
import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch import loggers as lightning_loggers
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from automax_lightning.errors import ConfigError, closest
from automax_lightning.trial.checkpoint import TrialFiles
from automax_lightning.trial.records import Objective, TrialResult, TrialSpec

_NAMES = {"csv": "CSVLogger", "tensorboard": "TensorBoardLogger"}
_LIGHTNINGS_OWN_NAME = "lightning_logs"


@dataclasses.dataclass(frozen=True)
class Run:
    """Which run of a logger a trial is.

    Args:
        group: name of the search.
        trial: number of the trial, from 1.
        directory: the trial's own, ``<search>/trials/0001``.
        steps: optimizer steps in the checkpoint that is resumed, 0 for a new trial.
    """

    group: str
    trial: int
    directory: Path
    steps: int = 0

    @classmethod
    def of(cls, spec: TrialSpec, directory: Path, steps: int) -> Run:
        """The run of a trial, in ``<search>/trials/0001``."""
        return cls(directory.absolute().parent.parent.name, spec.number, directory, steps)

    @property
    def name(self) -> str:
        """The trial as a name that sorts."""
        return f"trial_{self.trial:04d}"

    @property
    def kept(self) -> Path:
        """Where the names that a service gave to this run are kept."""
        return TrialFiles(self.directory).runs


def fresh_loggers(given: Any, run: Run) -> list[Logger]:
    """Loggers for one trial, none of which another trial has used.

    Args:
        given: what the user passed as ``logger=``: a Lightning logger, a list of them, True for Lightning's own choice, one
            of the names ``csv`` and ``tensorboard``, or a function that makes one from the trial's `Run`. A
            logger keeps all its settings and its ``save_dir``; its run is named after the trial and grouped by the
            search. Named ones write into the trial's directory.
        run: which trial it is. A resumed trial resumes its run, without the steps after its checkpoint.

    Returns:
        The loggers; none for False and None.

    Raises:
        ConfigError: if a name is unknown, or a logger's run cannot be named.
    """
    if given is None or given is False:
        return []
    several = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    return [_fresh(each, run, str(index)) for index, each in enumerate(several)]


def _fresh(given: Any, run: Run, key: str) -> Logger:
    if isinstance(given, Logger):
        return _again(given, run, key)
    if callable(given):
        logger: Logger = given(run)
        return logger
    if given is True:
        given = "tensorboard" if importlib.util.find_spec("tensorboard") else "csv"
    if given not in _NAMES:
        raise ConfigError(
            "trainer_kwargs.logger", f"a logger, or one of {sorted(_NAMES)}", repr(given), closest(str(given), _NAMES)
        )
    return _named(str(given), run)


def _named(name: str, run: Run) -> Logger:
    cls = getattr(lightning_loggers, _NAMES[name])
    # TensorBoard shows trials/0001 as the run "0001".
    arguments = {"save_dir": run.directory.parent, "name": "", "version": run.directory.name}
    return _made(cls, {**arguments, **_quiet_hparams(cls)}, run)


def _again(given: Logger, run: Run, key: str) -> Logger:
    """A logger like the given one, whose run is the trial."""
    cls = type(given)
    arguments = arguments_of(given)
    previous = json.loads(run.kept.read_text(encoding="utf-8")).get(key) if run.kept.exists() else None
    if "run_name" in arguments:  # MLflow
        experiment = arguments["experiment_name"]
        arguments |= {"run_name": run.name, "run_id": previous, "tags": {**(arguments["tags"] or {}), "search": run.group}}
        arguments["experiment_name"] = run.group if experiment == _LIGHTNINGS_OWN_NAME else experiment
    elif "project" in arguments:  # Weights & Biases
        arguments |= {"name": f"{run.group}-{run.name}", "version": None, "id": previous}
        arguments.setdefault("group", run.group)
    elif {"save_dir", "name", "version"} <= set(arguments):  # TensorBoard, CSV
        outer = "" if arguments["name"] == _LIGHTNINGS_OWN_NAME else str(arguments["name"] or "")
        arguments |= {"name": str(Path(outer) / run.group), "version": run.name, **_quiet_hparams(cls)}
    else:
        raise ConfigError(
            "trainer_kwargs.logger", "a logger whose run can be named after the trial", cls.__name__,
            "Pass a function that makes one from (group, trial, directory): logger=lambda run: MyLogger(run.name).",
        )  # fmt: skip
    return _made(cls, arguments, run)


def arguments_of(logger: Logger) -> dict[str, Any]:
    """The arguments that a logger was made with.

    Lightning's loggers keep each of them under its name, public or after an underscore, and those of the service in a
    dictionary; they have no public way to make another logger with the same settings.
    """
    kept = vars(logger)
    names = [name for name in inspect.signature(type(logger)).parameters if name != "kwargs"]
    arguments = {name: kept[place] for name in names for place in (name, f"_{name}") if place in kept}
    if "save_dir" in names and "save_dir" not in arguments:
        arguments["save_dir"] = kept.get("_root_dir", logger.save_dir)
    extra = {**kept.get("_kwargs", {}), **kept.get("_log_batch_kwargs", {})}
    service = {name: value for name, value in kept.get("_wandb_init", {}).items() if name not in ("dir", "resume", "anonymous")}
    arguments.pop("experiment", None)  # the run that the given logger has begun, if any
    return {**arguments, **extra, **service}


def made_again(cls: Callable[..., Logger], arguments: Mapping[str, Any]) -> Logger:
    """A logger from what `arguments_of` says."""
    return cls(**arguments)


def _quiet_hparams(cls: type) -> dict[str, Any]:
    """The trial's own score is the metric that TensorBoard compares, not Lightning's placeholder."""
    return {"default_hp_metric": False} if "default_hp_metric" in inspect.signature(cls).parameters else {}


def _made(cls: Callable[..., Logger], arguments: Mapping[str, Any], run: Run) -> Logger:
    if run.steps and "default_hp_metric" in arguments:
        arguments = {**arguments, "purge_step": run.steps}  # TensorBoard then forgets what followed the checkpoint
    logger = cls(**arguments)
    if run.steps and isinstance(logger, lightning_loggers.CSVLogger):
        _restore_rows(logger, run.steps)
    return logger


@rank_zero_only
def _restore_rows(logger: lightning_loggers.CSVLogger, steps: int) -> None:
    """Lightning's CSV writer begins by deleting the file of the run that it resumes."""
    path = Path(logger.log_dir) / "metrics.csv"
    if not path.exists():
        return
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if int(row["step"]) < steps]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Experiment logs directory")
        writer = logger.experiment
    for row in rows:
        writer.log_metrics({name: float(value) for name, value in row.items() if value and name != "step"}, int(row["step"]))
    logger.save()


class KeepRuns(L.Callback):
    """Lightning callback of a trial: its runs survive a kill, with everything up to the last checkpoint.

    Args:
        run: which trial it is.
    """

    def __init__(self, run: Run) -> None:
        self.run = run

    @rank_zero_only
    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Keep the names that services gave to the runs, to resume them."""
        names = {str(index): logger.version for index, logger in enumerate(trainer.loggers)}
        if names:
            self.run.directory.mkdir(parents=True, exist_ok=True)
            self.run.kept.write_text(json.dumps(names), encoding="utf-8")

    @rank_zero_only
    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write what has been logged, before the epoch's checkpoint is."""
        for logger in trainer.loggers:
            logger.save()
            flush = getattr(getattr(logger, "experiment", None), "flush", None)
            if flush is not None:
                flush()


@rank_zero_only
def log_result(loggers: Iterable[Logger], spec: TrialSpec, objective: Objective, result: TrialResult, steps: int) -> None:
    """Log the hyperparameters with what came of them, and end the trial's runs.

    Args:
        loggers: those of the trial's Trainer.
        spec: its configuration.
        objective: names the score.
        result: how the trial ended; an interrupted one is resumed later.
        steps: optimizer steps done.
    """
    for logger in loggers:
        if result.status.is_final:
            _log_hyperparameters(logger, {**spec.configuration, "seed": spec.seed, "status": result.status.name},
                                 _final(objective, result), steps)  # fmt: skip
        finish = getattr(getattr(logger, "experiment", None), "finish", None)
        if finish is not None:
            finish()  # otherwise Weights & Biases gives the next trial's logger this very run


def _final(objective: Objective, result: TrialResult) -> dict[str, float]:
    score = {} if result.score is None else {f"best/{objective.target}": result.score}
    return {**score, **{f"best_test/{name}": value for name, value in result.test.items()}}


def _log_hyperparameters(logger: Logger, parameters: Mapping[str, Any], metrics: Mapping[str, float], steps: int) -> None:
    plain = {name: value if isinstance(value, (bool, int, float, str)) else str(value) for name, value in parameters.items()}
    if "metrics" in inspect.signature(logger.log_hyperparams).parameters:
        logger.log_hyperparams(plain, dict(metrics), step=steps)
    else:
        logger.log_hyperparams(plain)
        logger.log_metrics(dict(metrics), steps)
    logger.save()
    logger.finalize("success")
