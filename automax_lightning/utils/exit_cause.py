"""Why a worker process ended, said as truly as the system tells it."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path

_COUNTERS = (("/proc/vmstat", "oom_kill"), ("/sys/fs/cgroup/memory.events", "oom_kill"))
"""Where Linux counts the processes that its out-of-memory killer has ended: on the machine, in this container."""


def out_of_memory_kills() -> tuple[int, ...]:
    """What the kernel's counters of out-of-memory kills say; a counter that cannot be read is 0."""
    return tuple(_counter(Path(file), name) for file, name in _COUNTERS)


def _counter(file: Path, name: str) -> int:
    with suppress(OSError, ValueError):
        for line in file.read_text(encoding="ascii").splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    return 0


def exit_cause(code: int, kills_before: tuple[int, ...]) -> str:
    """The end of a process as part of a sentence.

    Args:
        code: exit code as `subprocess` gives it: negative for a signal.
        kills_before: `out_of_memory_kills` when the process was started.

    Example:
        >>> exit_cause(3, out_of_memory_kills()), exit_cause(-11, out_of_memory_kills())
        ('exit code 3', 'SIGSEGV (Segmentation fault)')
    """
    if code >= 0:
        return f"exit code {code}"
    try:
        which = signal.Signals(-code)
    except ValueError:  # a real-time signal has no name
        return f"signal {-code}"
    if which is signal.SIGKILL and out_of_memory_kills() != kills_before:
        return "SIGKILL, probably from the kernel, because memory ran out: it has ended a process for that meanwhile"
    return f"{which.name} ({signal.strsignal(which)})"
