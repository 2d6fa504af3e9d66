"""`AutoMAX`: ask for a configuration, run it as a Lightning fit, record the result, until the budget is spent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import yaml
from rich.console import Console

from automax_lightning.after import AfterSearch
from automax_lightning.config import AutoMAXConfig
from automax_lightning.display.progress import Progress, make_progress
from automax_lightning.display.terminal import SearchProgress
from automax_lightning.errors import ConfigError, FirstTrialFailedError, JournalError
from automax_lightning.search.executors.base import Executor
from automax_lightning.search.executors.choose import make_executor
from automax_lightning.search.interrupt import StopSignal
from automax_lightning.search.planning.stopping import StopRules
from automax_lightning.search.proposer.smac_facade import export
from automax_lightning.search.proposer.surrogates import failure_cost
from automax_lightning.search.session import SearchSession
from automax_lightning.search.storage.directory import remove_search
from automax_lightning.search.storage.history import History
from automax_lightning.search.storage.journal import Journal
from automax_lightning.search.storage.lock import SearchLock
from automax_lightning.search.warm_start import known_from
from automax_lightning.space.configurations import configuration, defaults_of_arms, values
from automax_lightning.trial.records import Status, Trainable, TrialResult
from automax_lightning.utils.files import write_atomically

if TYPE_CHECKING:
    from ConfigSpace import Configuration


class AutoMAX(AfterSearch):
    """Automated AUC optimisation: SMAC3 proposes configurations, Lightning fits them, a journal remembers everything.

    The journal on disk is the only truth: a search that is killed at any instant goes on, with the same call, as if
    nothing had happened. A larger `n_trials` extends a finished search.

    Args:
        trainer: takes a `Configuration` and returns a `Fit` (or anything with its `run`); its ``cs`` is the space.
            `trainer_factory` makes one.
        config: budget, seed and place of the search.
        target: the metric to maximise: ``"AUROC"``, ``"AUPRC"``, ``"ACC"``, ``"pAUROC"``, or any key that the module
            logs; ``AutoMAXConfig(mode="min")`` minimises it.
        quiet: print nothing.
        client: a `dask.distributed.Client`: trials then run on its cluster.
        warm_start: what an earlier search has found out, for a new one over another range: its directory, or a
            DataFrame such as `trials_dataframe` makes. Its trials teach the surrogate, and its best configuration is
            tried right after the default; they do not count as trials. It is copied into the journal.

    Attributes:
        configspace: the search space.
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
        trainer: Callable[[Configuration], Trainable],
        config: AutoMAXConfig | None = None,
        target: str = "AUROC",
        *,
        quiet: bool = False,
        client: Any = None,
        warm_start: Any = None,
    ) -> None:
        super().__init__(trainer, config, target)
        self._console = Console(quiet=quiet, highlight=False)
        self._client = client
        is_new = warm_start is not None and not self.history.asks
        self._known = known_from(warm_start, self.configspace, self.objective) if is_new else ()

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
        if self.config.overwrite or self.plan.next(self.history) is not None:
            self._search()
        self.say(self.trial_table())
        incumbent = self.incumbent
        if incumbent is None:
            reasons = sorted({result.reason for result in self.history.final().values()})
            raise FirstTrialFailedError(
                f"AutoMAX({self.config.name!r})", "at least one trial with a score", "; ".join(reasons) or "no trial",
                f"Read the error.txt files in {self.directory / 'trials'}.",
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
        progress = SearchProgress(self.objective, len(self.history.asks) + 1, quiet=True)
        with self._session(StopSignal(), progress) as session:
            result = session.run(session.ask(values(space), origin="user", seed=seed))
        if result.score is not None and result.status.has_score:
            return self.objective.cost(result.score)
        return failure_cost([self.objective.cost(entry["val"]) for entry in self.log if entry["val"] is not None])

    def say(self, text: str) -> None:
        """Print, unless quiet."""
        self._console.print(text, markup=False, soft_wrap=True)

    def continue_trial(self, number: int) -> TrialResult:
        """Train a stopped or paused trial to its end, from its own checkpoint if that is still there.

        Args:
            number: of a trial that is over.

        Returns:
            Its new result, which is recorded in its place.

        Raises:
            ConfigError: if there is no such trial, or nothing is left to train.
        """
        result = self.history.final().get(number)
        if result is None or result.status not in (Status.STOPPED, Status.PAUSED):
            going = [n for n, r in self.history.final().items() if r.status in (Status.STOPPED, Status.PAUSED)]
            raise ConfigError("continue_trial.number", f"a stopped or paused trial, one of {going}", str(number),
                              "See trials_dataframe().")  # fmt: skip
        with self._session(StopSignal(), SearchProgress(self.objective, number, quiet=True)) as session:
            return session.run(session.promote(number, None), may_stop=False)

    def _search(self) -> None:
        is_fresh, is_first = not self.history.final(), not self.directory.parent.exists()
        if is_fresh:
            self._check_before()
        if self.plan.ladder is not None:
            self.say(self.plan.ladder.describe(self.config.n_trials))
        progress = make_progress(self.objective, self.config.n_trials, self.finished, self._console)
        try:
            with progress, StopSignal(progress.write) as stop, self._session(stop, progress) as session:
                self._loop(session, stop)
        except Exception as error:
            is_ours = not isinstance(error, JournalError)  # which says that the directory is somebody else's
            if is_ours and is_fresh and not self.log[1:] and self.best is None:
                self._forget(with_parent=is_first)
            raise
        export(self.smac, self.directory / "smac")
        if stop.requested is not None:
            self.say(f"Stopped with {len(self.history.final())} of {self.config.n_trials} trials finished. "
                     "The same command continues.")  # fmt: skip
            raise KeyboardInterrupt(stop.requested.name)

    def _check_before(self) -> None:
        space = self.configspace
        arms = [] if self.arm is None else defaults_of_arms(space, self.arm)
        for chosen in arms or [values(space.get_default_configuration())]:
            self.factory.check(self.trainer(configuration(space, chosen)), self.objective, inline=self._is_inline)

    @property
    def _is_inline(self) -> bool:
        return self._client is None and self.config.place == "inline"

    def _loop(self, session: SearchSession, stop: StopSignal) -> None:
        config = self.config
        rules = StopRules(
            self.objective, walltime_limit=config.walltime_limit, target_score=config.target_score,
            patience=config.patience, max_failures=config.max_failures, seconds=session.history.seconds,
        )  # fmt: skip
        while True:
            reason = self._fill(session, stop, rules)
            if not session.running:
                break
            self._raise_if_hopeless(session.wait(), session)
        is_short = len(session.history.asks) < config.n_trials
        if stop.requested is None and (reason or is_short):
            self.say(f"Search ended: {reason or 'every configuration of this finite space has been tried'}.")

    def _fill(self, session: SearchSession, stop: StopSignal, rules: StopRules) -> str | None:
        """Start trials until every slot is taken; why no more start, where a rule says so."""
        while stop.requested is None and session.has_room:
            over = session.history.final()
            reason = rules.reason([over[number] for number in sorted(over)])
            spec = None if reason else session.next()
            if spec is None:
                return reason
            session.start(spec)
        return None

    def _raise_if_hopeless(self, result: TrialResult, session: SearchSession) -> None:
        """A first trial that raises would be followed by others that raise the same."""
        if result.number == 1 and result.status is Status.CRASHED:
            error = session.executor.exception
            if error is not None:
                raise error
            raise FirstTrialFailedError(
                "trial 1", "a fit that runs", f"{result.reason}\n{result.error or ''}", "Repair what it names."
            )

    def _forget(self, *, with_parent: bool) -> None:
        """Remove what a search has written whose first trial failed, and nothing else."""
        remove_search(self.directory, self.best_directory)
        (self.directory / "lock").unlink(missing_ok=True)
        with suppress(OSError):  # somebody else's files are in it
            self.directory.rmdir()
            if with_parent:
                self.directory.parent.rmdir()
        self.history = History()

    @contextmanager
    def _session(self, stop: StopSignal, progress: Progress) -> Iterator[SearchSession]:
        if self.config.overwrite and not self.history.asks and self.directory.exists():
            with SearchLock(self.directory):  # never under the feet of a search that is running
                remove_search(self.directory, self.best_directory)
        with Journal(self.directory, self.settings()) as journal, self._executor() as executor:
            for warning in journal.history.warnings:
                progress.write(warning)
            if self._known and not journal.history.asks and not journal.history.known:
                journal.record_known(self._known)
            write_atomically(self.directory / "config.yaml", yaml.safe_dump(self.document()).encode())
            session = SearchSession(
                journal, self.proposer, executor, self.plan, experiment_name=self.experiment_name,
                seed=self.config.seed_of_trials, deterministic=self.config.deterministic, stop=stop, listener=progress,
            )  # fmt: skip
            try:
                yield session
            finally:
                self.history = journal.history

    @contextmanager
    def _executor(self) -> Iterator[Executor]:
        executor = make_executor(self.config, self.trainer, self.objective, self.directory, self._client)
        try:
            yield executor
        finally:
            executor.close()
