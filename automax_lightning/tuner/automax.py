"""`AutoMAX`: ask for a configuration, run it as a Lightning fit, record the result, until the budget is spent."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from torch import Tensor

from automax_lightning.config import AutoMAXConfig
from automax_lightning.display.terminal import SearchProgress
from automax_lightning.errors import CheckpointError, ConfigError, FirstTrialFailedError
from automax_lightning.report import tables
from automax_lightning.report.ensemble import comparison, ensemble_scores
from automax_lightning.report.notes import notes
from automax_lightning.search.interrupt import StopSignal
from automax_lightning.search.members import is_delivered
from automax_lightning.search.proposer.surrogates import failure_cost
from automax_lightning.search.record import SearchRecord
from automax_lightning.search.storage.best import verify_best
from automax_lightning.search.storage.history import History
from automax_lightning.search.storage.journal import check_same, read
from automax_lightning.search.storage.reopening import reopen
from automax_lightning.search.warm_start import known_from
from automax_lightning.space.configurations import values
from automax_lightning.trial.checkpoint import BEST, TrialFiles, TrialIdentity
from automax_lightning.trial.records import Status, TrialResult
from automax_lightning.tuner import plots
from automax_lightning.tuner.ensemble import Ensemble, delivered, ensemble
from automax_lightning.tuner.fits import best_of, loaded
from automax_lightning.tuner.loop import check_place, clear, open_session, raise_if_lost, run_search
from automax_lightning.tuner.predictor import Data
from automax_lightning.tuner.refit import Epochs, Refit, RefitPlan, Vary, refit
from automax_lightning.tuner.setup import SearchSetup, Trainer
from automax_lightning.tuner.trial_models import model_of_trial, trials_with_models
from automax_lightning.tuner.words import WORDS, no_such_word
from automax_lightning.utils.arguments import check_arguments, flag, integer, of_type, text
from automax_lightning.utils.formatting import printable

if TYPE_CHECKING:
    import lightning as L
    import optuna
    import pandas as pd
    from ConfigSpace import Configuration, ConfigurationSpace
    from plotly.graph_objects import Figure
    from smac.facade.abstract_facade import AbstractFacade

    from automax_lightning.factory.fit_factory import FitFactory
    from automax_lightning.search.planning.plan import Plan
    from automax_lightning.search.proposer.proposer import Proposer
    from automax_lightning.search.session import SearchSession
    from automax_lightning.trial.records import Objective

_RULES = {
    "config": of_type("an AutoMAXConfig", AutoMAXConfig, "AutoMAXConfig(n_trials=20)").or_none,
    "target": text("AUROC", "the name of a metric"),
    "quiet": flag(),
}


class AutoMAX:
    """Automated AUC optimisation: SMAC3 proposes configurations, Lightning fits them, a journal remembers everything.

    The journal on disk is the only truth: a search that is killed at any instant goes on, with the same call, as if
    nothing had happened. A larger `n_trials` extends a finished search.

    Args:
        trainer: takes a `Configuration` and returns a `Fit`; its ``cs`` is the space. `trainer_factory` makes one.
            Anything with the method `run` of a `Fit` can be searched over as well; `load_best_model` and `predict` then
            need its attribute `module`, and `refit` and `ensemble` need a `Fit`.
        config: budget, seed and place of the search.
        target: the metric to maximise: ``"AUROC"``, ``"AUPRC"``, ``"ACC"``, ``"pAUROC"``, or any key that the module
            logs; ``AutoMAXConfig(mode="min")`` minimises it.
        quiet: print nothing.
        client: a `dask.distributed.Client`: trials then run on its cluster.
        warm_start: what an earlier search has found out, for a new one over another range: its directory, or a
            DataFrame such as `trials_dataframe` makes. Its trials teach the surrogate, and its best configuration is
            tried right after the default; they do not count as trials. It is copied into the journal.

    Attributes:
        setup: everything that is fixed over the search.
        record: what the journal tells; a new one after each call that trains.
        trainer: as given.
        config: as given.
        target: as given.
        quiet: as given.
        finished: trials that were finished when this object was made.

    Raises:
        ConfigError: if `trainer` has no space.
        SpaceError: if nothing in `warm_start` is a configuration of this space.
        JournalError: if the directory belongs to a search over another space, target or seed.

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
        trainer: Trainer,
        config: AutoMAXConfig | None = None,
        target: str = "AUROC",
        *,
        quiet: bool = False,
        client: Any = None,
        warm_start: Any = None,
    ) -> None:
        check_arguments("AutoMAX", _RULES, {"config": config, "target": target, "quiet": quiet})
        self.trainer, self.config, self.target, self.quiet = trainer, config or AutoMAXConfig(), target, quiet
        check_place(self.config.directory)
        history = History() if self.config.overwrite else read(self.config.directory)
        self.setup = SearchSetup.of(trainer, self.config, target, history.settings)
        if history.settings:
            check_same(history.settings, self.setup.journal_settings, self.setup.directory)
        _ = self.setup.proposer  # an initial configuration that is illegal is an error now
        self.record = SearchRecord(history, self.setup.objective, self.setup.directory, self.setup.as_mapping)
        self.finished = len(self.record.results)
        self._console = Console(quiet=quiet, highlight=False)
        self._client = client
        is_new = warm_start is not None and not history.asks
        self._known = known_from(warm_start, self.setup.space, self.setup.objective) if is_new else ()

    # The search -----------------------------------------------------------------------------------------------------

    def optimize(self) -> Configuration:
        """The best configuration; runs the trials that are still missing, interrupted ones first.

        A first Ctrl-C (or SIGTERM) finishes the running epoch, keeps it, and says how to continue.

        Returns:
            The configuration with the best validation score.

        Raises:
            AutoMAXError: if the data, the model or the target cannot work; nothing is written then.
            Exception: whatever the first trial raised, if it failed in user code.
            KeyboardInterrupt: after an interruption; the same call continues.
        """
        before = _progress(self.record)
        is_over = self.setup.plan.next(self.history) is None
        is_whole = self.history.settled and is_delivered(self.record, self.setup.ensemble)
        is_settled = is_whole or not os.access(self.directory, os.W_OK)  # a finished search may be only read
        if self.config.overwrite or not (is_over and is_settled):
            run_search(self.setup, self.history, self._keep, console=self._console, client=self._client, known=self._known)
        self.say(self.trial_table())
        self._say_notes()
        if _progress(self.record) == before:
            self.say(f"{_count(len(before), self.plan)} already there; nothing was trained.")
        incumbent = self.incumbent
        if incumbent is None:
            reasons = sorted({result.reason for result in self.record.results.values()})
            raise FirstTrialFailedError(
                f"AutoMAX({self.config.name!r})", "at least one trial with a score", "; ".join(reasons) or "no trial",
                _advice(self.directory, list(self.record.results)),
            )  # fmt: skip
        return incumbent

    def train(self, space: Configuration, seed: int = 0) -> float:
        """The cost (the negative validation score) of one configuration, trained as one more trial of this search.

        Args:
            space: any configuration of `configspace`.
            seed: seed of the trial, 0 .. 2**32 - 1.

        Returns:
            What SMAC minimises; for a trial without a score, the finite cost that stands for a failure.
        """
        result = self._run_one(lambda session: session.run(session.ask(values(space), origin="user", seed=seed)))
        if result.is_scored and result.score is not None:
            return self.objective.cost(result.score)
        return failure_cost([self.objective.cost(entry["val"]) for entry in self.log if entry["val"] is not None])

    def continue_trial(self, number: int) -> TrialResult:
        """Train a stopped or paused trial to its end, from its own checkpoint if that is still there.

        Args:
            number: of a trial that is over.

        Returns:
            Its new result, which is recorded in its place.

        Raises:
            ConfigError: if there is no such trial, or nothing is left to train.
        """
        unfinished = [n for n, r in self.record.results.items() if r.status in (Status.STOPPED, Status.PAUSED)]
        if number not in unfinished:
            raise ConfigError("continue_trial.number", f"a stopped or paused trial, one of {unfinished}", str(number),
                              "See trials_dataframe().")  # fmt: skip
        return self._run_one(lambda session: session.run(session.promote(number, None), may_stop=False))

    def retry(self, trials: Iterable[int] | None = None) -> Configuration:
        """The best configuration, after failed trials have run again from their beginning.

        For trials that failed for a reason that is gone: a service that did not answer, too little memory, a mistake in
        the model that was repaired. They keep their numbers, configurations and seeds.

        Args:
            trials: numbers of failed trials; None for all of them.

        Raises:
            ConfigError: if one of `trials` has not failed.
            Exception: as `optimize`, which runs them.
        """
        reopen(self.directory, trials)
        self._keep(read(self.directory))
        return self.optimize()

    def say(self, text: str) -> None:
        """Print, unless quiet."""
        self._console.print(text, markup=False, soft_wrap=True)

    def _run_one(self, run: Callable[[SearchSession], TrialResult]) -> TrialResult:
        progress = SearchProgress(self.objective, len(self.history.asks) + 1, quiet=True)
        clear(self.setup, self.history)
        with open_session(self.setup, StopSignal(), progress, self._keep, client=self._client, known=self._known) as session:
            result = run(session)
        raise_if_lost(result)
        return result

    def _keep(self, history: History) -> None:
        self.record = self.record.with_history(history)

    # What is fixed --------------------------------------------------------------------------------------------------

    @property
    def configspace(self) -> ConfigurationSpace:
        """The search space."""
        return self.setup.space

    @property
    def objective(self) -> Objective:
        """Target and direction of the search."""
        return self.setup.objective

    @property
    def plan(self) -> Plan:
        """What comes next, as a function of the history."""
        return self.setup.plan

    @property
    def factory(self) -> FitFactory:
        """What the trainer's innermost function says of itself."""
        return self.setup.factory

    @property
    def arm(self) -> str | None:
        """The hyperparameter that chooses a sub-space, such as ``"loss"``, or None."""
        return self.setup.factory.arm

    @property
    def portfolio(self) -> list[dict[str, Any]]:
        """The configurations that are tried right after the default."""
        return [dict(chosen) for chosen in self.setup.portfolio]

    @property
    def proposer(self) -> Proposer:
        """Proposes the configurations."""
        return self.setup.proposer

    @property
    def directory(self) -> Path:
        """Where the search is kept: ``<output_directory>/<name>``."""
        return self.setup.directory

    @property
    def experiment_name(self) -> str:
        """What the best checkpoint's directory is named after."""
        return self.setup.experiment_name

    @property
    def best_directory(self) -> Path:
        """Where the best trial's checkpoint lies, as ``best.ckpt``."""
        return self.setup.best_directory

    def settings(self) -> dict[str, Any]:
        """What makes this search this search, as the journal compares it."""
        return self.setup.journal_settings

    def document(self) -> dict[str, Any]:
        """What ``config.yaml`` holds: the settings; of a search from a configuration file the whole file."""
        return self.setup.document

    # What is recorded -----------------------------------------------------------------------------------------------

    @property
    def history(self) -> History:
        """What the journal tells."""
        return self.record.history

    @property
    def log(self) -> list[dict[str, Any]]:
        """One dictionary per finished trial, in order: what ``state.pkl`` holds."""
        return self.record.log

    @property
    def best(self) -> TrialResult | None:
        """The result of the best trial so far, or None."""
        return self.record.best

    @property
    def best_score(self) -> float:
        """The best validation score so far, ``-inf`` before the first; with several seeds or folds, the mean over them."""
        return self.record.best_score

    @property
    def incumbent(self) -> Configuration | None:
        """The best trial's configuration, or None before the first score."""
        return None if self.best is None else self.setup.configuration(self.configuration_of(self.best.number))

    @property
    def best_config(self) -> dict[str, Any]:
        """The best trial's hyperparameters as plain values; inactive ones are absent.

        Raises:
            CheckpointError: if no trial has a score.
        """
        return self.configuration_of(best_of(self.record).number)

    @property
    def smac(self) -> AbstractFacade:
        """A SMAC facade that was told everything that has happened so far."""
        return self.setup.proposer.facade_for(self.plan.observations(self.history))

    def configuration_of(self, number: int) -> dict[str, Any]:
        """The plain values of a trial's configuration."""
        return self.record.configuration_of(number)

    def trials_dataframe(self) -> pd.DataFrame:
        """One row per trial, as a pandas frame: status, scores, times and hyperparameters."""
        return tables.trials_dataframe(self.history.asks, self.history.results)

    def trial_table(self) -> str:
        """The table that is printed after the search.

        With several seeds or losses, a second one compares them; with an ensemble, the last one compares it with the default
        and the best trial.
        """
        lines = [tables.trial_table(self.record.results, self.objective)]
        if self.plan.repetitions > 1:
            lines.append(tables.seed_table(self.history, self.objective))
        if self.arm is not None:
            lines.append(tables.arm_table(self.history, self.objective, self.arm))
        return "\n".join([*lines, *filter(None, [comparison(self.record)])])

    def _say_notes(self) -> None:
        for note in [] if self.quiet else notes(self.record):
            self.say(f"Note: {printable(note)}")

    def summary(self) -> str:
        """The default, the best configuration and the ensemble side by side, and where the best checkpoint lies.

        What else there is to say, such as that a range is too narrow, `optimize` prints at its end.
        """
        return tables.summary(self.history, self.best, self.objective, self.best_directory, ensemble_scores(self.record))

    # Models ---------------------------------------------------------------------------------------------------------

    def load_best_model(self, *, trust: bool | None = None) -> L.LightningModule:
        """The best trial's module with its best epoch's weights, in evaluation mode.

        Args:
            trust: whether objects that the module keeps in its checkpoint may run code; None for `AutoMAXConfig.trust`.

        Raises:
            CheckpointError: if no trial has a score, its checkpoint is gone or damaged, or holds objects that are not trusted.
            ConfigError: if the trainable has no module.
        """
        best = self.best
        if best is None:
            path = self.best_directory / BEST
            raise CheckpointError(str(path), "the best trial's checkpoint", "none", "Run optimize() first.")
        path = verify_best(self.directory, self.experiment_name, self.history, best)
        trainable = self.setup.make_trial(self.history.spec(best.number))
        return loaded(
            trainable, "load_best_model", path, TrialIdentity(), trust=self.config.trust if trust is None else trust
        )  # fmt: skip

    def load_model(self, number: int, *, trust: bool | None = None) -> L.LightningModule:
        """The module of any trial with its best epoch's weights, in evaluation mode.

        Args:
            number: of the trial.
            trust: as in `load_best_model`.

        Raises:
            ConfigError: if there is no such trial, or the trainable has no module.
            CheckpointError: if its checkpoint was not kept, is damaged, or holds objects that are not trusted.
        """
        return model_of_trial(self.setup, self.record, number, trust=self.config.trust if trust is None else trust)

    def get_best_models(self, n: int = 5) -> list[L.LightningModule]:
        """The modules of the best trials that were trained to their end and keep a checkpoint, the best first.

        Args:
            n: most of them, at least 1.

        Raises:
            ConfigError: if `n` is below 1, or the trainable has no module.
        """
        if not integer(1).is_legal(n):
            raise ConfigError("get_best_models.n", "an integer of at least 1", repr(n), "Pass n=5.")
        return [self.load_model(result.number) for result in trials_with_models(self.setup, self.record)[:n]]

    def __getattr__(self, name: str) -> Any:
        if name in WORDS:
            raise no_such_word(type(self).__name__, name)
        return object.__getattribute__(self, name)  # raises, with what a property of ours has to say

    def predict(self, data: Data, batch_size: int = 1024) -> Tensor:
        """The scores of rows by what the search delivers: its ensemble, or the best model where there is none.

        Each model's score becomes its quantile among that model's validation scores, and the quantiles are averaged: one
        row can be scored, and more means more positive. They rank; they are no probabilities. For exclusive classes
        probabilities are averaged, and where no validation scores were kept, outputs; see `Predictor`.

        Args:
            data: inputs as the network sees them, a tensor or an array (N, ...); a dataset or a loader of them, or of tuples
                that begin with them.
            batch_size: rows at once of a tensor, an array or a dataset, at least 1.

        Returns:
            Scores on the CPU, in order, in (0, 1): (N,), or (N, C) for several labels. The network's own outputs are
            ``tuner.load_best_model()(x)``.

        Raises:
            CheckpointError: if there is no checkpoint.
            ConfigError: if the network does not return what was scored in validation.
        """
        return delivered(self.setup, self.record, self.load_best_model).predict(data, batch_size)

    def refit(
        self,
        data: L.LightningDataModule | None = None,
        *,
        seed: int | None = None,
        epochs: Epochs = "all",
        members: int = 1,
        vary: Vary = "configurations",
    ) -> Refit:
        """Train the best configurations once more, on the training and the validation split together.

        Nothing is validated, and nothing is chosen. What is returned predicts, with several models by mean rank.

        Args:
            data: whose training loader holds all samples; None merges the splits of an `AUCDataModule`, which
                `trainer_factory` always makes.
            seed: of the fits, 0 .. 2**32 - 1; None for each trial's own.
            epochs: ``"all"`` trains the whole schedule, ``"best"`` as many epochs as the trial took to its best score, on
                that trial's schedule.
            members: models to train, at least 1; fewer where fewer configurations were trained to their end.
            vary: what they differ in: ``"configurations"``, the best ones, or ``"seeds"`` of the best one, counted up.

        Raises:
            ConfigError: if the datamodule is somebody else's, and `data` is not given, the trainable is no `Fit`, or an
                argument is out of range.
            CheckpointError: if no trial has a score.
        """
        return refit(self.setup, self.record, RefitPlan(data, seed, epochs, members, vary))

    def ensemble(self, top_k: int = 5) -> Ensemble:
        """The mean rank of the scores of the `top_k` best trials on disk, and its own AUROC.

        Ranks, because the scores of different losses are on different scales; see `Predictor` for other targets. What the
        search delivers by itself, with `AutoMAXConfig.ensemble_size`, is what `predict` uses.

        Args:
            top_k: members at most, at least 1; fewer if fewer trials have finished.

        Raises:
            ConfigError: if `top_k` is below 1, the trainables are no `Fit`, or trials have validation rows of their own.
            CheckpointError: if no finished trial has kept its checkpoint.
            DataError: if the validation samples of two members differ.
        """
        return ensemble(self.setup, self.record, top_k)

    # Figures --------------------------------------------------------------------------------------------------------

    def reading(self) -> SearchRecord:
        """Everything that is recorded so far, read from the disk again: as figures and pages take it."""
        is_ours = bool(self.history.asks) or not self.config.overwrite  # what is there may be about to be overwritten
        history = read(self.directory) if is_ours else History()
        if not history.settings:
            history = dataclasses.replace(history, settings=self.setup.journal_settings)
        return self.record.with_history(history)

    def report(self, path: str | Path | None = None) -> Path:
        """Write one HTML file that shows the search, and needs no network to be looked at.

        Args:
            path: of the file; None for ``report.html`` in the search's directory.

        Returns:
            The path.

        Raises:
            ReportError: if no trial was started yet, or the extra ``report`` is not installed.
        """
        return plots.report(self.reading(), path)

    def to_optuna(self, storage: Any = None, name: str | None = None) -> optuna.Study:
        """The trials that are over as an Optuna study.

        Args:
            storage: an Optuna storage or its URL, e.g. ``"sqlite:///mine.db"`` for ``optuna-dashboard``; None keeps
                the study in memory.
            name: of the study; None for the search's.

        Raises:
            ReportError: if the storage has a study of that name, or the extra ``report`` is not installed.
        """
        return plots.to_optuna(self.reading(), storage, name)

    def plot_history(self) -> Figure:
        """The score of every trial in order, and the best one so far."""
        return plots.plot(self.reading(), "history")

    def plot_curves(self) -> Figure:
        """The score of every trial after each of its epochs."""
        return plots.plot(self.reading(), "curves")

    def plot_parallel(self) -> Figure:
        """Each trial as a line through its hyperparameters to its score."""
        return plots.plot(self.reading(), "parallel")

    def plot_slice(self) -> Figure:
        """The score against each hyperparameter by itself."""
        return plots.plot(self.reading(), "slice")

    def plot_importance(self) -> Figure:
        """How much of the score's variance each hyperparameter explains."""
        return plots.plot(self.reading(), "importance")

    def plot_roc(self) -> Figure:
        """The ROC curves of the best trial, with bootstrap bands."""
        return plots.plot(self.reading(), "roc")

    def plot_pr(self) -> Figure:
        """The precision-recall curves of the best trial, with bootstrap bands."""
        return plots.plot(self.reading(), "pr")

    def _repr_html_(self) -> str:
        from automax_lightning.report.page.search_card import search_card

        return search_card(self.reading(), self.plan)


def _advice(directory: Path, numbers: Iterable[int]) -> str:
    """What to do about trials that have all failed, naming only files that are there."""
    errors = [files.error for number in numbers if (files := TrialFiles.of(directory, number)).error.exists()]
    return f"Read {', '.join(map(str, errors[:3]))}." if errors else "See trials_dataframe() for the reason of each trial."


def _progress(record: SearchRecord) -> dict[int, int]:
    """Trial number -> epochs trained, of the trials that are over."""
    return {number: result.epochs for number, result in record.results.items()}


def _count(done: int, plan: Plan) -> str:
    if done > plan.n_trials or plan.n_configurations is not None:
        return f"{done} trials were"
    return f"{done} of {plan.n_trials} trials {'was' if plan.n_trials == 1 else 'were'}"
