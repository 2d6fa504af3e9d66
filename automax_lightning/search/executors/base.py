"""Where trials run: the interface, and the executor that runs them in this process, one after the other."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from automax_lightning.errors import ConfigError, TrialAbortedError
from automax_lightning.search.executors.containment import InterruptWatch, contained
from automax_lightning.search.executors.watchdog import TrialHangsError, Watchdog
from automax_lightning.trial.checkpoint import TrialFiles, salvage
from automax_lightning.trial.isolation import collected
from automax_lightning.trial.records import Objective, OnEpoch, Status, StopRequested, Trainable, TrialResult, TrialSpec
from automax_lightning.trial.result import status_of


class Executor(Protocol):
    """Runs trials, up to `slots` of them at once, and turns everything that happens to them into results.

    Attributes:
        exception: what the last trial raised, where it was raised in this process.
    """

    exception: BaseException | None

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
    with contained() as interrupt, watchdog, collected():
        terms = {"objective": objective, "on_epoch": watchdog.spare(on_epoch), "stop_requested": stop_requested,
                 "time_limit": time_limit}  # fmt: skip
        result, exception = _attempt(make, spec, terms, interrupt)
    result = dataclasses.replace(result, reason=printable(result.reason), error=result.error and printable(result.error))
    if result.error is not None and spec.directory is not None:
        write_error(spec.directory, result.error)
    return result, exception


def _attempt(
    make: Callable[[TrialSpec], Trainable], spec: TrialSpec, terms: Mapping[str, Any], interrupt: InterruptWatch
) -> tuple[TrialResult, BaseException | None]:
    try:
        trainable = make(spec)
        result = trainable.run(spec=spec, **terms)
        _check_result(result, trainable)
        return result, trainable.exception if isinstance(trainable, KeepsException) else None
    except Exception as error:
        status, reason = status_of(error)
        return TrialResult(number=spec.number, status=status, reason=reason, error=_trace(error)), error
    except TrialHangsError as error:
        reason = f"hung beyond its limit of {terms['time_limit']:g} s and was ended; stack.txt says where"
        return dataclasses.replace(salvaged(spec, Status.TIMEOUT, reason), error=_trace(error)), None
    except BaseException as error:
        if interrupt.is_behind(error):
            raise KeyboardInterrupt from error
        return _aborted(spec, error)


def _check_result(result: Any, trainable: Trainable) -> None:
    if not isinstance(result, TrialResult):
        raise ConfigError(f"{type(trainable).__name__}.run", "a TrialResult", repr(result)[:80], "Return one, as Fit.run does.")


def _aborted(spec: TrialSpec, error: BaseException) -> tuple[TrialResult, BaseException]:
    """The result of a trial that raised what is meant to end the program."""
    found = f"{type(error).__name__}: {error}".removesuffix(": ")
    exception = TrialAbortedError(f"trial {spec.number}", "a fit that returns or raises an Exception", found,
                                  "Raise a RuntimeError in its place.")  # fmt: skip
    exception.__cause__ = error
    return dataclasses.replace(salvaged(spec, Status.CRASHED, str(exception)), error=_trace(exception)), exception


def salvaged(spec: TrialSpec, status: Status, reason: str) -> TrialResult:
    """As `salvage`, for a trial whose checkpoint may be damaged.

    Args:
        spec: the trial.
        status: why it is over.
        reason: the same as a sentence.
    """
    try:
        return salvage(spec, status, reason)
    except Exception:  # a damaged checkpoint: what it would add is lost, and nothing else
        return TrialResult(spec.number, status, reason=reason)


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def printable(text: str) -> str:
    r"""The text with lone surrogates escaped, which no file and no terminal takes.

    Args:
        text: any text, for instance a message with the undecodable bytes of a file name.

    Example:
        >>> printable("no file \udcff.csv")
        'no file \\udcff.csv'
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def write_error(directory: Path, error: str) -> None:
    """Keep a traceback with its trial.

    Args:
        directory: of the trial; made if it is missing.
        error: the traceback.
    """
    directory.mkdir(parents=True, exist_ok=True)
    TrialFiles(directory).error.write_text(printable(error), encoding="utf-8")


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
