"""`AutoMAXConfig`: the frozen, validated description of a search."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automax_lightning.errors import ConfigError, closest
from automax_lightning.utils.arguments import Rule, check_arguments, file_name, flag, integer, number, one_of, path, seconds, text
from automax_lightning.utils.serialization import builtin

PRESETS = ("automax", "original", "random")
STOPPING = ("incumbent", "median")
SELECTIONS = ("half", "greedy")
INITIAL = ("auto", "default", "portfolio")
RESAMPLING = ("auto", "holdout", "reshuffled", "cv")
EXECUTORS = ("auto", "inline", "process", "dask")
_SEED = integer(0, 2**32 - 1)
_COSTS = ("loss", "error", "mse", "mae", "rmse", "nll", "perplexity")
_CAMEL = "|".join((*map(str.title, _COSTS), *map(str.upper, _COSTS)))
_COST = re.compile(rf"(?:^|[^a-zA-Z])(?i:{'|'.join(_COSTS)})$|(?:{_CAMEL})$")
"""A name that ends in a word for a cost: ``val_loss``, ``valid/RMSE``, ``valLoss``."""

_RULES: Mapping[str, Rule] = {
    "name": file_name("my_search"),
    "n_trials": integer(1, example=10).or_none,
    "n_fits": integer(1, example=40).or_none,
    "n_configs": integer(1),
    "SEED": _SEED,
    "output_directory": path(),
    "overwrite": flag(),
    "deterministic": flag(),
    "deterministic_order": flag(),
    "trial_seed": _SEED.or_none,
    "mode": one_of("max", "min").or_none,
    "preset": one_of(*PRESETS),
    "initial": one_of(*INITIAL),
    "initial_configs": Rule(
        "a sequence of configurations, name -> value",
        lambda x: isinstance(x, (list, tuple)) and all(isinstance(each, Mapping) for each in x), "({'lr': 0.1},)",
    ),
    "walltime_limit": seconds().or_none,
    "trial_time_limit": seconds().or_none,
    "target_score": number("a number", lambda x: True, "0.9").or_none,
    "patience": integer(1, example=10).or_none,
    "max_failures": integer(1, example=10).or_none,
    "early_stop_epochs": Rule(
        "epochs from 1",
        lambda x: isinstance(x, (list, tuple)) and all(integer(1).is_legal(each) for each in x), "(3, 9)",
    ),
    "min_budget": integer(1).or_none,
    "max_budget": integer(1, example=50).or_none,
    "eta": integer(2, example=3),
    "ensemble_size": integer(0, example=10),
    "ensemble_selection": one_of(*SELECTIONS),
    "n_seeds": integer(1),
    "resampling": one_of(*RESAMPLING),
    "n_folds": integer(2, example=4),
    "executor": one_of(*EXECUTORS),
    "n_workers": integer(1),
    "gpus_per_trial": integer(0, example=1).or_none,
    "max_trials_per_worker": integer(1, example=10).or_none,
    "retries": integer(0, example=1),
    "scheduler": text("tcp://host:8786").or_none,
    "scheduler_timeout": seconds(),
    "verbose": flag(),
    "trust": flag(),
}  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class AutoMAXConfig:
    """Settings of a search: its budget, its seeds, its place on disk, how it stops and where trials run.

    Args:
        name: name of the search and of its directory: one path component.
        n_trials: budget of the search, in trials, at least 1; a larger number extends a finished search. With
            folds (see `resampling`) it counts configurations. None leaves the budget to `n_fits`.
        n_fits: budget of the search, in fits, at least 1: each fold of a configuration is one. None
            for no such limit. Where both are given, the search ends with whichever is reached first.
        n_configs: size of the initial design, at least 1; the space's default configuration is always its first
            member, Sobol points are the others.
        SEED: seed of proposals and trials, 0 .. 2**32 - 1.
        output_directory: parent of the search's directory.
        overwrite: delete a search of the same name and start afresh; False resumes or extends it.
        deterministic: every trial has the seed `SEED`, so that configurations differ in nothing else. False gives
            each trial a seed of its own.
        deterministic_order: record results in the order in which the trials were submitted, so that with several workers
            too the proposals depend on `SEED` and `n_workers` alone. A worker whose trial is over early then waits for
            those before it. False records each result as it comes: two searches with the same seed may differ.
        trial_seed: seed of the trials, 0 .. 2**32 - 1, where it differs from that of the proposals; None for `SEED`.
        mode: ``"max"`` or ``"min"``: which way the target is better; None for ``"max"``, which is an error where the target is
            called a loss or an error.
        preset: who proposes: ``"automax"`` (ours), ``"original"`` (the original AutoMAX's settings of SMAC), ``"random"``.
        initial: what follows the default configuration: ``"portfolio"``, a few configurations of the loss's pair that are
            good together on public tasks, or ``"default"``, nothing. ``"auto"`` takes the portfolio of a pair for which
            it has helped on tasks that it was not chosen on, unless `preset`, `n_configs` or `initial_configs` says
            otherwise.
        initial_configs: configurations (name -> value) that are tried right after the default; what one leaves out takes its
            default.
        walltime_limit: seconds of the whole search after which no further trial starts; None for no limit.
        trial_time_limit: seconds that one trial may train, above 0; None for no limit. A trial that hangs is ended a little
            later: its worker process as a whole. With ``executor="inline"`` only what waits in Python or in a system call
            can be ended (a lock, a queue, a socket), with its stack in ``stack.txt``; for C code that hangs pass
            ``executor="process"``.
        target_score: validation score at which the search stops; None for no such score.
        patience: number of consecutive trials without improvement before the search stops; None for no limit.
        max_failures: number of failed trials before the search stops; None for no limit.
        early_stop: end a trial whose curve is clearly worse than others' at the same epoch: ``"incumbent"`` (or True)
            compares with the best trial, ``"median"`` with all of them. None trains every trial to its end.
        early_stop_epochs: epochs at which to compare; by default after a ninth and a third of a fit.
        min_budget: epochs of the lowest rung of successive halving: every trial but the first pauses there, and the best
            1/eta of a rung is promoted, each from its own checkpoint. None trains every trial to its end.
        max_budget: epochs of the highest rung, that is of a whole fit; None for the fit's own.
        eta: reduction factor, at least 2; the best 1/eta of a rung is promoted.
        n_seeds: seeds per promising configuration, at least 1; a configuration is judged by the mean over its seeds.
        ensemble_size: models at most that the search delivers together (``ensemble/``, `AutoMAX.predict`), at least 0; with
            0 or 1 it delivers the best one alone. It may change from one run of a search to the next.
        ensemble_selection: which models these are: ``"half"``, the better half of the trials that were trained to their
            end, or ``"greedy"``, those that help the ensemble's validation score most, chosen one after the other and
            perhaps repeatedly.
        resampling: which rows a configuration is judged by; the test split is never touched. ``"auto"``: folds where the
            validation split has at most 40 rows of the rarer class, which is where they were measured to win on new data,
            and the rows can be divided anew; else the datamodule's validation split, as with ``preset="original"``,
            `min_budget` or `n_seeds`. A search that has begun keeps to its own. ``"holdout"``: the datamodule's validation
            split. ``"cv"``: `n_folds` folds of training and validation rows. Folds are raced: a configuration
            runs on its next fold while its mean keeps up with the incumbent's on the same folds. `target_score` and
            `patience` look at the mean, and `early_stop` compares curves of the same fold. ``"reshuffled"``: each trial draws
            rows for validation anew. The last two need data with a method ``resplit``, which tables, tensors and subsets
            have.
        n_folds: folds of ``resampling="cv"``, at least 2.
        executor: where trials run: ``"inline"`` (this process), ``"process"`` (child processes of this machine),
            ``"dask"`` (a cluster); ``"auto"`` is inline for one worker and process for several.
        n_workers: trials that run at once, at least 1.
        gpus_per_trial: GPUs per trial; None deals them out in turn to the workers.
        max_trials_per_worker: trials after which a child process is replaced; None for never.
        retries: how often a trial is resumed, after a pause, that its process (for lack of memory, say), a disk, a network
            or a cluster has failed, at least 0. A trial that a disk, a network or a cluster fails once more is no failed
            trial: the search stops, and the same call resumes it.
        scheduler: address of a Dask scheduler (``tcp://host:8786``), or the path of its scheduler file.
        scheduler_timeout: seconds that the Dask scheduler may be away, above 0; then the search stops with its work kept.
        verbose: show Lightning's own bars and messages in each trial.
        trust: whether objects that your module keeps in its checkpoints may run code when these are loaded; False loads
            tensors and plain values only.

    Raises:
        ConfigError: if a value is out of range (a `ValueError`).

    Example:
        >>> AutoMAXConfig(name="mine", n_trials=20, SEED=42).directory.as_posix()
        'automax_output/mine'
    """

    name: str = "automax"
    n_trials: int | None = 5
    n_fits: int | None = None
    n_configs: int = 1
    SEED: int = 0
    output_directory: str | os.PathLike[str] = "./automax_output"
    overwrite: bool = False
    deterministic: bool = True
    deterministic_order: bool = False
    trial_seed: int | None = None
    mode: str | None = None
    preset: str = "automax"
    initial: str = "auto"
    initial_configs: tuple[Mapping[str, Any], ...] = ()
    walltime_limit: float | None = None
    trial_time_limit: float | None = None
    target_score: float | None = None
    patience: int | None = None
    max_failures: int | None = None
    early_stop: str | bool | None = None
    early_stop_epochs: tuple[int, ...] = ()
    min_budget: int | None = None
    max_budget: int | None = None
    eta: int = 3
    n_seeds: int = 1
    ensemble_size: int = 10
    ensemble_selection: str = "half"
    resampling: str = "holdout"
    n_folds: int = 4
    executor: str = "auto"
    n_workers: int = 1
    gpus_per_trial: int | None = None
    max_trials_per_worker: int | None = None
    retries: int = 1
    scheduler: str | None = None
    scheduler_timeout: float = 600.0
    verbose: bool = False
    trust: bool = False

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            object.__setattr__(self, name, builtin(value))  # NumPy's numbers cannot be written as YAML or JSON
        check_arguments("AutoMAXConfig", _RULES, vars(self))
        if self.n_trials is None and self.n_fits is None:
            raise _error("n_trials", "a budget in trials, or n_fits=", None, "Pass n_trials=20.")
        self._check_stopping()
        self._check_resampling()
        if self.executor == "inline" and self.n_workers > 1:
            raise _error("n_workers", "1 with executor='inline'", self.n_workers, "Pass executor='process'.")

    def mode_for(self, target: str) -> str:
        """Which way a target is better.

        Args:
            target: metric name or logged key.

        Raises:
            ConfigError: if `mode` is None, and the target is named after something that is to be small.

        Example:
            >>> AutoMAXConfig().mode_for("AUROC"), AutoMAXConfig(mode="min").mode_for("val_loss")
            ('max', 'min')
        """
        if self.mode is None and _COST.search(target):
            raise _error("mode", f"'min' or 'max' for the target {target!r}, which sounds like something that is to be small",
                         None, "Pass mode='min', or mode='max' if more of it is better.")  # fmt: skip
        return self.mode or "max"

    @property
    def has_own_start(self) -> bool:
        """Whether something other than ``initial="auto"`` says how the search begins."""
        return self.preset != "automax" or self.n_configs > 1 or bool(self.initial_configs)

    @property
    def seed_of_trials(self) -> int:
        """The seed of the first trial."""
        return self.SEED if self.trial_seed is None else self.trial_seed

    @property
    def place(self) -> str:
        """The executor that ``"auto"`` means."""
        if self.executor != "auto":
            return self.executor
        if self.scheduler is not None:
            return "dask"
        return "inline" if self.n_workers == 1 else "process"

    def _check_stopping(self) -> None:
        if self.stopping is not None and self.stopping not in STOPPING:
            raise _error("early_stop", f"one of {STOPPING}, or None", self.early_stop, closest(str(self.early_stop), STOPPING))
        if self.min_budget is not None and self.n_seeds > 1:
            raise _error("n_seeds", "1 where epochs are the budget", self.n_seeds, "Leave out min_budget, or n_seeds.")

    def _check_resampling(self) -> None:
        if self.resampling in ("auto", "holdout"):
            return
        if self.min_budget is not None or self.n_seeds > 1:
            other = "min_budget" if self.min_budget is not None else "n_seeds"
            raise _error("resampling", f"'holdout' with {other}", self.resampling, f"Leave out {other}, or resampling.")
        if self.resampling == "reshuffled" and self.stopping is not None:
            raise _error("early_stop", "None where each trial has a validation split of its own", self.early_stop,
                         "Pass resampling='cv', or leave it out.")  # fmt: skip

    @property
    def may_use_folds(self) -> bool:
        """Whether ``resampling="auto"`` may choose folds, as far as the other settings go."""
        return self.preset != "original" and self.min_budget is None and self.n_seeds == 1

    @property
    def stopping(self) -> str | None:
        """The rule of `early_stop`, or None."""
        return "incumbent" if self.early_stop is True else self.early_stop or None

    @property
    def directory(self) -> Path:
        """Where the search is kept: ``<output_directory>/<name>``."""
        return Path(self.output_directory) / self.name

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> AutoMAXConfig:
        """The configuration with these settings, as from a YAML section.

        Raises:
            ConfigError: if a key is unknown; the closest one is named.

        Example:
            >>> AutoMAXConfig.from_mapping({"name": "mine", "n_trials": 3}).n_trials
            3
        """
        names = [field.name for field in dataclasses.fields(cls)]
        for key in settings:
            if key not in names:
                raise ConfigError(f"automax.{key}", "a setting of the search", "no such key", closest(str(key), names))
        tuples = {name: tuple(settings.get(name) or ()) for name in ("initial_configs", "early_stop_epochs")}
        return cls(**{**settings, **tuples})

    def as_mapping(self) -> dict[str, Any]:
        """All settings as plain values, for YAML."""
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        configs = [builtin(dict(config)) for config in self.initial_configs]
        lists = {"initial_configs": configs, "early_stop_epochs": list(self.early_stop_epochs)}
        return {**plain, "output_directory": os.fspath(self.output_directory), **lists}


AutoMAXConfigration = AutoMAXConfig
"""The original AutoMAX's spelling, the same class."""


def _error(name: str, expected: str, found: Any, fix: str) -> ConfigError:
    return ConfigError(f"AutoMAXConfig.{name}", expected, repr(found), fix)
