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
from automax_lightning.errors import ConfigError, FirstTrialFailedError, InfrastructureError
from automax_lightning.search.executors.base import Executor
from automax_lightning.search.executors.choose import make_executor
from automax_lightning.search.executors.retrying import RetryingExecutor
from automax_lightning.search.interrupt import StopSignal
from automax_lightning.search.planning.stopping import StopRules
from automax_lightning.search.session import SearchSession
from automax_lightning.search.storage.history import History, Observation
from automax_lightning.search.storage.journal import Journal
from automax_lightning.search.storage.ownership import BEST_FILES, DATA_FILE, put_back, remove_search, set_aside
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
    data: list[str] = []
    if not results:
        data = setup.check(inline=client is None and setup.config.place == "inline")
        for sentence in data:
            say(sentence)
    if setup.plan.ladder is not None:
        say(setup.plan.ladder.describe(setup.plan.n_trials))
    missing = [folder for folder in (setup.directory, setup.directory.parent) if not folder.exists()]
    clear(setup, history)
    latest = [history]

    def closed(newest: History) -> None:
        latest[0] = newest
        keep(newest)

    progress = make_progress(setup.objective, setup.plan, len(results), console)
    try:
        with (
            progress,
            StopSignal(progress.write) as stop,
            open_session(setup, stop, progress, closed, client=client, known=known, data=data) as session,
        ):
            _loop(session, setup, stop, say)
            session.finish()
    except Exception:
        if not history.asks and _has_nothing_to_lose(latest[0]):
            _take_back(setup, missing)
            keep(History())
        raise
    if stop.requested is not None:
        say(f"Stopped with {len(latest[0].final())} of {setup.plan.budget} trials finished. The same command continues.")
        raise KeyboardInterrupt(stop.requested.name)


def _has_nothing_to_lose(history: History) -> bool:
    """Whether no trial was started, or only the first one has ended, without hope for others."""
    return not history.asks or (list(history.results) == [1] and _is_hopeless(history.results[1]))


def _is_hopeless(result: TrialResult) -> bool:
    """Whether a trial has failed in a way in which others would: by an exception, or because there is no score to be had."""
    has_no_score = result.status in (Status.UNDEFINED, Status.NON_FINITE) and result.error is None
    return result.status is Status.CRASHED or has_no_score


def clear(setup: SearchSetup, history: History) -> None:
    """Move the search aside that is to be overwritten, unless somebody runs it."""
    if setup.config.overwrite and not history.asks:
        set_aside(setup.directory)


def _take_back(setup: SearchSetup, missing: Sequence[Path]) -> None:
    """Remove a search that has come to nothing, and put the one back that it was to overwrite.

    Args:
        setup: of the search.
        missing: folders that were not there before it.
    """
    remove_search(setup.directory)
    put_back(setup.directory)
    for folder in missing:
        with suppress(OSError):  # somebody else's files are in it
            folder.rmdir()


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
    setup: SearchSetup,
    stop: StopSignal,
    progress: Progress,
    keep: Keep,
    *,
    client: Any = None,
    known: Sequence[Observation] = (),
    data: Sequence[str] = (),
) -> Iterator[SearchSession]:
    """The search with its journal open and a place for its trials.

    Args:
        setup: of the search.
        stop: asked whether the user wants the search to pause.
        progress: told what happens.
        keep: given what the journal holds at the end.
        client: a `dask.distributed.Client`, or None.
        known: what is known from another search.
        data: sentences on the data, for the report; none where they were not read anew.
    """
    check_place(setup.directory, write=True)
    with Journal(setup.directory, setup.journal_settings, _reserved(setup)) as journal:
        try:
            with _executor(setup, client) as executor:
                for warning in journal.history.warnings:
                    progress.write(warning)
                if known and not journal.history.asks and not journal.history.known:
                    journal.record_known(known)
                journal.claim("config.yaml", *([DATA_FILE] if data else []))
                write_atomically(setup.directory / "config.yaml", yaml.safe_dump(setup.document).encode())
                if data:
                    write_atomically(setup.directory / DATA_FILE, "\n".join(data).encode())
                with SearchSession(
                    journal, setup.proposer, executor, setup.plan, experiment_name=setup.experiment_name,
                    seed=setup.config.seed_of_trials, deterministic=setup.config.deterministic,
                    ordered=setup.config.deterministic_order, stop=stop, listener=progress, ensemble=setup.ensemble,
                ) as session:  # fmt: skip
                    yield session
        finally:
            keep(journal.history)


def _reserved(setup: SearchSetup) -> list[str]:
    """What the search will write as the best trial's directory."""
    name = setup.best_directory.name
    return [*(f"{name}/{file}" for file in BEST_FILES), *(f"{name}.{suffix}" for suffix in ("new", "new.part", "old"))]


@contextmanager
def _executor(setup: SearchSetup, client: Any) -> Iterator[Executor]:
    executor = RetryingExecutor(
        make_executor(setup.config, setup.trainer, setup.objective, setup.directory, client), setup.config.retries
    )
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
    lost: TrialResult | None = None
    while True:
        with _says_what_to_repair(setup.directory):
            reason = None if lost else _fill(session, stop, rules)
            if not session.running:
                break
            result = session.wait()
        if result.status is Status.LOST:
            lost, session.is_pausing = lost or result, True  # what else runs is kept at the end of its epoch
        _raise_if_hopeless(result, session)
    if lost is not None and stop.requested is None:
        raise_if_lost(lost)
    is_short = not setup.plan.is_spent(session.history)
    if stop.requested is None and (reason or is_short):
        say(f"Search ended: {reason or 'every configuration of this finite space has been tried'}.")


def raise_if_lost(result: TrialResult) -> None:
    """Raise if a disk, a network or a cluster has failed a trial, in all its attempts.

    Args:
        result: of the trial.

    Raises:
        InfrastructureError: with what the trial said.
    """
    if result.status is Status.LOST:
        raise InfrastructureError(
            f"trial {result.number}", "a disk, a network and data that can be read and written", result.reason,
            "Repair that, and start the search again in the same way: it is resumed where it stopped, and no trial is spent.",
        )  # fmt: skip


@contextmanager
def _says_what_to_repair(directory: Path) -> Iterator[None]:
    """Turn an I/O error of the search's own files into what the user can do about it."""
    try:
        yield
    except OSError as error:
        raise InfrastructureError(
            str(error.filename or directory), "a file that the search can read and write", f"{type(error).__name__}: {error}",
            "Make room, or repair the disk, and start the search again in the same way: it is resumed where it stopped.",
        ) from error  # fmt: skip


def _fill(session: SearchSession, stop: StopSignal, rules: StopRules) -> str | None:
    """Start trials until every slot is taken; why no more start, where a rule says so."""
    while stop.requested is None and session.has_room:
        results = session.history.final()
        best = session.plan.standing(session.history) if rules.need_the_best else None
        reason = rules.reason([results[number] for number in sorted(results)], best)
        spec = None if reason else session.next()
        if spec is None:
            return reason
        session.start(spec)
    return None


def _raise_if_hopeless(result: TrialResult, session: SearchSession) -> None:
    """A first trial that raises, or has no score to show, would be followed by others that do the same."""
    if result.number != 1 or not _is_hopeless(result):
        return
    error = session.executor.exception
    if isinstance(error, Exception) and result.error is not None:  # sys.exit in a trial must not end the program
        raise error
    if result.error is not None:
        raise FirstTrialFailedError("trial 1", "a fit that runs", f"{result.reason}\n{result.error}", "Repair what it names.")
    raise FirstTrialFailedError(
        "trial 1", "a score that can be compared", f"{result.reason} (epochs: {result.epochs})",
        "Make the target defined and finite for the default configuration: other trials would be judged by the same.",
    )  # fmt: skip
