"""Where trials run: the interface, and the executor that runs them in this process, one after the other."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from automax_lightning.trial.checkpoint import TrialFiles
from automax_lightning.trial.isolation import collected
from automax_lightning.trial.records import Objective, OnEpoch, StopRequested, Trainable, TrialResult, TrialSpec
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


def run_trial(
    make: Callable[[TrialSpec], Trainable],
    spec: TrialSpec,
    objective: Objective,
    on_epoch: OnEpoch | None,
    stop_requested: StopRequested | None,
    time_limit: float | None,
) -> tuple[TrialResult, BaseException | None]:
    """The result of one trial, and what it raised; it never raises for what the trial's own code raises.

    Args:
        make: makes the trial's `Trainable`.
        spec: what to run, and where.
        objective: which logged value is the score.
        on_epoch: called with (epochs done, score) after every epoch.
        stop_requested: asked after every epoch.
        time_limit: seconds the trial may train.
    """
    terms = {"objective": objective, "on_epoch": on_epoch, "stop_requested": stop_requested, "time_limit": time_limit}
    with collected():
        result, exception = _attempt(make, spec, terms)
    if result.error is not None and spec.directory is not None:
        write_error(spec.directory, result.error)
    return result, exception


def _attempt(
    make: Callable[[TrialSpec], Trainable], spec: TrialSpec, terms: Mapping[str, Any]
) -> tuple[TrialResult, BaseException | None]:
    try:
        trainable = make(spec)
        return trainable.run(spec=spec, **terms), getattr(trainable, "exception", None)
    except Exception as error:
        status, reason = status_of(error)
        trace = "".join(traceback.format_exception(error))
        return TrialResult(number=spec.number, status=status, reason=reason, error=trace), error


def write_error(directory: Path, error: str) -> None:
    """Keep a traceback with its trial."""
    directory.mkdir(parents=True, exist_ok=True)
    TrialFiles(directory).error.write_text(error, encoding="utf-8")


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
        result, self.exception = run_trial(self.make, spec, self.objective, on_epoch, stop_requested, self.time_limit)
        return result

    def close(self) -> None:
        """Nothing is left running."""
