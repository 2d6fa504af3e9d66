"""Trials in child processes of this machine: warm, supervised, and ended as a whole when their time is up."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from automax_lightning.errors import ConfigError
from automax_lightning.search.executors.devices import device_slots, threads_of_worker, visible_devices
from automax_lightning.search.executors.trial_file import TrialFile
from automax_lightning.trial.checkpoint import salvage
from automax_lightning.trial.records import OnEpoch, Status, StopRequested, TrialResult, TrialSpec
from automax_lightning.trial.records_json import result_from_json
from automax_lightning.utils.exit_cause import exit_cause, out_of_memory_kills

_EXIT_SECONDS = 10.0
"""How long a worker that has closed its channel may take to exit by itself."""


@dataclasses.dataclass
class _Job:
    """A trial on its way."""

    spec: TrialSpec
    on_epoch: OnEpoch
    stop_requested: StopRequested
    started: float | None = None
    attempts: int = 1


class _Child:
    """One worker process with its channel."""

    def __init__(self, devices: str | None, threads: int, log: Path) -> None:
        mine, theirs = socket.socketpair()
        lifeline, self._lifeline = os.pipe()
        self.channel = Connection(mine.detach())
        self.job: _Job | None = None
        self.trials = 0
        self.kills_before = out_of_memory_kills()
        command = [sys.executable, "-m", "automax_lightning.search.executors.worker", "--channel", str(theirs.fileno()),
                   "--lifeline", str(lifeline), "--threads", str(threads)]  # fmt: skip
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                pass_fds=(theirs.fileno(), lifeline), env=_environment(devices, threads),
            )  # fmt: skip
        theirs.close()
        os.close(lifeline)

    def send(self, message: Mapping[str, Any]) -> None:
        """Tell the worker; a dead one is noticed where it is listened to."""
        with contextlib.suppress(OSError):
            self.channel.send(message)

    def let_end(self) -> None:
        """Wait for a process that ends by itself, so that its exit code is its own and not that of `kill`."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_EXIT_SECONDS)

    def kill(self) -> int:
        """End the process and everything it has started; its exit code."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        code = self.process.wait()
        self.channel.close()
        with contextlib.suppress(OSError):
            os.close(self._lifeline)
        return code


def _environment(devices: str | None, threads: int) -> dict[str, str]:
    """The parent's, with the worker's share of the machine and the parent's import path."""
    shares = {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    visible = {} if devices is None else {"CUDA_VISIBLE_DEVICES": devices}
    return {**os.environ, **shares, **visible, "PYTHONPATH": path}


class ProcessExecutor:
    """Runs trials in warm child processes of its own.

    A worker imports torch once and then runs many trials. It is a process group of its own: when a trial exceeds its
    time, or its process dies, the whole group ends, data loaders and further ranks included, and the search goes on.
    When this process dies, however it dies, so do the workers.

    Args:
        n_workers: trials at once.
        trial_file: makes the file that a worker is given.
        logs: where the workers' output goes.
        time_limit: seconds a trial may take; a trial that does not notice it is ended a little later.
        gpus_per_trial: devices of each worker; None deals them out in turn.
        max_trials_per_worker: a worker is replaced after so many trials; None for never.
        retries: how often a trial whose process died is started again.
        threads: of each worker; None divides the machine among them.
        is_abandoned: asked while trials run: whether nobody waits for them any more. They are then ended.

    Raises:
        ConfigError: if there are too few GPUs, or the system has no process groups.
    """

    def __init__(
        self,
        n_workers: int,
        trial_file: Callable[[TrialSpec], TrialFile],
        logs: Path,
        *,
        time_limit: float | None = None,
        gpus_per_trial: int | None = None,
        max_trials_per_worker: int | None = None,
        retries: int = 0,
        threads: int | None = None,
        is_abandoned: Callable[[], bool] = lambda: False,
    ) -> None:
        if not hasattr(os, "killpg"):
            raise ConfigError("AutoMAXConfig.executor", "'inline' on this system", "'process'", "Pass executor='inline'.")
        self.slots = n_workers
        self.exception: BaseException | None = None
        self.trial_file, self.logs, self.time_limit = trial_file, logs, time_limit
        self.max_trials_per_worker, self.retries, self.is_abandoned = max_trials_per_worker, retries, is_abandoned
        self._devices = device_slots(n_workers, gpus_per_trial, visible_devices(os.environ))
        self._threads = threads or threads_of_worker(n_workers, os.environ)
        self._children: list[_Child | None] = [None] * n_workers

    def submit(self, spec: TrialSpec, on_epoch: OnEpoch, stop_requested: StopRequested) -> None:
        """Give the trial to a free worker, started now if need be."""
        self._start(_Job(spec, on_epoch, stop_requested))

    def _start(self, job: _Job) -> None:
        slot = next(index for index, child in enumerate(self._children) if child is None or child.job is None)
        child = self._children[slot]
        if child is not None and (child.process.poll() is not None or child.trials == self.max_trials_per_worker):
            child.kill()
            child = None
        if child is None:
            child = self._children[slot] = _Child(self._devices[slot], self._threads, self.logs / f"worker-{slot + 1}.log")
        child.job, child.trials = job, child.trials + 1
        job.started = None
        child.send({"trial": str(self.trial_file(job.spec).write())})

    def wait(self) -> TrialResult:
        """The next trial that ends; meanwhile the workers' epochs are reported and answered."""
        while True:
            busy = {child.channel: child for child in self._children if child is not None and child.job is not None}
            for channel in wait(list(busy), timeout=0.1):
                result = self._listen(busy[channel])  # type: ignore[index]
                if result is not None:
                    return result
            for child in busy.values():
                if self._is_late(child):
                    return self._end(child, Status.TIMEOUT, f"ran longer than its limit of {self.time_limit:g} s and was ended")
                if self.is_abandoned():
                    return self._end(child, Status.INTERRUPTED, "ended, because nobody waits for it any more")

    def _listen(self, child: _Child) -> TrialResult | None:
        job = child.job
        assert job is not None
        try:
            message = child.channel.recv()
        except (EOFError, OSError):
            return self._died(child, job)
        if "started" in message:
            job.started = time.monotonic()
        elif "epoch" in message:
            stop_reason = job.on_epoch(message["epoch"], message["score"])
            child.send({"stop_reason": stop_reason, "pause": job.stop_requested()})
        else:
            child.job = None
            if message["is_spent"]:
                self._forget(child)
            return result_from_json(message["result"], self.trial_file(job.spec).root)
        return None

    def _is_late(self, child: _Child) -> bool:
        """A trial ends itself at its limit, unless it hangs: then it is given a little more and no longer."""
        if self.time_limit is None or child.job is None or child.job.started is None:
            return False
        return time.monotonic() - child.job.started > self.time_limit + max(1.0, 0.1 * self.time_limit)

    def _died(self, child: _Child, job: _Job) -> TrialResult | None:
        if job.stop_requested():  # whoever ended the search has ended its workers too
            return self._end(child, Status.INTERRUPTED, "interrupted; its last whole epoch is kept")
        child.let_end()
        code = self._forget(child)
        if job.attempts <= self.retries:
            job.attempts += 1
            self._start(job)
            return None
        cause = exit_cause(code, child.kills_before)
        return salvage(job.spec, Status.KILLED, f"the process of the trial died: {cause}; see {self.logs}")

    def _end(self, child: _Child, status: Status, reason: str) -> TrialResult:
        job = child.job
        assert job is not None
        self._forget(child)
        return salvage(job.spec, status, reason)

    def _forget(self, child: _Child) -> int:
        self._children[self._children.index(child)] = None
        return child.kill()

    @property
    def is_idle(self) -> bool:
        """Whether no trial runs."""
        return all(child is None or child.job is None for child in self._children)

    def close(self) -> None:
        """End all workers, and the trials that still run in them."""
        for child in self._children:
            if child is not None:
                self._forget(child)
