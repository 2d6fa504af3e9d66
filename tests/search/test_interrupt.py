from __future__ import annotations

import signal
import threading

import pytest

from automax_lightning.search.interrupt import StopSignal


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_a_wish_and_the_second_acts(which: signal.Signals) -> None:
    said: list[str] = []
    before = signal.getsignal(which)
    acted = []
    signal.signal(which, lambda number, frame: acted.append(number))
    try:
        with StopSignal(said.append) as stop:
            signal.raise_signal(which)
            assert stop.requested is which
            assert acted == []
            assert said == [f"{which.name}: finishing the epoch that is running; once more to stop at once."]
            signal.raise_signal(which)
            assert acted == [which]
    finally:
        signal.signal(which, before)


def test_handlers_are_given_back() -> None:
    before = [signal.getsignal(which) for which in (signal.SIGINT, signal.SIGTERM)]
    with StopSignal():
        pass
    assert [signal.getsignal(which) for which in (signal.SIGINT, signal.SIGTERM)] == before


def test_in_another_thread_it_does_nothing() -> None:
    found: list[object] = []

    def run() -> None:
        with StopSignal() as stop:
            found.append(stop.requested)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [None]
