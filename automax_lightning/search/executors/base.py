"""Where trials run: the interface, and the executor that runs them in this process, one after the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from automax_lightning.errors import ConfigError
from automax_lightning.search.executors.watchdog import Watchdog
from automax_lightning.trial.checkpoint import TrialFiles, salvage
from automax_lightning.trial.isolation import CtrlC, collected, isolated
from automax_lightning.trial.records import Objective, OnEpoch, Status, StopRequested, Trainable, TrialResult, TrialSpec
from automax_lightning.trial.result import interrupt_in, status_of, traceback_of


class Executor(Protocol):
    """Runs trials, up to `slots` of them at once, and turns everything that happens to them into results."""

    @property
    def exception(self) -> BaseException | None:
        """What the last trial raised, where it was raised in this process."""

    @property
    def slots(self) -> int:
        """Trials that may run at once."""

    def submit(self, spec: TrialSpec, on_epoch: OnEpoch, stop_requested: StopRequested) -> None:
        """Start a trial, or go on with it.

        Args:
            spec: what to run, and where.
            on_epoch: called from `wait` with (epochs done, score) after every epoch; a returned sentence ends the trial.
            stop_requested: asked after every epoch; True pauses the trial.
        """

    def wait(self) -> TrialResult:
        """The result of the next submitted trial that ends."""

    def close(self) -> None:
        """End everything that still runs, and what the executor has started itself."""


@runtime_checkable
class KeepsException(Protocol):
    """A `Trainable` that keeps the exception which its result tells of, as `Fit` does."""

    exception: BaseException | None


def run_trial(
    make: Callable[[TrialSpec], Trainable],
    spec: TrialSpec,
    objective: Objective,
    on_epoch: OnEpoch | None,
    stop_requested: StopRequested | None,
    time_limit: float | None,
    *,
    watched: bool = False,
) -> tuple[TrialResult, BaseException | None]:
    """The result of one trial, and what it raised; it never raises for what the trial's own code raises.

    ``sys.exit``, a KeyboardInterrupt that is no Ctrl-C, a changed working directory, replaced signal handlers and closed
    streams cost this trial at most, and the search nothing.

    Args:
        make: makes the trial's `Trainable`.
        spec: what to run, and where.
        objective: which logged value is the score.
        on_epoch: called with (epochs done, score) after every epoch.
        stop_requested: asked after every epoch.
        time_limit: seconds the trial may train.
        watched: end a trial that hangs beyond its limit; for a process that nobody supervises.

    Raises:
        KeyboardInterrupt: if the user pressed Ctrl-C, and means it.
    """
    spec = spec if spec.directory is None else dataclasses.replace(spec, directory=spec.directory.absolute())
    watchdog = Watchdog(time_limit if watched else None, None if spec.directory is None else TrialFiles(spec.directory).stack)
    ctrl_c = CtrlC()
    with ctrl_c, isolated(), watchdog, collected():
        terms = {"objective": objective, "on_epoch": watchdog.spare(on_epoch), "stop_requested": stop_requested,
                 "time_limit": time_limit}  # fmt: skip
        result, exception = _attempt(make, spec, terms, ctrl_c)
    if watchdog.has_acted and result.error is not None:
        reason = f"hung beyond its limit of {time_limit:g} s and was ended; its stack is in stack.txt"
        result, exception = dataclasses.replace(result, status=Status.TIMEOUT, reason=reason), None
    if result.error is not None and spec.directory is not None:
        with suppress(OSError):  # a full disk; the journal, which has the traceback too, says so
            write_error(spec.directory, result.error)
    return result, exception


def _attempt(
    make: Callable[[TrialSpec], Trainable], spec: TrialSpec, terms: Mapping[str, Any], ctrl_c: CtrlC
) -> tuple[TrialResult, BaseException | None]:
    try:
        trainable = make(spec)
        result = trainable.run(spec=spec, **terms)
        _check_result(result, trainable)
        return result, trainable.exception if isinstance(trainable, KeepsException) else None
    except BaseException as error:
        if ctrl_c.has_come and interrupt_in(error):
            raise KeyboardInterrupt from error
        status, reason = status_of(error, spec.directory)
        return dataclasses.replace(salvage(spec, status, reason), error=traceback_of(error)), error


def _check_result(result: Any, trainable: Trainable) -> None:
    if not isinstance(result, TrialResult):
        raise ConfigError(f"{type(trainable).__name__}.run", "a TrialResult", repr(result)[:80], "Return one, as Fit.run does.")


def write_error(directory: Path, error: str) -> None:
    """Keep a traceback with its trial.

    Args:
        directory: of the trial; made if it is missing.
        error: the traceback.
    """
    directory.mkdir(parents=True, exist_ok=True)
    TrialFiles(directory).error.write_text(error, encoding="utf-8", errors="backslashreplace")


class InlineExecutor:
    """Runs each trial in this process, with fresh objects.

    Args:
        make: makes the trial's `Trainable`.
        objective: which logged value is the score.
        time_limit: seconds a trial may train; None for no limit.
    """

    slots = 1

    def __init__(self, make: Callable[[TrialSpec], Trainable], objective: Objective, time_limit: float | None = None) -> None:
        self.make = make
        self.objective = objective
        self.time_limit = time_limit
        self.exception: BaseException | None = None
        self._submitted: list[tuple[TrialSpec, OnEpoch, StopRequested]] = []

    def submit(self, spec: TrialSpec, on_epoch: OnEpoch, stop_requested: StopRequested) -> None:
        """Remember the trial; `wait` runs it."""
        self._submitted.append((spec, on_epoch, stop_requested))

    def wait(self) -> TrialResult:
        """Run the trial that was submitted first."""
        spec, on_epoch, stop_requested = self._submitted.pop(0)
        result, self.exception = run_trial(
            self.make, spec, self.objective, on_epoch, stop_requested, self.time_limit, watched=True
        )
        return result

    def close(self) -> None:
        """Nothing is left running."""
