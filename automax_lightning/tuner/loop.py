"""The loop of a search: start trials while there is room, wait, record; and what is left where it fails."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from automax_lightning.display.progress import Progress, make_progress
from automax_lightning.errors import ConfigError, FirstTrialFailedError
from automax_lightning.search.executors.base import Executor
from automax_lightning.search.executors.choose import make_executor
from automax_lightning.search.interrupt import StopSignal
from automax_lightning.search.planning.stopping import StopRules
from automax_lightning.search.proposer.smac_facade import export
from automax_lightning.search.session import SearchSession
from automax_lightning.search.storage.directory import check_free, is_ours, remove_search
from automax_lightning.search.storage.history import History, Observation
from automax_lightning.search.storage.journal import Journal
from automax_lightning.search.storage.lock import SearchLock
from automax_lightning.trial.records import Status, TrialResult
from automax_lightning.tuner.setup import SearchSetup
from automax_lightning.utils.files import write_atomically

Keep = Callable[[History], None]
"""Called with what the journal holds when a session ends, however it ends."""


def run_search(
    setup: SearchSetup, history: History, keep: Keep, *, console: Console, client: Any = None, known: Sequence[Observation] = ()
) -> None:
    """Run the trials that are still missing, interrupted ones first.

    Where the very first trial of a search that was begun by this call fails in user code, or none was started, what this
    call has written is removed again. What has a started trial in its journal is kept otherwise, whatever fails.

    Args:
        setup: of the search.
        history: what its journal holds.
        keep: given what the journal holds afterwards.
        console: for messages and progress.
        client: a `dask.distributed.Client`, or None.
        known: what is known from another search; kept in the journal of a new one.

    Raises:
        AutoMAXError: if the data, the model or the target cannot work; nothing is written then.
        Exception: whatever the first trial raised, if it failed in user code.
        KeyboardInterrupt: after an interruption.
    """

    def say(text: str) -> None:
        console.print(text, markup=False, soft_wrap=True)

    results = history.final()
    if not results:
        setup.check(inline=client is None and setup.config.place == "inline")
    if setup.plan.ladder is not None:
        say(setup.plan.ladder.describe(setup.config.n_trials))
    clear(setup, history)
    traces = None if history.asks else _Traces(setup)
    latest = [history]

    def closed(newest: History) -> None:
        latest[0] = newest
        keep(newest)

    progress = make_progress(setup.objective, setup.config.n_trials, len(results), console)
    try:
        with (
            progress,
            StopSignal(progress.write) as stop,
            open_session(setup, stop, progress, closed, client=client, known=known) as session,
        ):
            _loop(session, setup, stop, say)
    except Exception:
        if traces is not None and _has_nothing_to_lose(latest[0]):
            traces.remove()
            keep(History())
        raise
    export(setup.proposer.facade_for(setup.plan.observations(latest[0])), setup.directory / "smac")
    if stop.requested is not None:
        say(f"Stopped with {len(latest[0].final())} of {setup.config.n_trials} trials finished. The same command continues.")
        raise KeyboardInterrupt(stop.requested.name)


def _has_nothing_to_lose(history: History) -> bool:
    """Whether no trial was started, or only the first one has ended, in a crash."""
    statuses = {number: result.status for number, result in history.results.items()}
    return not history.asks or statuses == {1: Status.CRASHED}


def clear(setup: SearchSetup, history: History) -> None:
    """Remove the search that is to be overwritten, unless somebody runs it."""
    if setup.config.overwrite and not history.asks and setup.directory.exists():
        with SearchLock(setup.directory):
            remove_search(setup.directory, setup.best_directory)


def check_place(directory: Path, *, write: bool = False) -> None:
    """Raise if a search cannot be kept in a directory.

    Args:
        directory: which may be new.
        write: whether it must be writable now; a finished search may be read from a place that is not.

    Raises:
        ConfigError: with the folder and the reason.
    """
    try:
        nearest = next(folder for folder in (directory.absolute(), *directory.absolute().parents) if folder.exists())
        problem = "" if nearest.is_dir() else f"{nearest}, which is no folder"
        if write and not problem and not os.access(nearest, os.W_OK | os.X_OK):
            problem = f"{nearest}, where this user may not write"
    except (OSError, ValueError) as error:  # a name that is too long, or holds a null byte
        problem = f"{str(directory)[:60]}: {error}"[:200]
    if problem:
        raise ConfigError("AutoMAXConfig.output_directory", "a folder in which a search can be kept", problem,
                          "Pass output_directory='./automax_output'.")  # fmt: skip


@contextmanager
def open_session(
    setup: SearchSetup, stop: StopSignal, progress: Progress, keep: Keep, *, client: Any = None, known: Sequence[Observation] = ()
) -> Iterator[SearchSession]:
    """The search with its journal open and a place for its trials.

    Args:
        setup: of the search.
        stop: asked whether the user wants the search to pause.
        progress: told what happens.
        keep: given what the journal holds at the end.
        client: a `dask.distributed.Client`, or None.
        known: what is known from another search.
    """
    check_place(setup.directory, write=True)
    check_free(setup.directory)
    with Journal(setup.directory, setup.journal_settings) as journal:
        try:
            with _executor(setup, client) as executor:
                for warning in journal.history.warnings:
                    progress.write(warning)
                if known and not journal.history.asks and not journal.history.known:
                    journal.record_known(known)
                write_atomically(setup.directory / "config.yaml", yaml.safe_dump(setup.document).encode())
                with SearchSession(
                    journal, setup.proposer, executor, setup.plan, experiment_name=setup.experiment_name,
                    seed=setup.config.seed_of_trials, deterministic=setup.config.deterministic, stop=stop, listener=progress,
                ) as session:  # fmt: skip
                    yield session
        finally:
            keep(journal.history)


@contextmanager
def _executor(setup: SearchSetup, client: Any) -> Iterator[Executor]:
    executor = make_executor(setup.config, setup.trainer, setup.objective, setup.directory, client)
    try:
        yield executor
    finally:
        executor.close()


def _loop(session: SearchSession, setup: SearchSetup, stop: StopSignal, say: Callable[[str], None]) -> None:
    config = setup.config
    rules = StopRules(
        setup.objective, walltime_limit=config.walltime_limit, target_score=config.target_score,
        patience=config.patience, max_failures=config.max_failures, seconds=session.history.seconds,
    )  # fmt: skip
    while True:
        reason = _fill(session, stop, rules)
        if not session.running:
            break
        _raise_if_hopeless(session.wait(), session)
    is_short = len(session.history.asks) < config.n_trials
    if stop.requested is None and (reason or is_short):
        say(f"Search ended: {reason or 'every configuration of this finite space has been tried'}.")


def _fill(session: SearchSession, stop: StopSignal, rules: StopRules) -> str | None:
    """Start trials until every slot is taken; why no more start, where a rule says so."""
    while stop.requested is None and session.has_room:
        results = session.history.final()
        reason = rules.reason([results[number] for number in sorted(results)])
        spec = None if reason else session.next()
        if spec is None:
            return reason
        session.start(spec)
    return None


def _raise_if_hopeless(result: TrialResult, session: SearchSession) -> None:
    """A first trial that raises would be followed by others that raise the same."""
    if result.number == 1 and result.status is Status.CRASHED:
        error = session.executor.exception
        if isinstance(error, Exception):  # sys.exit in a trial must not end the program
            raise error
        raise FirstTrialFailedError(
            "trial 1", "a fit that runs", f"{result.reason}\n{result.error or ''}", "Repair what it names."
        )


class _Traces:
    """What a search's directory held before the search was begun, so that everything else can be removed."""

    def __init__(self, setup: SearchSetup) -> None:
        self.directory, self.best = setup.directory, setup.best_directory
        self.before = frozenset(self.directory.rglob("*"))
        self.missing = [folder for folder in (self.directory, self.directory.parent) if not folder.exists()]

    def remove(self) -> None:
        """Remove what the search has written since, and nothing that was there or that somebody else put beside it."""
        for path in self._new():
            with suppress(OSError):  # a folder with somebody else's files in it
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        for folder in self.missing:
            with suppress(OSError):
                folder.rmdir()

    def _new(self) -> list[Path]:
        """The search's files and folders that were not there, the deepest first."""
        new = (path for path in sorted(self.directory.rglob("*"), reverse=True) if path not in self.before)
        return [path for path in new if is_ours(path, self.directory, self.best)]
