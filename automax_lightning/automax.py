"""`AutoMAX`: ask for a configuration, run it as a Lightning fit, record the result, and so on until the budget is spent."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from automax_lightning import outcome, preflight
from automax_lightning.config import AutoMAXConfig
from automax_lightning.errors import CheckpointError, ConfigError, FirstTrialFailedError
from automax_lightning.progress import SearchProgress
from automax_lightning.report import best_result, trial_table, trials_dataframe
from automax_lightning.search.checkpoints import TrialDirectories
from automax_lightning.search.executors import InlineExecutor, Trainable
from automax_lightning.search.interrupt import StopSignal
from automax_lightning.search.journal import History, Journal, check_same
from automax_lightning.search.proposer import Observation, Proposer, failure_cost
from automax_lightning.search.state import write_state
from automax_lightning.space import configuration as to_configuration
from automax_lightning.space import space_fingerprint, values
from automax_lightning.trial import Objective, Status, TrialResult, TrialSpec

if TYPE_CHECKING:
    import lightning as L
    import pandas as pd
    from ConfigSpace import Configuration, ConfigurationSpace
    from smac.facade.abstract_facade import AbstractFacade


class AutoMAX:
    """Automated AUC optimisation: SMAC3 proposes configurations, Lightning fits them, a journal remembers everything.

    The journal on disk is the only truth: a search that is killed at any instant goes on, with the same call, as if
    nothing had happened. A larger `n_trials` extends a finished search.

    Args:
        trainer: takes a `Configuration` and returns a `Fit` (or anything with its `run`); its ``cs`` is the space.
            `trainer_factory` makes one.
        config: budget, seed and place of the search.
        target: the metric to maximise: ``"AUROC"``, ``"AUPRC"``, ``"ACC"``, ``"pAUROC"``, or any key that the module
            logs; ``config.mode="min"`` minimises it.
        quiet: print nothing.

    Attributes:
        log: one dictionary a finished trial: ``trial, val, test, space, status, ...``.
        finished: trials that were finished when this object was made.
        best_score: the best validation score so far, ``-inf`` before the first.

    Raises:
        ConfigError: if `trainer` has no space.
        JournalError: if the directory belongs to a search over another space, target or setting.

    Example:
        >>> import tempfile
        >>> from automax_lightning import DigitsDataModule, trainer_factory
        >>> from automax_lightning.models import MLP
        >>> factory = trainer_factory(lambda: MLP((8,)), DigitsDataModule(), epochs=1)
        >>> config = AutoMAXConfig(name="demo", n_trials=2, output_directory=tempfile.mkdtemp())
        >>> tuner = AutoMAX(factory, config, target="AUROC", quiet=True)
        >>> incumbent = tuner.optimize()
        >>> len(tuner.log), tuner.best_score == max(entry["val"] for entry in tuner.log)
        (2, True)
    """

    def __init__(
        self,
        trainer: Callable[[Configuration], Trainable],
        config: AutoMAXConfig | None = None,
        target: str = "AUROC",
        *,
        quiet: bool = False,
    ) -> None:
        if not hasattr(trainer, "cs"):
            raise ConfigError(
                "AutoMAX.trainer", "an autopartial, whose .cs is the search space", type(trainer).__name__,
                "Make it with trainer_factory(...) or autopartial(...).",
            )  # fmt: skip
        self.trainer = trainer
        self.config = config or AutoMAXConfig()
        self.target = target
        self.configspace: ConfigurationSpace = trainer.cs
        self.objective = Objective(target, self.config.mode)
        self.quiet = quiet
        self.directory = self.config.directory
        self._directories = TrialDirectories(self.directory)
        self._history = self._previous()
        self._proposer = Proposer(
            self.configspace,
            seed=self.config.SEED,
            preset=self.config.preset,
            n_configs=self.config.n_configs,
            initial_configs=self.config.initial_configs,
            directory=self.directory,
        )
        self._console = Console(quiet=quiet, highlight=False)
        self._journal: Journal | None = None
        self._progress = SearchProgress(self.objective, self.config.n_trials, quiet=True)
        self._stop = StopSignal()
        self.finished = len(self._final())

    # What is known so far -------------------------------------------------------------------------------------------

    @property
    def log(self) -> list[dict[str, Any]]:
        """One dictionary a finished trial, in order: what ``state.pkl`` holds."""
        specs = {spec.number: spec for spec in self._history.asks}
        return [outcome.log_entry(specs[number], result) for number, result in sorted(self._final().items())]

    @property
    def best_score(self) -> float:
        """The best validation score so far, ``-inf`` before the first."""
        best = self.best
        return float("-inf") if best is None or best.score is None else best.score

    @property
    def best(self) -> TrialResult | None:
        """The result of the best trial so far, or None."""
        return best_result(self._final(), self.objective)

    @property
    def incumbent(self) -> Configuration | None:
        """The best trial's configuration, or None before the first score."""
        return None if self.best is None else to_configuration(self.configspace, self._spec(self.best).configuration)

    @property
    def smac(self) -> AbstractFacade:
        """The SMAC facade in use, told everything that has happened so far."""
        return self._proposer.facade_for(self._observations())

    @property
    def experiment_name(self) -> str:
        """What the best checkpoint's directory is named after."""
        settings = getattr(getattr(self.trainer, "autofunc", None), "settings", {})
        return str(settings.get("experiment_name", self.config.name))

    @property
    def best_directory(self) -> Path:
        """Where the best trial's checkpoint and configuration lie."""
        return self.directory / f"{self.experiment_name}_best"

    def trials_dataframe(self) -> pd.DataFrame:
        """One row a trial, as a pandas frame: status, scores, times and hyperparameters."""
        return trials_dataframe(self._history.asks, self._history.results)

    def trial_table(self) -> str:
        """The table that is printed after the search."""
        return trial_table(self._final(), self.objective)

    # The search -----------------------------------------------------------------------------------------------------

    def optimize(self) -> Configuration:
        """The best configuration; runs the trials that are still missing.

        Interrupted trials continue first, from their last epoch. A first Ctrl-C finishes the running epoch, keeps it,
        and says how to continue.

        Returns:
            The configuration with the best validation score.

        Raises:
            AutoMAXError: if the data, the model or the target cannot work; nothing is written then.
            Exception: whatever the first trial raised, if it failed in user code.
            KeyboardInterrupt: after an interruption; the same call continues.
        """
        if self.config.overwrite or self._missing() > 0:
            self._search()
        if not self.quiet:
            self._console.print(self.trial_table(), markup=False, soft_wrap=True)
        if self.best is None:
            raise FirstTrialFailedError(
                f"AutoMAX({self.config.name!r}).optimize", "at least one trial with a score",
                "; ".join(sorted({result.reason for result in self._final().values()})) or "no trial",
                f"Read {self.directory / 'trials' / '0001' / 'error.txt'}.",
            )  # fmt: skip
        incumbent = self.incumbent
        assert incumbent is not None
        return incumbent

    def train(self, space: Configuration, seed: int = 0) -> float:
        """The cost (the negative validation score) of one configuration: trains it as one more trial of this search.

        Args:
            space: any configuration of `configspace`.
            seed: seed of the trial, 0 .. 2**32 - 1.

        Returns:
            What SMAC minimises; for a trial without a score, the finite cost that stands for a failure.
        """
        with self._session():
            spec = self._ask(values(space), origin="user", seed=seed)
            result = self._run(spec)
        return self._cost(result)

    def load_best_model(self) -> L.LightningModule:
        """The best trial's module, with its best epoch's weights, in evaluation mode.

        Raises:
            CheckpointError: if no trial has a score, or its checkpoint is gone.
        """
        return outcome.load_best_model(self)

    # One search, from lock to summary -------------------------------------------------------------------------------

    def _search(self) -> None:
        fresh = not self._history.asks or self.config.overwrite
        existed = self.directory.exists()
        if fresh:
            preflight.check(self.trainer(self.configspace.get_default_configuration()), self.objective)
        try:
            with self._session():
                self._loop()
        except Exception:
            if fresh and not self._final() and not existed:
                shutil.rmtree(self.directory, ignore_errors=True)
            raise
        if self._stop.requested is not None:
            self._console.print(
                f"Stopped by {self._stop.requested.name} with {len(self._final())} of {self.config.n_trials} trials "
                f"finished; the same command continues.", markup=False, soft_wrap=True,
            )  # fmt: skip
            raise KeyboardInterrupt(self._stop.requested.name)

    def _loop(self) -> None:
        started = time.monotonic()
        while (reason := self._why_stop(started)) is None:
            spec = next(iter(self._history.pending()), None) or self._propose()
            if spec is None:
                reason = "every configuration of this finite space has been tried"
                break
            result = self._run(spec)
            self._raise_if_first(result)
        if reason:
            self._console.print(f"Search ended: {reason}.", markup=False, soft_wrap=True)

    def _why_stop(self, started: float) -> str | None:
        """Why the search is over: a sentence, an empty one for the ordinary end, None to go on."""
        if self._stop.requested is not None or self._missing() <= 0:
            return ""
        return outcome.why_stop(self.config, self.objective, self._final(), time.monotonic() - started)
