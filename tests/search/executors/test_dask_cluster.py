"""A real Dask scheduler and real worker processes on loopback, some of which are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from automax_lightning import AutoMAX, AutoMAXConfig, Status
from automax_lightning.errors import ConfigError, ExecutionError
from automax_lightning.trial.score_file import FILE, read_scores
from tests.support.clusters import ROOT, scheduler, wait_for_workers, worker
from tests.support.processes import processes_of, wait_for_epochs, workers_of
from tests.support.searching import factory, table, tree, tuner
from tests.support.trials import factory as behaving

pytest.importorskip("distributed")
GOOD = ("good", "better", "best", "well")


def events(search: AutoMAX) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (search.directory / "journal.jsonl").read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_lost_worker_loses_no_trial(tmp_path: Path) -> None:
    epochs = 150
    straight = tuner(tmp_path / "inline", n_trials=4, made=behaving(tmp_path, GOOD, epochs), target="score")
    straight.optimize()
    with scheduler(tmp_path) as file, worker(file, "one") as first, worker(file, "two"):
        wait_for_workers(file, 2)
        search = tuner(tmp_path / "dask", n_trials=4, made=behaving(tmp_path, GOOD, epochs), target="score",
                       scheduler=str(file))  # fmt: skip
        killer = subprocess.Popen(
            [sys.executable, "-c", KILLER, str(search.directory / "journal.jsonl"), str(first.pid)], stdin=subprocess.DEVNULL
        )
        search.optimize()
        assert killer.wait(timeout=60) == 0
        assert first.poll() == -signal.SIGKILL
    found = events(search)
    told = [(each["number"], each["epoch"]) for each in found if each["event"] == "epoch"]
    assert len(told) == len(set(told)) == 4 * epochs
    assert [each["event"] for each in found].count("result") == 4
    outcomes = [{e["space"]["behaviour"]: (e["status"], e["val"], e["epochs"]) for e in each.log} for each in (straight, search)]
    assert outcomes[0] == outcomes[1]
    assert search.load_best_model() is not None
    assert not list(search.directory.glob(".automax-*"))


KILLER = """
import os, sys, time
from pathlib import Path
journal = Path(sys.argv[1])
end = time.monotonic() + 120
while not journal.exists() or journal.read_text().count('"event": "epoch"') < 40:
    assert time.monotonic() < end
    time.sleep(0.02)
os.kill(int(sys.argv[2]), 9)
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_where_nothing_is_shared_results_and_checkpoints_come_home(tmp_path: Path) -> None:
    probe = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("this user may not make a mount namespace")
    inline = tuner(tmp_path / "inline", n_trials=3)
    inline.optimize()
    home, away = tmp_path / "home", tmp_path / "away"
    home.mkdir()
    away.mkdir()
    with scheduler(away) as file, worker(file, "far", hidden=home):
        wait_for_workers(file, 1)
        search = tuner(home, n_trials=3, scheduler=str(file))
        search.optimize()
        assert table(search) == table(inline)
        left = [path for path in (away / "dask-far").rglob("*") if "automax" in path.name]
        assert left == []
    for number in (1, 2, 3):  # the scores of the best epoch come home as well
        kept = [read_scores(each.directory / "trials" / f"000{number}" / "checkpoints" / FILE) for each in (search, inline)]
        assert kept[0].splits.keys() == {"val", "test"}
        assert all((kept[0].splits[split].scores == kept[1].splits[split].scores).all() for split in kept[0].splits)
    paths = [each.best_directory / "best.ckpt" for each in (search, inline)]
    states = [torch.load(path, weights_only=True)["state_dict"] for path in paths]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0] if isinstance(states[0][key], torch.Tensor))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_failures_on_a_cluster_are_results_and_the_users_client_stays_open(tmp_path: Path) -> None:
    from distributed import Client

    behaviours = ("good", "dies", "raises", "hangs", "best")
    with scheduler(tmp_path) as file, worker(file, "one") as one, worker(file, "two") as two:
        wait_for_workers(file, 2)
        with Client(scheduler_file=str(file), timeout=60) as client:
            config = AutoMAXConfig(name="s", n_trials=5, SEED=7, output_directory=tmp_path / "out", trial_time_limit=4.0)
            search = AutoMAX(behaving(tmp_path, behaviours), config, "score", quiet=True, client=client)
            search.optimize()
            assert client.status == "running"
            assert processes_of([pid for each in (one, two) for pid in workers_of(each.pid)]) == []
            assert {one.poll(), two.poll()} == {None}
    found = {spec.configuration["behaviour"]: search.history.results[spec.number] for spec in search.history.asks}
    assert {name: result.status for name, result in found.items()} == {
        "good": Status.SUCCESS, "dies": Status.KILLED, "raises": Status.CRASHED, "hangs": Status.TIMEOUT, "best": Status.SUCCESS,
    }  # fmt: skip
    assert found["dies"].epochs == 2
    assert "as asked" in (search.directory / "trials" / f"{found['raises'].number:04d}" / "error.txt").read_text()


PARENT = """
import sys
from pathlib import Path
from tests.support.trials import factory
from automax_lightning import AutoMAX, AutoMAXConfig
made = factory(Path(sys.argv[1]), ("good", "better", "best", "well"), epochs=int(sys.argv[3]))
config = AutoMAXConfig(name="s", n_trials=4, SEED=7, resampling="holdout", output_directory=sys.argv[1], scheduler=sys.argv[2])
AutoMAX(made, config, "score").optimize()
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_killed_search_leaves_no_trial_running_on_the_cluster_and_goes_on(tmp_path: Path) -> None:
    with scheduler(tmp_path) as file, worker(file, "one") as one:
        wait_for_workers(file, 1)
        command = [sys.executable, "-c", PARENT, str(tmp_path), str(file), "200"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        first = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment)
        wait_for_epochs(tmp_path / "s" / "journal.jsonl", 30)
        children = workers_of(one.pid)
        assert len(children) == 1
        first.kill()
        first.wait()
        end = time.monotonic() + 10
        while processes_of(children) and time.monotonic() < end:
            time.sleep(0.1)
        assert processes_of(children) == []
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
    search = tuner(tmp_path, n_trials=4, made=behaving(tmp_path, GOOD, 200), target="score")
    assert [(entry["status"], entry["epochs"]) for entry in search.log] == [("SUCCESS", 200)] * 4
    told = [(each["number"], each["epoch"]) for each in events(search) if each["event"] == "epoch"]
    assert len(told) == len(set(told)) == 800


def test_a_scheduler_that_does_not_answer_is_named_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("automax_lightning.search.executors.dask_connection.CONNECT_SECONDS", 0.5)
    with pytest.raises(ExecutionError, match=r"AutoMAXConfig.scheduler: expected a Dask scheduler that answers"):
        tuner(tmp_path, scheduler="tcp://127.0.0.1:9").optimize()
    assert tree(tmp_path) == []


def test_a_cluster_without_a_scheduler_is_an_error_that_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"AutoMAXConfig.scheduler: expected the address of a Dask scheduler"):
        tuner(tmp_path, made=factory(), executor="dask").optimize()
    assert tree(tmp_path) == []


RESTART = """
import sys
from pathlib import Path
from tests.support.trials import factory
from automax_lightning import AutoMAX, AutoMAXConfig
made = factory(Path(sys.argv[1]), ("good", "better", "best", "well"), epochs=150)
config = AutoMAXConfig(name="s", n_trials=4, SEED=7, resampling="holdout", output_directory=sys.argv[1], scheduler=sys.argv[2],
                       scheduler_timeout=float(sys.argv[3]))
AutoMAX(made, config, "score").optimize()
"""


def start(folder: Path, address: str, timeout: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RESTART, str(folder), address, str(timeout)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def ended(folder: Path) -> list[tuple[str, int]]:
    search = tuner(folder, n_trials=4, made=behaving(folder, GOOD, 150), target="score")
    told = [(each["number"], each["epoch"]) for each in events(search) if each["event"] == "epoch"]
    assert len(told) == len(set(told)) == 600
    assert [each["event"] for each in events(search)].count("result") == 4
    return [(entry["status"], entry["epochs"]) for entry in search.log]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_scheduler_that_restarts_gets_its_trials_again(tmp_path: Path) -> None:
    with scheduler(tmp_path) as file, worker(file, "one"):
        wait_for_workers(file, 1)
        address = json.loads(file.read_text())["address"]
        search = start(tmp_path, address, 300.0)
        wait_for_epochs(tmp_path / "s" / "journal.jsonl", 40)
    time.sleep(2.0)
    with scheduler(tmp_path, int(address.rsplit(":", 1)[1])) as file, worker(file, "two"):
        output, _ = search.communicate(timeout=300)
    assert search.returncode == 0, output[-3000:]
    assert "does not answer; its trials are sent again when it does" in output
    assert ended(tmp_path) == [("SUCCESS", 150)] * 4


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_scheduler_that_stays_away_stops_the_search_and_spends_nothing(tmp_path: Path) -> None:
    with scheduler(tmp_path) as file, worker(file, "one"):
        wait_for_workers(file, 1)
        address = json.loads(file.read_text())["address"]
        search = start(tmp_path, address, 3.0)
        wait_for_epochs(tmp_path / "s" / "journal.jsonl", 40)
    output, _ = search.communicate(timeout=200)
    assert search.returncode == 1
    assert f"expected a Dask scheduler that answers within 3 s, found none at {address}. Start it and its workers" in output
    left = tuner(tmp_path, n_trials=4, made=behaving(tmp_path, GOOD, 150), target="score")
    assert len(left.history.pending()) == 1
    assert not [result for result in left.history.final().values() if not result.status.has_score]
    with scheduler(tmp_path) as file, worker(file, "two"):
        wait_for_workers(file, 1)
        again = start(tmp_path, json.loads(file.read_text())["address"], 3.0)
        output, _ = again.communicate(timeout=300)
    assert again.returncode == 0, output[-3000:]
    assert ended(tmp_path) == [("SUCCESS", 150)] * 4
