from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from automax_lightning.search.executors import watchdog
from automax_lightning.search.executors.watchdog import TrialHangsError, Watchdog


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "GRACE_SECONDS", 0.1)


def locked() -> None:
    lock = threading.Lock()
    with lock, lock:
        pass


WAITS: list[Callable[[], object]] = [threading.Event().wait, queue.Queue().get, lambda: time.sleep(600), locked]


@pytest.mark.parametrize("wait", WAITS, ids=["event", "queue", "sleep", "deadlock"])
def test_what_waits_for_ever_is_ended_and_its_stack_is_kept(tmp_path: Path, wait: Callable[[], object]) -> None:
    stack = tmp_path / "trial" / "stack.txt"
    with pytest.raises(TrialHangsError, match="^$"), Watchdog(0.1, stack) as dog:
        wait()
    assert dog.has_acted
    assert "test_what_waits_for_ever" in stack.read_text()


def test_the_end_waits_until_the_search_has_written_what_it_records() -> None:
    done: list[str] = []

    def record(text: str) -> str:
        threading.Event().wait(0.6)
        done.append(text)
        return text

    with pytest.raises(TrialHangsError, match="^$"), Watchdog(0.1, None) as dog:
        dog.spare(record)("whole")
    assert done == ["whole"]


def test_a_trial_within_its_limit_is_left_alone() -> None:
    before = signal.getsignal(signal.SIGURG)
    with Watchdog(600.0, None) as dog:
        assert dog.spare(None) is None
        assert dog.spare(lambda epoch, score: f"{epoch} {score}")(1, 0.5) == "1 0.5"
    assert not dog.has_acted
    assert signal.getsignal(signal.SIGURG) is before


def test_without_a_limit_nothing_is_installed() -> None:
    before = signal.getsignal(signal.SIGURG)
    with Watchdog(None, None):
        assert signal.getsignal(signal.SIGURG) is before
