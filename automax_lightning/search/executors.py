"""Where trials run: so far in this process, one after the other."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

from automax_lightning.failures import classify
from automax_lightning.recorder import OnEpoch, StopRequested
from automax_lightning.trial import Objective, TrialResult, TrialSpec


@runtime_checkable
class Trainable(Protocol):
    """What a search needs of one trial; `Fit` is one, and anything else with this method may be tuned as well."""

    def run(
        self,
        seed: int = 0,
        *,
        spec: TrialSpec | None = None,
        objective: Objective | None = None,
        on_epoch: OnEpoch | None = None,
        stop_requested: StopRequested | None = None,
        time_limit: float | None = None,
    ) -> TrialResult:
        """How the trial ended; goes on from what ``spec.directory`` holds of an interrupted run."""


class InlineExecutor:
    """Runs each trial in this process, with fresh objects, and turns every failure into a result.

    Args:
        make: makes the trial's `Trainable`.
        objective: which logged value is the score.
        time_limit: seconds a trial may train; None for no limit.

    Attributes:
        exception: what the last trial raised, or None.
    """

    def __init__(self, make: Callable[[TrialSpec], Trainable], objective: Objective, time_limit: float | None = None) -> None:
        self.make = make
        self.objective = objective
        self.time_limit = time_limit
        self.exception: BaseException | None = None

    def run(
        self, spec: TrialSpec, *, on_epoch: OnEpoch | None = None, stop_requested: StopRequested | None = None
    ) -> TrialResult:
        """The result of one trial; it never raises for what the trial's own code raises.

        Args:
            spec: what to run, and where.
            on_epoch: called with (epochs done, score) after every epoch; a sentence returned by it ends the trial.
            stop_requested: asked after every epoch; True pauses the trial.
        """
        self.exception = None
        trainable: Trainable | None = None
        try:
            trainable = self.make(spec)
            result = trainable.run(
                spec=spec,
                objective=self.objective,
                on_epoch=on_epoch,
                stop_requested=stop_requested,
                time_limit=self.time_limit,
            )
            self.exception = getattr(trainable, "exception", None)
        except Exception as exception:
            result = _failure(spec, exception)
            self.exception = exception
        del trainable
        gc.collect()  # Lightning's objects refer to each other; without this a search holds several trials' tensors
        if result.error is not None and spec.directory is not None:
            _write_error(spec.directory, result.error)
        return result


def _failure(spec: TrialSpec, exception: Exception) -> TrialResult:
    status, reason = classify(exception)
    trace = "".join(traceback.format_exception(exception))
    return TrialResult(number=spec.number, status=status, reason=reason, error=trace)


def _write_error(directory: Path, error: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "error.txt").write_text(error, encoding="utf-8")
