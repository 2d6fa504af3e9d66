"""The process that trains, ``python -m automax_lightning.search.executors.worker``; it dies with its parent.

With ``--channel`` it is a worker: trials come, epochs and results go over a socket. With ``--trial`` it is a further rank
of a trial that Lightning has launched again, and runs that trial only.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import os
import signal
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from automax_lightning.search.executors.base import run_trial
from automax_lightning.search.executors.pickling import read_factory
from automax_lightning.search.executors.trial_file import TrialFile, make_trainable
from automax_lightning.trial.records import OnEpoch, StopRequested, Trainable, TrialResult, TrialSpec
from automax_lightning.trial.records_json import result_to_json


class Worker:
    """Runs the trials that come over a channel, one after the other.

    Args:
        channel: to the process that supervises.
    """

    def __init__(self, channel: Connection) -> None:
        self.channel = channel
        self.is_pausing = False
        self._factory: tuple[tuple[str, int], Any] | None = None

    def serve(self) -> None:
        """Work until the channel is closed."""
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                self._run(Path(self.channel.recv()["trial"]))

    def _run(self, path: Path) -> None:
        self.is_pausing = False
        trial = TrialFile.read(path)
        self.channel.send({"started": trial.spec.number})
        # Lightning starts the other ranks of a trial with this process's own command line.
        sys.argv = [sys.argv[0], "--trial", str(path)]
        result = run(trial, self._make(trial), self._on_epoch, lambda: self.is_pausing)
        # A process group cannot be left and joined again in the same process.
        is_spent = torch.distributed.is_available() and torch.distributed.is_initialized()
        self.channel.send({"result": result_to_json(result, trial.root), "is_spent": is_spent})

    def _make(self, trial: TrialFile) -> Any:
        """The factory, read once for all trials of a search."""
        key = (str(trial.factory), trial.factory.stat().st_mtime_ns)
        if self._factory is None or self._factory[0] != key:
            self._factory = (key, read_factory(trial.factory))
        return self._factory[1]

    def _on_epoch(self, epoch: int, score: float) -> str | None:
        self.channel.send({"epoch": epoch, "score": score})
        answer = self.channel.recv()
        self.is_pausing = answer["pause"]
        stop_reason: str | None = answer["stop_reason"]
        return stop_reason


def run(trial: TrialFile, factory: Any, on_epoch: OnEpoch | None, stop_requested: StopRequested) -> TrialResult:
    """The result of a trial that came as a file.

    Args:
        trial: the file.
        factory: its factory.
        on_epoch: told every epoch; on rank 0 only.
        stop_requested: asked on every rank, because the ranks agree on the answer.
    """

    def make(spec: TrialSpec) -> Trainable:
        return make_trainable(factory, spec, verbose=trial.verbose, trust=trial.trust)

    return run_trial(make, trial.spec, trial.objective, on_epoch, stop_requested, trial.time_limit)[0]


def die_with(lifeline: int) -> None:
    """End this process and everything that it has started as soon as the other end of a pipe is closed.

    Args:
        lifeline: file descriptor that is never written to; its owner's death closes it, however it died.
    """

    def watch() -> None:
        os.read(lifeline, 1)
        os.killpg(os.getpgid(0), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True, name="lifeline").start()


def _ignore(number: int, frame: Any) -> None:
    """As SIG_IGN, which the programs that a trial starts would inherit."""


def main() -> None:
    """Serve a channel, or run one trial as a further rank."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--channel", type=int)
    parser.add_argument("--lifeline", type=int)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--trial", type=Path)
    arguments = parser.parse_args()
    for wish in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wish, _ignore)  # whoever supervises decides, and asks for a pause over the channel
    if arguments.trial is not None:
        trial = TrialFile.read(arguments.trial)
        result = run(trial, read_factory(trial.factory), None, lambda: False)
        sys.exit(0 if result.error is None else 1)
    faulthandler.enable()  # the worker's log then says where a crash of C code was
    die_with(arguments.lifeline)
    torch.set_num_threads(arguments.threads)
    Worker(Connection(arguments.channel)).serve()


if __name__ == "__main__":
    main()
