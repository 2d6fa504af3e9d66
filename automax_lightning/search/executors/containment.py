"""What a trial may do to its process, kept from the search: signal handlers, streams, the working directory."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import Any, TextIO


class InterruptWatch:
    """Tells a real Ctrl-C from a KeyboardInterrupt that the trial's code raises.

    Attributes:
        came: whether SIGINT has arrived since it was entered; the handler that stood before has been called as always.

    Example:
        >>> with contained() as watch:
        ...     pass
        >>> watch.came
        False
    """

    def __init__(self) -> None:
        self.came = False
        self._before: Any = signal.SIG_IGN

    def start(self) -> None:
        """Listen to SIGINT; where the program ignores it, it goes on being ignored."""
        self._before = signal.getsignal(signal.SIGINT)
        if callable(self._before):
            signal.signal(signal.SIGINT, self._receive)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.came = True
        self._before(number, frame)

    def is_behind(self, error: BaseException) -> bool:
        """Whether `error` is the user's wish to end the program; Lightning turns Ctrl-C into a SystemExit."""
        causes = [error, error.__cause__, error.__context__]
        return self.came and any(isinstance(cause, KeyboardInterrupt) for cause in causes)


@contextmanager
def contained() -> Iterator[InterruptWatch]:
    """Put the working directory, the standard streams and the signal handlers back on leaving.

    Returns:
        What knows whether the user has pressed Ctrl-C meanwhile. Outside the main thread, which alone receives signals,
        it knows of none.
    """
    watch = InterruptWatch()
    with ExitStack() as stack:
        stack.enter_context(_working_directory())
        stack.enter_context(_streams())
        if threading.current_thread() is threading.main_thread():
            stack.enter_context(_signal_handlers())
            watch.start()
        yield watch


@contextmanager
def _working_directory() -> Iterator[None]:
    try:
        before = os.getcwd()
    except FileNotFoundError:  # somebody has deleted it; there is nothing to come back to
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError):
            os.chdir(before)


@contextmanager
def _signal_handlers() -> Iterator[None]:
    """Restore handlers that were set from Python, and the program's own alarm in place of the trial's."""
    before = {which: signal.getsignal(which) for which in signal.valid_signals()}
    alarm, started = _alarm(), time.monotonic()
    try:
        yield
    finally:
        _restore_alarm(alarm, time.monotonic() - started)
        for which, handler in before.items():
            if handler is not None and signal.getsignal(which) is not handler:
                with suppress(OSError, ValueError):  # SIGKILL and SIGSTOP cannot be handled
                    signal.signal(which, handler)


def _alarm() -> float:
    """Seconds until the process receives SIGALRM; 0 for never, and where the system has no alarms."""
    return signal.getitimer(signal.ITIMER_REAL)[0] if hasattr(signal, "getitimer") else 0.0


def _restore_alarm(before: float, elapsed: float) -> None:
    due = max(before - elapsed, 0.001) if before else 0.0
    if abs(_alarm() - due) > 1.0:  # less than that is the time between two looks at the clock
        signal.setitimer(signal.ITIMER_REAL, due)


@contextmanager
def _streams() -> Iterator[None]:
    """Standard output and standard error, also after the trial has replaced or closed them."""
    before = {"stdout": sys.stdout, "stderr": sys.stderr}
    copies = {descriptor: copy for descriptor in (1, 2) if (copy := _duplicate(descriptor)) is not None}
    try:
        yield
    finally:
        for descriptor, copy in copies.items():
            if not _is_open(descriptor):
                os.dup2(copy, descriptor)
            os.close(copy)
        for name, descriptor in (("stdout", 1), ("stderr", 2)):
            setattr(sys, name, _usable(before[name], descriptor))


def _duplicate(descriptor: int) -> int | None:
    try:
        return os.dup(descriptor)
    except OSError:  # a program may run without standard streams
        return None


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _usable(stream: TextIO | None, descriptor: int) -> TextIO | None:
    """The stream itself, or a new one on its descriptor if it was closed."""
    if stream is None or not stream.closed:
        return stream
    # Line by line, as a terminal is written: the stream is never closed by anyone who would flush it.
    return open(descriptor, "w", buffering=1, encoding=stream.encoding, errors=stream.errors, closefd=False)
