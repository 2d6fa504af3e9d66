"""Graceful interruption on SIGINT and SIGTERM: finish the epoch, keep its checkpoint, say how to resume."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignal:
    """While active, the first SIGINT or SIGTERM only sets `requested`; a second one acts as it always does.

    Outside the main thread, where Python cannot receive signals, it does nothing.

    Args:
        announce: told, on the first signal, what will happen now.

    Attributes:
        requested: the signal that arrived, or None.

    Example:
        >>> import os
        >>> with StopSignal() as stop:
        ...     signal.raise_signal(signal.SIGTERM)
        >>> stop.requested.name
        'SIGTERM'
    """

    def __init__(self, announce: Callable[[str], None] = lambda _: None) -> None:
        self.announce = announce
        self.requested: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopSignal:
        if threading.current_thread() is threading.main_thread():
            self._before = {which: signal.signal(which, self._receive) for which in _SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._restore()

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.requested is None:
            self.requested = signal.Signals(number)
            self.announce(f"{self.requested.name}: finishing the epoch that is running; once more to stop at once.")
            return
        self._restore()
        signal.raise_signal(number)

    def _restore(self) -> None:
        # Once more on leaving: between a second signal and that, a trial's own clean-up gives the handlers back to us.
        for which, handler in self._before.items():
            signal.signal(which, handler)
