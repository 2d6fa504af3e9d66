"""Trials that a disk, a network or a cluster has failed are run again, before anybody hears of it."""

from __future__ import annotations

import dataclasses
import time

from automax_lightning.search.executors.base import Executor
from automax_lightning.trial.records import OnEpoch, Status, StopRequested, TrialResult, TrialSpec

BACK_OFF_SECONDS = 2.0
"""Pause before the first retry; each further one is twice as long."""

_LOOK_SECONDS = 0.1


@dataclasses.dataclass
class _Job:
    spec: TrialSpec
    on_epoch: OnEpoch
    stop_requested: StopRequested
    attempts: int = 1


class RetryingExecutor:
    """Runs trials on another executor, and those that end as `Status.LOST` again, from their last whole epoch.

    Args:
        executor: where trials run.
        retries: how often a trial is run again, from 0; then its result is LOST.
    """

    def __init__(self, executor: Executor, retries: int) -> None:
        self.executor, self.retries = executor, retries
        self._jobs: dict[int, _Job] = {}

    @property
    def exception(self) -> BaseException | None:
        """What the last trial raised, where it was raised in this process."""
        return self.executor.exception

    @property
    def slots(self) -> int:
        """Trials that may run at once."""
        return self.executor.slots

    def submit(self, spec: TrialSpec, on_epoch: OnEpoch, stop_requested: StopRequested) -> None:
        """Start a trial, or resume it."""
        self._jobs[spec.number] = _Job(spec, on_epoch, stop_requested)
        self.executor.submit(spec, on_epoch, stop_requested)

    def wait(self) -> TrialResult:
        """The result of the next trial that ends for good."""
        while True:
            result = self.executor.wait()
            job = self._jobs[result.number]
            if result.status is not Status.LOST or job.attempts > self.retries or not self._back_off(job):
                del self._jobs[result.number]
                return result
            job.attempts += 1
            self.executor.submit(job.spec, job.on_epoch, job.stop_requested)

    @staticmethod
    def _back_off(job: _Job) -> bool:
        """Wait, unless the search is to stop; whether to try again."""
        end = time.monotonic() + BACK_OFF_SECONDS * 2 ** (job.attempts - 1)
        while time.monotonic() < end and not job.stop_requested():
            time.sleep(_LOOK_SECONDS)
        return not job.stop_requested()

    def close(self) -> None:
        """End everything that still runs."""
        self.executor.close()
