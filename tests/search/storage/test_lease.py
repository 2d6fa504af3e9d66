from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from automax_lightning.search.storage.lease import Lease
from automax_lightning.search.storage.lock import holder_of


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
