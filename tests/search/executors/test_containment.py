from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from automax_lightning.search.executors.containment import contained


def test_the_working_directory_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with contained():
        os.chdir("elsewhere")
    assert Path.cwd() == tmp_path


def test_a_directory_that_the_trial_deletes_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    with contained():
        os.chdir(tmp_path)
        gone.rmdir()
    assert Path.cwd() == tmp_path


def test_handlers_come_back() -> None:
    before = {which: signal.getsignal(which) for which in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}
    with contained():
        for which in before:
            signal.signal(which, lambda number, frame: None)
    assert {which: signal.getsignal(which) for which in before} == before


@pytest.mark.parametrize(("own", "of_trial", "left"), [(0, 500, 0), (500, 0, 500), (500, 90, 500), (500, 900, 500)])
def test_the_programs_alarm_comes_back(own: int, of_trial: int, left: int) -> None:
    code = "import signal\nfrom automax_lightning.search.executors.containment import contained\n"
    code += f"signal.alarm({own})\nwith contained():\n    signal.alarm({of_trial})\nprint(signal.alarm(0))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) in (left, left - 1, left + 1)


def test_a_replaced_stream_comes_back() -> None:
    before = sys.stdout, sys.stderr
    with contained():
        sys.stdout = sys.stderr = io.StringIO()
    assert (sys.stdout, sys.stderr) == before


@pytest.mark.parametrize("closing", ["sys.stdout.close()", "os.close(1)", "sys.stdout.close(); os.close(1)"])
def test_a_closed_stream_is_opened_again(closing: str) -> None:
    code = "import os, sys\nfrom automax_lightning.search.executors.containment import contained\n"
    code += f"print('before', flush=True)\nwith contained():\n    {closing}\nprint('after')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["before", "after"]
    assert done.stderr == ""


def test_a_real_interrupt_is_told_from_one_that_is_raised() -> None:
    with contained() as watch:
        assert not watch.is_behind(KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt, match="^$"):
            signal.raise_signal(signal.SIGINT)
        assert watch.is_behind(KeyboardInterrupt())
        turned = SystemExit(1)  # as Lightning does
        turned.__context__ = KeyboardInterrupt()
        assert watch.is_behind(turned)
        assert not watch.is_behind(SystemExit(1))


def test_in_another_thread_the_rest_is_contained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    seen: list[bool] = []

    def run() -> None:
        with contained() as watch:
            os.chdir("/")
        seen.append(watch.came)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [False]
    assert Path.cwd() == tmp_path
