from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from automax_lightning.search.proposer.scratch import remove_stale, scratch_directory

CHILD = """
import os, signal, sys
from pathlib import Path
from automax_lightning.search.proposer.scratch import scratch_directory
path, remove = scratch_directory("some_", Path(sys.argv[1]))
print(path, flush=True)
if sys.argv[2] == "dies":
    os.kill(os.getpid(), signal.SIGKILL)
sys.stdin.readline()
"""


def child(place: Path, end: str) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen([sys.executable, "-c", CHILD, str(place), end], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True, env={**os.environ, "PYTHONPATH": os.getcwd()})  # fmt: skip
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def age(path: Path) -> None:
    an_hour_ago = time.time() - 3600
    os.utime(path, (an_hour_ago, an_hour_ago))


def test_what_a_killed_process_has_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    dead, left = child(tmp_path, "dies")
    dead.communicate()
    living, in_use = child(tmp_path, "waits")
    foreign, of_another_kind = tmp_path / "some_folder", tmp_path / "other_1"
    for path in (foreign, of_another_kind):
        path.mkdir()
    for path in (left, in_use, foreign, of_another_kind):
        age(path)
    mine, remove = scratch_directory("some_", tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([in_use, foreign, of_another_kind, mine])
    remove()
    assert not mine.exists()
    living.communicate("\n")
    remove_stale("some_", tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([foreign, of_another_kind])


def test_a_young_directory_is_left_to_whoever_makes_it(tmp_path: Path) -> None:
    dead, left = child(tmp_path, "dies")
    dead.communicate()
    remove_stale("some_", tmp_path)
    assert left.exists()
