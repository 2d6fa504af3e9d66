"""What a trial may change in its process, put back when it is over."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TextIO

import torch
from lightning.pytorch.utilities.seed import isolate_rng

_ADVICE = (
    ".*does not have many workers.*",
    ".*is smaller than the logging interval.*",
    ".*Checkpoint directory .* exists and is not empty.*",
    ".*Experiment logs directory .* exists and is not empty.*",  # it is the trial's own
    ".*`isinstance\\(treespec, LeafSpec\\)` is deprecated.*",
)


@contextmanager
def isolated() -> Iterator[None]:
    """Put back on leaving what a Trainer or a user's module may have changed for all that follows in this process.

    Random generators, precision, determinism, environment variables, the working directory, signal handlers, and the
    standard streams.
    """
    precision, dtype = torch.get_float32_matmul_precision(), torch.get_default_dtype()
    deterministic, warn_only = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    cudnn = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    environment = dict(os.environ)
    try:
        with isolate_rng(), _same_directory(), _same_signal_handlers(), _open_streams():
            yield
    finally:
        torch.set_float32_matmul_precision(precision)
        torch.set_default_dtype(dtype)
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)


@contextmanager
def _same_directory() -> Iterator[None]:
    try:
        before = os.getcwd()
    except FileNotFoundError:  # somebody has removed it: there is nothing to come back to
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError):
            os.chdir(before)


@contextmanager
def _same_signal_handlers() -> Iterator[None]:
    """Lightning, for one, leaves SIGINT ignored after a KeyboardInterrupt."""
    if threading.current_thread() is not threading.main_thread():  # where Python cannot set them, and no trial has
        yield
        return
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    alarm, started = _alarm(), time.monotonic()
    try:
        yield
    finally:
        _restore_alarm(alarm, time.monotonic() - started)
        for number, handler in before.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)


def _alarm() -> float:
    """Seconds until the process receives SIGALRM; 0 for never, and where the system has no alarms."""
    return signal.getitimer(signal.ITIMER_REAL)[0] if hasattr(signal, "getitimer") else 0.0


def _restore_alarm(before: float, elapsed: float) -> None:
    """The program's own alarm, in place of a trial's, whose handler is gone: without one, SIGALRM ends the process."""
    due = max(before - elapsed, 0.001) if before else 0.0
    if abs(_alarm() - due) > 1.0:  # less than that is the time between two looks at the clock
        signal.setitimer(signal.ITIMER_REAL, due)


@contextmanager
def _open_streams() -> Iterator[None]:
    """Standard output and standard error, open again if a trial has closed or replaced them."""
    streams = sys.stdout, sys.stderr
    copies = {number: _copy_of(number) for number in (1, 2)}
    try:
        yield
    finally:
        for number, copy in copies.items():
            if copy is None:
                continue
            if _copy_is_needed(number):
                os.dup2(copy, number)
            os.close(copy)
        sys.stdout, sys.stderr = (_opened(stream, number) for number, stream in enumerate(streams, start=1))


def _copy_of(number: int) -> int | None:
    try:
        return os.dup(number)
    except OSError:  # it was closed before
        return None


def _copy_is_needed(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return True
    return False


def _opened(stream: TextIO, number: int) -> TextIO:
    """The stream, or another on the same descriptor if it was closed."""
    if stream is None or not stream.closed:  # pythonw and some services have none
        return stream
    return open(number, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


class CtrlC:
    """While active, notices whether SIGINT has come, which tells the user's Ctrl-C from code that raises KeyboardInterrupt.

    Whoever handled it before still does. Outside the main thread Python delivers no signals.

    Attributes:
        has_come: whether it has.

    Example:
        >>> with CtrlC() as ctrl_c, suppress(KeyboardInterrupt):
        ...     raise KeyboardInterrupt
        >>> ctrl_c.has_come
        False
    """

    def __init__(self) -> None:
        self.has_come = False
        self._before: Any = None

    def __enter__(self) -> CtrlC:
        handler = signal.getsignal(signal.SIGINT)
        if callable(handler) and threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._receive)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.has_come = True
        self._before(number, frame)


@contextmanager
def collected() -> Iterator[None]:
    """Free on leaving what was made inside, also objects that refer to each other, as Lightning's do.

    What was there before is set aside, because going through every object of torch and SMAC takes a quarter of a second;
    where the program has set objects aside itself, everything is gone through.
    """
    is_ours = gc.get_freeze_count() == 0
    if is_ours:
        gc.freeze()
    try:
        yield
    finally:
        gc.collect()
        if is_ours:
            gc.unfreeze()


@contextmanager
def quiet_lightning(verbose: bool) -> Iterator[None]:
    """Silence Lightning's messages and its advice on small loaders, and give the user's settings back afterwards."""
    if verbose:
        yield
        return
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        for message in _ADVICE:
            warnings.filterwarnings("ignore", message=message)
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
