"""A disk, a network or a data source that fails costs no trial: it is tried again, and then the search stops and can go on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ConfigSpace import Categorical

from automax_lightning import Fit, Objective, Status, autopartial
from automax_lightning.errors import ConfigError, InfrastructureError
from automax_lightning.search.executors import retrying
from tests.support.fits import Points, Regression
from tests.support.searching import tuner


class Flaky(Points):
    """Data behind a service that does not answer while there are marks in `folder`; each call takes one away."""

    def __init__(self, folder: Path, k: int) -> None:
        super().__init__()
        self.folder, self.k = folder, k

    def setup(self, stage: str) -> None:
        marks = sorted(self.folder.glob("mark-*"))
        if self.k == 1 and marks:
            marks[0].unlink()
            raise ConnectionResetError("the service closed the connection")


class Trial:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, k: int) -> Fit:
        return Fit(Regression, lambda seed: Flaky(self.folder, k), epochs=2, objective=Objective("score"),
                   trainer_kwargs={"accelerator": "cpu"})  # fmt: skip


def flaky(folder: Path, marks: int) -> autopartial:
    for number in range(marks):
        (folder / f"mark-{number}").touch()
    return autopartial(Trial(folder), k=Categorical("k", [0, 1, 2], default=0))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "BACK_OFF_SECONDS", 0.01)


@pytest.mark.parametrize("place", ["inline", pytest.param("process", marks=pytest.mark.slow)])
def test_data_that_fail_once_cost_nothing(tmp_path: Path, place: str) -> None:
    search = tuner(tmp_path, n_trials=3, made=flaky(tmp_path, 1), target="score", executor=place)
    search.optimize()
    assert [entry["status"] for entry in search.log] == ["SUCCESS"] * 3
    assert list(tmp_path.glob("mark-*")) == []


@pytest.mark.parametrize(
    "place", [{"executor": "inline"}, pytest.param({"n_workers": 2}, marks=pytest.mark.slow)], ids=["inline", "process"]
)
def test_data_that_go_on_failing_stop_the_search_and_spend_nothing(tmp_path: Path, place: dict[str, Any]) -> None:
    made = flaky(tmp_path, 4)
    search = tuner(tmp_path, n_trials=3, made=made, target="score", **place)
    with pytest.raises(InfrastructureError, match=r"found ConnectionResetError: the service closed .* no trial is spent"):
        search.optimize()
    assert len(list(tmp_path.glob("mark-*"))) == 2
    lost = [result for result in search.history.results.values() if result.status is Status.LOST]
    assert len(lost) == 1
    assert lost[0].number in [spec.number for spec in search.history.pending()]
    for mark in tmp_path.glob("mark-*"):
        mark.unlink()
    again = tuner(tmp_path, n_trials=3, made=made, target="score", **place)
    again.optimize()
    assert [entry["status"] for entry in again.log] == ["SUCCESS"] * 3


def test_a_first_trial_without_its_data_leaves_the_search(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=1, made=flaky(tmp_path, 2), target="score", initial_configs=())
    search.setup.space["k"].default_value = 1
    with pytest.raises(InfrastructureError, match="trial 1: expected a disk, a network and data that can be read"):
        search.optimize()
    assert (search.directory / "journal.jsonl").exists()


def test_one_more_trial_by_hand_says_it_too(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=1, made=flaky(tmp_path, 2), target="score")
    search.optimize()
    chosen = search.configspace.get_default_configuration()
    chosen["k"] = 1
    with pytest.raises(InfrastructureError, match="trial 2: expected a disk"):
        search.train(chosen)


FULL = """
import resource, sys
from pathlib import Path
from ConfigSpace import Categorical
from automax_lightning import Fit, Objective, autopartial
from automax_lightning.errors import InfrastructureError
from automax_lightning.search.executors import retrying
from tests.support.fits import Points, Regression
from tests.support.searching import tuner

retrying.BACK_OFF_SECONDS = 0.01
folder = Path(sys.argv[1])
journal = folder / "s" / "journal.jsonl"
is_full = [True]

class Filling(Regression):
    def on_train_epoch_start(self):
        if self.current_epoch == 1 and is_full[0] and journal.read_text().count('"ask"') == 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (journal.stat().st_size, resource.RLIM_INFINITY))

def trial(k):
    return Fit(Filling, lambda seed: Points(), epochs=2, objective=Objective("score"), trainer_kwargs={"accelerator": "cpu"})

search = tuner(folder, n_trials=3, made=autopartial(trial, k=Categorical("k", [0, 1, 2], default=0)), target="score")
try:
    search.optimize()
except InfrastructureError as error:
    print("error", error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print("pending", [spec.number for spec in search.history.pending()])
is_full[0] = False
search.optimize()
print("ended", [entry["status"] for entry in search.log])
"""


@pytest.mark.slow
def test_a_disk_that_takes_no_more_stops_the_search_and_loses_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True, timeout=200,
                          env=environment)  # fmt: skip
    said = done.stdout.splitlines()
    assert [line.split()[0] for line in said] == ["error", "pending", "ended"]
    assert "File too large" in said[0]
    assert said[1:] == ["pending [2]", "ended ['SUCCESS', 'SUCCESS', 'SUCCESS']"]


# Failed trials, again ---------------------------------------------------------------------------------------------------


class Broken(Regression):
    def __init__(self, folder: Path, k: int) -> None:
        super().__init__()
        self.folder, self.k = folder, k

    def on_train_epoch_start(self) -> None:
        if self.k and self.current_epoch == 1 and (self.folder / "broken").exists():
            raise ValueError("as asked")


def broken(folder: Path) -> autopartial:
    def trial(k: int) -> Fit:
        return Fit(lambda: Broken(folder, k), lambda seed: Points(), epochs=2, objective=Objective("score"),
                   trainer_kwargs={"accelerator": "cpu"})  # fmt: skip

    return autopartial(trial, k=Categorical("k", [0, 1, 2], default=0))


def test_failed_trials_run_again_with_their_numbers_and_seeds(tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    straight = tuner(tmp_path / "straight", n_trials=3, made=broken(tmp_path / "straight"), target="score")
    straight.optimize()
    search = tuner(tmp_path, n_trials=3, made=broken(tmp_path), target="score")
    search.optimize()
    assert [entry["status"] for entry in search.log] == ["SUCCESS", "CRASHED", "CRASHED"]
    (tmp_path / "broken").unlink()
    with pytest.raises(ConfigError, match=r"retry.trials: expected failed trials, of \[2, 3\], found 1"):
        search.retry([1, 2])
    search.retry([3])
    assert [entry["status"] for entry in search.log] == ["SUCCESS", "CRASHED", "SUCCESS"]
    search.retry()
    assert [(e["space"], e["val"]) for e in search.log] == [(e["space"], e["val"]) for e in straight.log]
    assert list(search.directory.rglob("error.txt")) == []
    read_again = tuner(tmp_path, n_trials=3, made=broken(tmp_path), target="score")
    assert read_again.log == search.log
