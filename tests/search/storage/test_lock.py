from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from automax_lightning.errors import SearchLockedError
from automax_lightning.search.storage.lock import SearchLock, holder_of

fcntl = pytest.importorskip("fcntl")

HOLD = """
import sys, time
from pathlib import Path
from automax_lightning.search.storage.lock import SearchLock
with SearchLock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_directory_belongs_to_one_search_at_a_time(tmp_path: Path) -> None:
    with SearchLock(tmp_path), pytest.raises(SearchLockedError, match=r"a search that nobody is running, found process \d+ on "):
        SearchLock(tmp_path).__enter__()
    with SearchLock(tmp_path):
        pass


def test_searches_in_other_directories_do_not_meet(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with SearchLock(tmp_path / "a"), SearchLock(tmp_path / "b"):
        assert holder_of(tmp_path / "a") is not None
        assert holder_of(tmp_path / "b") is not None


def test_an_error_inside_releases_it(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="as asked"), SearchLock(tmp_path):
        raise RuntimeError("as asked")
    assert holder_of(tmp_path) is None


def test_whoever_holds_it_is_named_and_a_kill_leaves_nothing_to_clean_up(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert f"process {other.pid} on " in str(holder_of(tmp_path))
        with pytest.raises(SearchLockedError, match=f"found process {other.pid} on"):
            SearchLock(tmp_path).__enter__()
        other.kill()
        other.wait()
    end = time.monotonic() + 20
    while holder_of(tmp_path) is not None:
        assert time.monotonic() < end
        time.sleep(0.05)
    with SearchLock(tmp_path):
        pass


def test_looking_changes_nothing(tmp_path: Path) -> None:
    assert holder_of(tmp_path) is None
    assert holder_of(tmp_path / "nowhere") is None
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file system says what one without locks says."""

    def flock(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)


def test_a_lock_that_0_1_0_holds_is_held(tmp_path: Path) -> None:
    with open(tmp_path / "lock", "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        json.dump({"pid": 4711, "host": "far", "since": "2026-11-24 12:00:00"}, file)
        file.flush()
        found = "found process 4711 on far since 2026-11-24 12:00:00"
        with pytest.raises(SearchLockedError, match=found), SearchLock(tmp_path):
            pass


def test_without_locks_a_lease_holds_the_search(tmp_path: Path, without_locks: None) -> None:
    with SearchLock(tmp_path):
        with pytest.raises(SearchLockedError, match=rf"process {os.getpid()} on .* since 20"), SearchLock(tmp_path):
            pass
        assert (tmp_path / "lock.lease").exists()
    assert holder_of(tmp_path) is None
    with SearchLock(tmp_path):
        pass
    assert not (tmp_path / "lock.lease").exists()


def test_a_directory_that_may_only_be_read_can_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    tmp_path.chmod(0o500)
    try:
        assert holder_of(tmp_path) is None
    finally:
        tmp_path.chmod(0o700)
