"""The worker's side of the channel, in a thread; `test_processes` starts it as the process that it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from automax_lightning import Objective, TrialSpec
from automax_lightning.search.executors.pickling import write_factory
from automax_lightning.search.executors.trial_file import TrialFile
from automax_lightning.search.executors.worker import Worker, run
from automax_lightning.trial.records_json import result_from_json
from tests.support.trials import telling


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.setattr(sys, "argv", ["worker.py"])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    here, there = Pipe()
    thread = threading.Thread(target=Worker(there).serve, daemon=True)
    thread.start()
    yield here
    here.close()
    thread.join(timeout=30)
    assert not thread.is_alive(), "the worker ends with its channel"


def trial(root: Path, number: int, x: float) -> Path:
    if not (root / "factory.pkl").exists():
        write_factory(telling(), root / "factory.pkl")
    spec = TrialSpec(number, {"x": x}, directory=root / "trials" / f"{number:04d}")
    return TrialFile(spec, Objective("score"), root / "factory.pkl", root).write()


def test_a_worker_tells_start_epochs_and_result_and_serves_the_next(tmp_path: Path, channel: Connection) -> None:
    for number, x in ((1, 0.25), (2, 0.75)):
        channel.send({"trial": str(trial(tmp_path, number, x))})
        assert channel.recv() == {"started": number}
        assert channel.recv() == {"epoch": 1, "score": x}
        channel.send({"stop_reason": None, "pause": False})
        answer = channel.recv()
        result = result_from_json(answer["result"], tmp_path)
        assert (result.number, result.score, answer["is_spent"]) == (number, x, False)
        assert result.val["pid"] == os.getpid()


def test_a_trial_that_cannot_be_made_is_a_result_and_the_worker_lives(tmp_path: Path, channel: Connection) -> None:
    channel.send({"trial": str(trial(tmp_path, 1, 7.0))})  # outside of the space
    assert channel.recv() == {"started": 1}
    result = result_from_json(channel.recv()["result"], tmp_path)
    assert result.status.name == "CRASHED"
    assert "configuration.x" in result.reason
    channel.send({"trial": str(trial(tmp_path, 2, 0.5))})
    assert channel.recv() == {"started": 2}
    channel.recv()
    channel.send({"stop_reason": None, "pause": False})
    channel.recv()


def test_a_trial_from_a_file_has_its_own_factory(tmp_path: Path) -> None:
    told: list[tuple[int, float]] = []
    result = run(
        TrialFile.read(trial(tmp_path, 4, 0.5)), telling(), lambda epoch, score: told.append((epoch, score)), lambda: False
    )
    assert (result.number, result.score, told) == (4, 0.5, [(1, 0.5)])


@pytest.mark.slow
def test_a_process_dies_when_its_lifeline_is_cut() -> None:
    code = "import sys, time; from automax_lightning.search.executors.worker import die_with; die_with(int(sys.argv[1])); "
    code += "print('ready', flush=True); time.sleep(600)"
    end, lifeline = os.pipe()
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(end)], pass_fds=[end], start_new_session=True, stdout=subprocess.PIPE, text=True
    )
    with child:
        os.close(end)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        os.close(lifeline)
        assert child.wait(timeout=60) == -signal.SIGKILL
