from __future__ import annotations

import gc
import os
import random
import signal
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
import torch

from automax_lightning.trial.isolation import collected, isolated


class Node:
    def __init__(self) -> None:
        self.me = self


def test_what_a_trial_changes_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "1")
    state, drawn = torch.get_rng_state(), random.getstate()
    with isolated():
        torch.set_float32_matmul_precision("medium")
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.set_default_dtype(torch.float64)
        torch.backends.cudnn.benchmark = True
        os.environ["NEW"] = "1"
        os.environ.pop("KEPT")
        torch.rand(3)
        random.random()
    assert torch.get_float32_matmul_precision() == "highest"
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.get_default_dtype() is torch.float32
    assert not torch.backends.cudnn.benchmark
    assert "NEW" not in os.environ
    assert os.environ["KEPT"] == "1"
    assert torch.equal(torch.get_rng_state(), state)
    assert random.getstate() == drawn


def test_what_was_made_inside_is_freed_and_what_was_there_is_collected_as_before() -> None:
    gc.collect()
    older = weakref.ref(Node())
    assert older() is not None
    with collected():
        inside = weakref.ref(Node())
        assert inside() is not None
    assert inside() is None
    assert gc.get_freeze_count() == 0
    gc.collect()
    assert older() is None


def test_what_the_program_has_set_aside_stays_there() -> None:
    gc.freeze()
    try:
        count = gc.get_freeze_count()
        with collected():
            inside = weakref.ref(Node())
        assert inside() is None
        assert gc.get_freeze_count() == count
    finally:
        gc.unfreeze()


def test_the_working_directory_and_signal_handlers_are_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)}
    with isolated():
        os.chdir("/")
        for number in handlers:
            signal.signal(number, signal.SIG_IGN)
    assert Path.cwd() == tmp_path
    assert {number: signal.getsignal(number) for number in handlers} == handlers


def test_a_working_directory_that_is_gone_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    with isolated():
        (tmp_path / "gone").rmdir()
        os.chdir(tmp_path)
    assert Path.cwd() == tmp_path


@pytest.mark.slow
def test_streams_that_a_trial_closes_are_open_afterwards() -> None:
    code = (
        "import os, sys; from automax_lightning.trial.isolation import isolated\n"
        "with isolated(): sys.stdout.close(); sys.stderr = None\n"
        "print('still here')\n"
        "with isolated(): os.close(1)\n"
        "print('and here'); print('errors too', file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "still here\nand here\n"
    assert "errors too" in done.stderr


@pytest.mark.slow
def test_the_programs_alarm_comes_back() -> None:
    code = """
import signal
from automax_lightning.trial.isolation import isolated
for own, of_trial in ((0, 500), (500, 0), (500, 90), (500, 900)):
    signal.alarm(own)
    with isolated():
        signal.alarm(of_trial)
    print(signal.alarm(0))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [int(left) for left in done.stdout.split()] == [0, *[pytest.approx(500, abs=1)] * 3]
