"""Trials on a Dask cluster: each worker supervises a child process that trains, and the search stays here."""

from __future__ import annotations

import dataclasses
import os
import queue
import threading
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automax_lightning.config import AutoMAXConfig
from automax_lightning.errors import ExecutionError
from automax_lightning.recorder import OnEpoch, StopRequested
from automax_lightning.scores import FILE
from automax_lightning.search.processes import ProcessExecutor
from automax_lightning.search.records import result_from_json, result_to_json, spec_from_json, spec_to_json
from automax_lightning.search.state import write_atomically
from automax_lightning.search.trialfile import TrialFile, salvage
from automax_lightning.trial import Objective, Status, TrialResult, TrialSpec

if TYPE_CHECKING:
    from distributed import Client, Future

_POLL = 0.1
_supervisors: dict[tuple[str, int], ProcessExecutor] = {}
"""In a Dask worker: the supervised child process of each search and thread, kept warm from trial to trial."""


@dataclasses.dataclass
class _Job:
    spec: TrialSpec
    on_epoch: OnEpoch
    stop_requested: StopRequested
    future: Future
    reported: set[int] = dataclasses.field(default_factory=set)
    attempts: int = 1


class DaskExecutor:
    """Runs trials on the workers of a Dask cluster, which may come and go.

    A trial whose worker is lost is given to another by Dask: it goes on from its last checkpoint where the workers see
    the search's directory, and starts anew where they do not; its checkpoint then comes back with the result.

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
        self._owns_client = client is None
        self._client = client if client is not None else _connect(str(config.scheduler))
        self._id = f"automax-{uuid.uuid4().hex}"
        self._jobs: dict[int, _Job] = {}
        self._events: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        self._orders: dict[str, Any] = {"pause": False}
        self._factory: Future | None = None
        self._token: Path | None = None
        self._client.subscribe_topic(self._id, lambda event: self._events.put(event[1]))

    @property
    def slots(self) -> int:
        """Trials that may run at once; follows the cluster unless `n_workers` says it."""
        if self.config.n_workers > 1:
            return self.config.n_workers
        return max(1, len(self._client.scheduler_info(n_workers=-1)["workers"]))

    def submit(self, spec: TrialSpec, on_epoch: OnEpoch, stop_requested: StopRequested) -> None:
        """Send the trial to the cluster."""
        self._jobs[spec.number] = _Job(spec, on_epoch, stop_requested, self._send(spec))

    def _send(self, spec: TrialSpec) -> Future:
        file = self.trial_file(spec)
        if self._factory is None:
            # A task, not scattered data: what a lost worker has held is then made again.
            self._factory = self._client.submit(_same, file.factory.read_bytes(), key=f"{self._id}-factory")
            self._token = file.factory.with_name(f".{self._id}")
            self._token.touch()
        described = {
            "id": self._id, "trial": spec_to_json(spec, file.root), "target": file.objective.target,
            "mode": file.objective.mode, "root": str(file.root.resolve()), "factory": str(file.factory),
            "token": str(self._token), "time_limit": file.time_limit, "verbose": file.verbose,
            "gpus_per_trial": self.config.gpus_per_trial, "retries": self.config.retries,
        }  # fmt: skip
        key = f"{self._id}-{spec.number}-{uuid.uuid4().hex}"
        return self._client.submit(run_remotely, self._factory, described, key=key, pure=False)

    def wait(self) -> TrialResult:
        """The next trial that ends; meanwhile the epochs that the workers tell are reported."""
        while True:
            self._report(_POLL)
            for job in list(self._jobs.values()):
                if job.stop_requested() and not self._orders["pause"]:
                    self._order(pause=True)
                if job.future.done():
                    result = self._result(job)
                    if result is not None:
                        del self._jobs[job.spec.number]
                        return result

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
                verdict = job.on_epoch(event["epoch"], event["score"])
                if verdict is not None:
                    self._order(**{str(job.spec.number): verdict})

    def _order(self, **orders: Any) -> None:
        """What the workers look at after each epoch; an order may so arrive an epoch late."""
        self._orders |= orders
        self._client.set_metadata([self._id], self._orders)

    def _result(self, job: _Job) -> TrialResult | None:
        self._report(0.0)
        try:
            answer: Mapping[str, Any] = job.future.result()
        except Exception as error:  # KilledWorker, a cancelled future, a worker that cannot import this package
            if job.attempts <= self.config.retries and not job.stop_requested():
                job.attempts += 1
                job.future = self._send(job.spec)
                return None
            status = Status.INTERRUPTED if job.stop_requested() else Status.KILLED
            return salvage(job.spec, status, f"the cluster lost the trial: {type(error).__name__}: {error}".split("\n")[0])
        result = result_from_json(answer["result"], self.trial_file(job.spec).root)
        for epoch, score in enumerate(result.curve, start=1):
            if epoch not in job.reported:  # told, but not heard yet
                job.on_epoch(epoch, score)
        return self._take_home(job.spec, result, answer["files"])

    @staticmethod
    def _take_home(spec: TrialSpec, result: TrialResult, files: Mapping[str, bytes]) -> TrialResult:
        if not files or spec.directory is None:
            return result
        folder = spec.directory / "checkpoints"
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            write_atomically(folder / name, content)
        return dataclasses.replace(result, checkpoint=folder / "best.ckpt")

    def close(self) -> None:
        """Ask what still runs to end, and leave the cluster as it was."""
        if self._jobs:
            self._order(pause=True)
        for job in self._jobs.values():
            job.future.cancel()
        self._client.unsubscribe_topic(self._id)
        if self._token is not None:
            self._token.unlink(missing_ok=True)
        if self._owns_client:
            self._client.close()


def _connect(scheduler: str) -> Client:
    from distributed import Client

    try:
        is_file = Path(scheduler).is_file()
        return Client(scheduler_file=scheduler, timeout=30) if is_file else Client(scheduler, timeout=30)
    except Exception as error:
        raise ExecutionError(
            "AutoMAXConfig.scheduler", "a Dask scheduler that answers, or its scheduler file", f"{scheduler!r}: {error}",
            "Start one with `dask scheduler`, and workers with `dask worker ADDRESS`.",
        ) from error  # fmt: skip


def _same(content: bytes) -> bytes:
    return content


def run_remotely(factory: bytes, described: Mapping[str, Any]) -> dict[str, Any]:
    """In a Dask worker: the result of a trial, and its best checkpoint where the search's directory is out of sight.

    Args:
        factory: the pickled factory.
        described: the trial and its settings, as JSON.
    """
    from distributed import get_client, get_worker

    worker = get_worker()
    is_shared = Path(described["token"]).exists()
    root = Path(described["root"]) if is_shared else Path(worker.local_directory) / described["id"]
    path = Path(described["factory"]) if is_shared else root / "factory.pkl"
    if not path.exists():
        root.mkdir(parents=True, exist_ok=True)
        write_atomically(path, factory)
    spec = spec_from_json(described["trial"], root)
    client = get_client()

    def orders() -> Mapping[str, Any]:
        found: Mapping[str, Any] = client.get_metadata([described["id"]], {})
        return found

    def on_epoch(epoch: int, score: float) -> str | None:
        worker.log_event(described["id"], {"number": spec.number, "epoch": epoch, "score": score})
        verdict: str | None = orders().get(str(spec.number))
        return verdict

    def trial_file(wanted: TrialSpec) -> TrialFile:
        objective = Objective(described["target"], described["mode"])
        return TrialFile(wanted, objective, path, root, described["time_limit"], described["verbose"])

    supervisor = _supervisor(described, root, trial_file, worker.state.nthreads)
    supervisor.submit(spec, on_epoch, lambda: bool(orders().get("pause")))
    result = supervisor.wait()
    return {"result": result_to_json(result, root), "files": {} if is_shared else _files_of(result.checkpoint)}


def _files_of(checkpoint: Path | None) -> dict[str, bytes]:
    """The best checkpoint, and the scores beside it, to be taken home."""
    if checkpoint is None:
        return {}
    scores = checkpoint.with_name(FILE)
    found = {"best.ckpt": checkpoint.read_bytes()}
    return {**found, FILE: scores.read_bytes()} if scores.exists() else found


def _supervisor(
    described: Mapping[str, Any], root: Path, trial_file: Callable[[TrialSpec], TrialFile], threads: int
) -> ProcessExecutor:
    key = (described["id"], threading.get_ident())
    for old in [each for each in _supervisors if each[0] != described["id"] and each[1] == key[1]]:
        _supervisors.pop(old).close()
    if key not in _supervisors:
        logs = root / "workers" / f"{os.uname().nodename}-{os.getpid()}-{key[1]}"
        _supervisors[key] = ProcessExecutor(
            1, trial_file, logs, time_limit=described["time_limit"], gpus_per_trial=described["gpus_per_trial"],
            retries=described["retries"], threads=threads,
        )  # fmt: skip
    return _supervisors[key]
