"""Processes of a search, seen from outside."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path


def processes_of(group_leaders: list[int]) -> list[int]:
    alive = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if os.getpgid(int(folder.name)) in group_leaders and "Z" not in (folder / "stat").read_text().split(")")[1][:3]:
                    alive.append(int(folder.name))
            except (OSError, ProcessLookupError):
                continue
    return alive


def workers_of(parent: int) -> list[int]:
    done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in done.stdout.split()]


def wait_for_epochs(journal: Path, count: int) -> None:
    end = time.monotonic() + 120
    while not journal.exists() or journal.read_text().count('"event": "epoch"') < count:
        assert time.monotonic() < end
        time.sleep(0.02)
