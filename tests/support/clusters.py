"""A real Dask scheduler and real workers on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def process(*command: str, hidden: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A process group of its own; with `hidden`, one that sees an empty file system in that place."""
    wrapper = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs none "{hidden}" && exec "$@"', "sh"] if hidden else []
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    started = subprocess.Popen(
        [*wrapper, sys.executable, "-m", "distributed.cli." + command[0], *command[1:]], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, start_new_session=True,
    )  # fmt: skip
    try:
        yield started
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()


@contextmanager
def scheduler(folder: Path, port: int = 0) -> Iterator[Path]:
    file = folder / "scheduler.json"
    file.unlink(missing_ok=True)
    with process("dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--scheduler-file", str(file)):
        end = time.monotonic() + 60
        while not file.exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        yield file


@contextmanager
def worker(file: Path, name: str, hidden: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    place = file.parent / f"dask-{name}"
    place.mkdir()
    address = json.loads(file.read_text())["address"]
    command = ["dask_worker", address, "--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard", "--no-nanny",
               "--local-directory", str(place), "--name", name]  # fmt: skip
    with process(*command, hidden=hidden) as started:
        yield started


def wait_for_workers(file: Path, number: int) -> None:
    from distributed import Client

    with Client(scheduler_file=str(file), timeout=60) as client:
        client.wait_for_workers(number, timeout=60)
