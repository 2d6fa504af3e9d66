"""The part of a trial on a Dask cluster that is done by the Dask worker: it supervises a child process that trains."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automax_lightning.search.executors.processes import ProcessExecutor
from automax_lightning.search.executors.trial_file import TrialFile
from automax_lightning.trial.checkpoint import BEST, SCORES
from automax_lightning.trial.records import Objective, TrialSpec
from automax_lightning.trial.records_json import result_to_json, spec_from_json
from automax_lightning.utils.files import write_atomically

if TYPE_CHECKING:
    from distributed import Worker

_supervisors: dict[tuple[str, int], ProcessExecutor] = {}
"""The supervised child process of each search and thread, kept warm from trial to trial."""


def run_remotely(factory: bytes, described: Mapping[str, Any]) -> dict[str, Any]:
    """In a Dask worker: the result of a trial, and its best checkpoint where the search's directory is out of sight.

    Args:
        factory: the pickled factory.
        described: the trial and its settings, as JSON.
    """
    from distributed import get_client, get_worker

    worker, client = get_worker(), get_client()
    is_shared = _can_see(Path(described["token"]))
    root = Path(described["root"]) if is_shared else Path(worker.local_directory) / described["id"]
    path = Path(described["factory"]) if is_shared else root / "factory.pkl"
    if not path.exists():
        root.mkdir(parents=True, exist_ok=True)
        write_atomically(path, factory)
    spec = spec_from_json(described["trial"], root)

    def orders() -> Mapping[str, Any]:
        latest: Mapping[str, Any] = client.get_metadata([described["id"]], {})
        return latest

    def on_epoch(epoch: int, score: float) -> str | None:
        worker.log_event(described["id"], {"number": spec.number, "epoch": epoch, "score": score})
        stop_reason: str | None = orders().get(str(spec.number))
        return stop_reason

    def trial_file(wanted: TrialSpec) -> TrialFile:
        objective = Objective(described["target"], described["mode"])
        return TrialFile(wanted, objective, path, root, described["time_limit"], described["verbose"], described["trust"])

    is_abandoned = _cancellation(worker)
    supervisor = _supervisor(described, root, trial_file, worker.state.nthreads)
    supervisor.is_abandoned = is_abandoned
    supervisor.submit(spec, on_epoch, lambda: bool(orders().get("pause")))
    result = supervisor.wait()
    if is_abandoned():
        supervisor.close()
    return {"result": result_to_json(result, root), "files": {} if is_shared else _files_of(result.checkpoint)}


def _files_of(checkpoint: Path | None) -> dict[str, bytes]:
    """The best checkpoint, and the scores beside it, to be taken home."""
    if checkpoint is None:
        return {}
    scores = checkpoint.with_name(SCORES)
    best = {BEST: checkpoint.read_bytes()}
    return {**best, SCORES: scores.read_bytes()} if scores.exists() else best


def _can_see(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a directory that this user may not enter
        return False


def _cancellation(worker: Worker) -> Callable[[], bool]:
    """Whether Dask has cancelled the task that this thread runs: its client has gone, or wants it no more."""
    from distributed.core import Status

    key = worker.get_current_task()

    def is_cancelled() -> bool:
        task = worker.state.tasks.get(key)
        is_leaving = worker.status in (Status.closing, Status.closed, Status.failed)  # as it does without its scheduler
        return is_leaving or task is None or task.state == "cancelled"

    return is_cancelled


def _supervisor(
    described: Mapping[str, Any], root: Path, trial_file: Callable[[TrialSpec], TrialFile], threads: int
) -> ProcessExecutor:
    """The supervisor of this thread; one that another search has left is ended."""
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


def end_supervisors(search: str, dask_worker: Worker) -> None:
    """In a Dask worker: leave nothing of a search behind; a trial that still runs is ended by its own supervisor.

    Args:
        search: the id of the search.
        dask_worker: given by Dask.
    """
    for key in [each for each in _supervisors if each[0] == search]:
        supervisor = _supervisors.pop(key)
        if supervisor.is_idle:
            supervisor.close()
    shutil.rmtree(Path(dask_worker.local_directory) / search, ignore_errors=True)
