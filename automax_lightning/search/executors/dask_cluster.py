"""Trials on a Dask cluster: each worker supervises a child process that trains, and the search stays here."""

from __future__ import annotations

import dataclasses
import queue
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automax_lightning.config import AutoMAXConfig
from automax_lightning.search.executors.base import write_error
from automax_lightning.search.executors.dask_connection import Connection
from automax_lightning.search.executors.dask_worker import end_supervisors, run_remotely
from automax_lightning.search.executors.trial_file import TrialFile
from automax_lightning.trial.checkpoint import TrialFiles, salvage
from automax_lightning.trial.records import OnEpoch, Status, StopRequested, TrialResult, TrialSpec
from automax_lightning.trial.records_json import result_from_json, spec_to_json
from automax_lightning.utils.files import write_atomically

if TYPE_CHECKING:
    from distributed import Client, Future

_POLL = 0.1


@dataclasses.dataclass
class _Job:
    spec: TrialSpec
    on_epoch: OnEpoch
    stop_requested: StopRequested
    future: Future | None = None
    reported: set[int] = dataclasses.field(default_factory=set)

    @property
    def is_sent(self) -> bool:
        """Whether a scheduler knows of it; one that has restarted does not."""
        return self.future is not None and not self.future.cancelled()


class DaskExecutor:
    """Runs trials on the workers of a Dask cluster, which may come and go, and so may its scheduler.

    A trial whose worker is lost is given to another by Dask: it is resumed from its last checkpoint where the workers see
    the search's directory, and starts anew where they do not; its checkpoint then comes back with the result. When the
    scheduler restarts, or does not answer for a while, the trials are sent to it again.

    Args:
        config: settings of the search; ``n_workers=1`` means as many trials at once as the cluster has workers.
        trial_file: makes a trial's file.
        client: the user's client; None connects to ``config.scheduler``.

    Raises:
        ExecutionError: if the scheduler cannot be reached.
    """

    def __init__(self, config: AutoMAXConfig, trial_file: Callable[[TrialSpec], TrialFile], client: Client | None = None) -> None:
        self.config, self.trial_file = config, trial_file
        self.exception: BaseException | None = None
        self._connection = Connection(config, client)
        self._id = f"automax-{uuid.uuid4().hex}"
        self._jobs: dict[int, _Job] = {}
        self._events: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        self._orders: dict[str, Any] = {"pause": False}
        self._factory: Future | None = None
        self._token: Path | None = None
        self._slots = 1
        self._subscribe()

    def _subscribe(self) -> None:
        self._connection.client.subscribe_topic(self._id, lambda event: self._events.put(event[1]))

    @property
    def slots(self) -> int:
        """Trials that may run at once; follows the cluster unless `n_workers` says it."""
        if self.config.n_workers > 1:
            return self.config.n_workers
        with self._tolerant():
            self._slots = max(1, len(self._connection.client.nthreads()))
        return self._slots

    @contextmanager
    def _tolerant(self) -> Iterator[None]:
        """Ignore what fails because the connection is lost; `wait` notices that, and restores it."""
        try:
            yield
        except Exception:
            time.sleep(_POLL)  # a client hears of its scheduler's end a moment later than whoever calls it
            if self._connection.is_up:
                raise

    def submit(self, spec: TrialSpec, on_epoch: OnEpoch, stop_requested: StopRequested) -> None:
        """Send the trial to the cluster."""
        job = self._jobs[spec.number] = _Job(spec, on_epoch, stop_requested)
        with self._tolerant():
            self._send(job)

    def _send(self, job: _Job) -> None:
        file, client = self.trial_file(job.spec), self._connection.client
        if self._factory is None or self._factory.cancelled():
            with warnings.catch_warnings():
                # Dask advises to scatter large data; but what a lost worker has held of them is lost, a task is run again.
                warnings.filterwarnings("ignore", message="Sending large graph")
                self._factory = client.submit(_same, file.factory.read_bytes(), key=f"{self._id}-factory-{uuid.uuid4().hex}")
            self._token = file.factory.with_name(f".{self._id}")
            self._token.touch()
        described = {
            "id": self._id, "trial": spec_to_json(job.spec, file.root), "target": file.objective.target,
            "mode": file.objective.mode, "root": str(file.root.resolve()), "factory": str(file.factory),
            "token": str(self._token), "time_limit": file.time_limit, "verbose": file.verbose, "trust": file.trust,
            "gpus_per_trial": self.config.gpus_per_trial, "retries": self.config.retries,
        }  # fmt: skip
        key = f"{self._id}-{job.spec.number}-{uuid.uuid4().hex}"
        job.future = client.submit(run_remotely, self._factory, described, key=key, pure=False)

    def wait(self) -> TrialResult:
        """The next trial that ends; meanwhile the epochs that the workers tell are reported.

        Raises:
            InfrastructureError: if the scheduler does not come back in time.
        """
        while True:
            self._report(_POLL)
            if not self._connection.is_up or not all(job.is_sent for job in self._jobs.values()):
                if self._send_again():
                    continue
                return self._pop(next(iter(self._jobs.values())), Status.INTERRUPTED, "interrupted while no scheduler answered")
            for job in list(self._jobs.values()):
                if job.stop_requested() and not self._orders["pause"]:
                    self._order(pause=True)
                if job.future is not None and job.future.done():
                    result = self._result(job)
                    if result is not None:
                        return result

    def _send_again(self) -> bool:
        """Restore the connection, and send what the scheduler does not know; False if the user wants to stop instead."""
        if not self._connection.restore(lambda: not any(job.stop_requested() for job in self._jobs.values())):
            return False
        with self._tolerant():
            self._subscribe()
            self._publish()
            for job in self._jobs.values():
                if not job.is_sent:
                    self._send(job)
        return True

    def _pop(self, job: _Job, status: Status, reason: str) -> TrialResult:
        del self._jobs[job.spec.number]
        return salvage(job.spec, status, reason)

    def _report(self, timeout: float) -> None:
        """Hand on what has been told, waiting for the first of it."""
        while True:
            try:
                event = self._events.get(timeout=timeout)
            except queue.Empty:
                return
            timeout = 0.0
            job = self._jobs.get(event["number"])
            if job is not None and event["epoch"] not in job.reported:
                job.reported.add(event["epoch"])
                stop_reason = job.on_epoch(event["epoch"], event["score"])
                if stop_reason is not None:
                    self._order(**{str(job.spec.number): stop_reason})

    def _order(self, **orders: Any) -> None:
        """What the workers look at after each epoch; orders can arrive one epoch late."""
        self._orders |= orders
        with self._tolerant():
            self._publish()

    def _publish(self) -> None:
        self._connection.client.set_metadata([self._id], self._orders)

    def _result(self, job: _Job) -> TrialResult | None:
        """The result of a job whose future is done; None if the connection was lost before it was fetched."""
        assert job.future is not None
        self._report(0.0)
        try:
            answer: Mapping[str, Any] = job.future.result()
        except Exception as error:  # KilledWorker, a cancelled future, a worker that cannot import this package
            if not job.is_sent or not self._connection.is_up:
                return None
            status = Status.INTERRUPTED if job.stop_requested() else Status.LOST
            return self._pop(job, status, f"the cluster lost the trial: {type(error).__name__}: {error}".split("\n")[0])
        del self._jobs[job.spec.number]
        result = result_from_json(answer["result"], self.trial_file(job.spec).root)
        for epoch, score in enumerate(result.curve, start=1):
            if epoch not in job.reported:  # told, but not heard yet
                job.on_epoch(epoch, score)
        return self._take_home(job.spec, result, answer["files"])

    @staticmethod
    def _take_home(spec: TrialSpec, result: TrialResult, files: Mapping[str, bytes]) -> TrialResult:
        assert spec.directory is not None
        if result.error is not None:
            write_error(spec.directory, result.error)
        if not files:
            return result
        home = TrialFiles(spec.directory)
        home.checkpoints.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            write_atomically(home.checkpoints / name, content)
        return dataclasses.replace(result, checkpoint=home.best)

    def close(self) -> None:
        """Ask what still runs to end, and leave the cluster as it was."""
        if self._connection.is_up:
            with self._tolerant():
                self._leave()
        if self._token is not None:
            self._token.unlink(missing_ok=True)
        self._connection.close()

    def _leave(self) -> None:
        client = self._connection.client
        if self._jobs:
            self._orders["pause"] = True
            self._publish()
        for job in self._jobs.values():
            if job.future is not None:
                job.future.cancel()
        client.run(end_supervisors, self._id, on_error="ignore")
        client.unsubscribe_topic(self._id)


def _same(content: bytes) -> bytes:
    return content
