"""One process per search, on file systems with and without locks."""

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
from automax_lightning.search.storage.lease import Lease
from automax_lightning.search.storage.lock import SearchLock, holder_of

fcntl = pytest.importorskip("fcntl")

HOLD = """
import sys, time
from pathlib import Path
from automax_lightning.search.storage.lock import SearchLock
with SearchLock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def hold(directory: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock until it is killed."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(directory)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file system says what one without locks says."""

    def flock(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)


def test_a_second_process_is_told_who_holds_the_lock_and_gets_it_when_that_one_is_killed(tmp_path: Path) -> None:
    process = hold(tmp_path)
    try:
        with pytest.raises(SearchLockedError, match=rf"process {process.pid} on .* since 20"), SearchLock(tmp_path):
            pass
        assert str(holder_of(tmp_path)).startswith(f"process {process.pid} on ")
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    assert holder_of(tmp_path) is None
    with SearchLock(tmp_path):
        assert str(holder_of(tmp_path)).startswith(f"process {os.getpid()} on ")
    assert holder_of(tmp_path) is None


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


def test_a_lease_of_a_process_that_is_gone_is_void(tmp_path: Path) -> None:
    lease = Lease(tmp_path)
    assert lease.take()
    lease.release()
    code = "import sys; from pathlib import Path; from automax_lightning.search.storage.lease import Lease; "
    subprocess.run([sys.executable, "-c", code + "assert Lease(Path(sys.argv[1])).take()", str(tmp_path)], check=True)
    assert (tmp_path / "lock.lease").exists()
    assert lease.holder() is None
    assert lease.take()
    assert not Lease(tmp_path).take()


@pytest.mark.parametrize(("age", "is_held"), [(60.0, True), (180.0, False)])
def test_a_lease_of_another_machine_is_void_when_it_is_not_renewed(tmp_path: Path, age: float, is_held: bool) -> None:
    path = tmp_path / "lock.lease"
    path.write_text(json.dumps({"pid": 4711, "host": "far", "since": "2026-11-24 12:00:00", "started": "1"}))
    os.utime(path, (time.time() - age,) * 2)
    assert (holder_of(tmp_path) == "process 4711 on far since 2026-11-24 12:00:00") == is_held
    assert Lease(tmp_path).take() != is_held


def test_a_directory_that_may_only_be_read_can_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    tmp_path.chmod(0o500)
    try:
        assert holder_of(tmp_path) is None
    finally:
        tmp_path.chmod(0o700)
