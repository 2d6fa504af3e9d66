from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from automax_lightning import AutoMAXConfig
from automax_lightning.errors import ExecutionError, InfrastructureError
from automax_lightning.search.executors import dask_connection
from automax_lightning.search.executors.dask_connection import Connection
from tests.support.clusters import scheduler

pytest.importorskip("distributed")


def wait_until_down(connection: Connection) -> None:
    end = time.monotonic() + 60
    while connection.is_up:
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("is_users", [False, True])
def test_a_scheduler_that_comes_back_is_reached_again(tmp_path: Path, is_users: bool) -> None:
    from distributed import Client

    with scheduler(tmp_path) as file:
        address = json.loads(file.read_text())["address"]
        client = Client(address, timeout=3.0) if is_users else None
        connection = Connection(AutoMAXConfig(scheduler=address, scheduler_timeout=120.0), client)
        assert connection.restore(lambda: True)
    wait_until_down(connection)
    assert not connection.restore(lambda: False)
    time.sleep(4.0)
    with scheduler(tmp_path, int(address.rsplit(":", 1)[1])):
        assert connection.restore(lambda: True)
        assert connection.client.scheduler_info()["address"] == address
        connection.close()


@pytest.mark.slow
def test_one_that_does_not_is_named(tmp_path: Path) -> None:
    with scheduler(tmp_path) as file:
        address = json.loads(file.read_text())["address"]
        connection = Connection(AutoMAXConfig(scheduler=address, scheduler_timeout=0.5), None)
    wait_until_down(connection)
    with pytest.raises(InfrastructureError, match=r"expected a Dask scheduler that answers within 0.5 s, found none at tcp://"):
        connection.restore(lambda: True)
    connection.close()


def test_one_that_was_never_there_is_an_error_at_once() -> None:
    with pytest.raises(ExecutionError, match=r"AutoMAXConfig.scheduler: expected a Dask scheduler that answers"):
        dask_connection.connect("tcp://127.0.0.1:9", 0.5)
