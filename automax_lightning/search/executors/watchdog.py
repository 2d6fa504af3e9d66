"""The end of a trial that hangs in this process, where nobody else can end it."""

from __future__ import annotations

import faulthandler
import logging
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

_log = logging.getLogger(__name__)

GRACE_SECONDS, GRACE_SHARE = 5.0, 0.1
"""How far beyond its limit a trial may go that ends itself; it looks at the clock after every batch."""

REPEAT_SECONDS = 30.0
"""How long a trial may take to unwind before it is told again."""


class TrialHangsError(BaseException):
    """Raised inside a trial that has overrun its limit; no `except Exception` of the trial's code keeps it."""


class Watchdog:
    """While entered, a trial that overruns its time limit gets its stack written and a `TrialHangsError` raised in it.

    The exception ends whatever waits in Python or in a system call: a lock, a queue, `threading.Event.wait`, `time.sleep`,
    a socket. Code of a C extension that does not come back cannot be ended from inside of its process; the log says so
    and names the file with the stack. It works in the main thread, on systems with POSIX signals, and does nothing
    elsewhere.

    Args:
        time_limit: seconds that the trial may train; None for no limit.
        stack: file for the stacks of all threads.

    Attributes:
        has_acted: whether the trial was told to end.
    """

    def __init__(self, time_limit: float | None, stack: Path | None) -> None:
        can_signal = hasattr(signal, "SIGURG") and threading.current_thread() is threading.main_thread()
        self.limit = time_limit if can_signal else None
        self.stack = stack
        self.has_acted = False
        self._is_over = threading.Event()
        self._must_wait = self._is_due = False
        self._before: Any = None

    def __enter__(self) -> Watchdog:
        if self.limit is not None:
            # SIGURG is ignored by default: one that arrives after the trial does no harm.
            self._before = signal.signal(signal.SIGURG, self._receive)
            threading.Thread(target=self._watch, args=(self.limit,), daemon=True, name="trial watchdog").start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._is_over.set()
        if self.limit is not None:
            signal.signal(signal.SIGURG, self._before)

    def spare(self, function: Callable[..., Any] | None) -> Any:
        """The same function, never cut in the middle: what the search records is recorded whole.

        Args:
            function: called by the trial, in the main thread; None stays None.
        """
        if function is None or self.limit is None:
            return function

        def spared(*args: Any) -> Any:
            self._must_wait = True
            try:
                answer = function(*args)
            finally:
                self._must_wait = False
            if self._is_due:
                self._end()
            return answer

        return spared

    def _watch(self, limit: float) -> None:
        pause = limit + max(GRACE_SECONDS, GRACE_SHARE * limit)
        while not self._is_over.wait(pause):
            if self.has_acted:
                _log.error("The trial still hangs %g s after it was told to end; %s says where. Only a process of its own can "
                           "end such code: pass executor='process'.", pause, self.stack)  # fmt: skip
            self._write_stack()
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGURG)
            pause = REPEAT_SECONDS

    def _write_stack(self) -> None:
        if self.stack is None:
            return
        try:
            self.stack.parent.mkdir(parents=True, exist_ok=True)
            with open(self.stack, "w", encoding="utf-8") as file:
                faulthandler.dump_traceback(file, all_threads=True)
        except OSError as error:
            _log.warning("The stack of a trial that hangs cannot be written: %s", error)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self._is_over.is_set():
            return
        if self._must_wait:
            self._is_due = True
            return
        self._end()

    def _end(self) -> None:
        self.has_acted, self._is_due = True, False
        raise TrialHangsError
