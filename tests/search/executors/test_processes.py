"""Trials in real child processes, some of which die, hang or raise."""

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

from automax_lightning import DigitsDataModule, Status
from automax_lightning.errors import ConfigError, ExecutionError
from automax_lightning.search.storage.history import replay
from automax_lightning.space.configurations import configuration
from tests.support.processes import processes_of, wait_for_epochs, workers_of
from tests.support.searching import factory, table, tree, tuner
from tests.support.trials import factory as badly
from tests.support.trials import telling

PROCESS = {"executor": "process"}


def test_trials_in_a_child_are_the_trials_in_this_process(tmp_path: Path) -> None:
    inline = tuner(tmp_path / "inline", n_trials=5)
    inline.optimize()
    child = tuner(tmp_path / "child", n_trials=5, **PROCESS)
    child.optimize()
    assert table(child) == table(inline)
    assert child.load_best_model() is not None
    log = (child.directory / "workers" / "worker-1.log").read_text()
    assert "Traceback" not in log
    assert len(list((child.directory / "workers").iterdir())) == 1


@pytest.mark.slow
def test_what_happens_to_a_process_is_a_result(tmp_path: Path) -> None:
    settings = {"n_workers": 2, "trial_time_limit": 6.0, "retries": 0, **PROCESS}
    search = tuner(tmp_path, n_trials=8, made=badly(tmp_path), target="score", **settings)
    incumbent = search.optimize()
    found = {spec.configuration["behaviour"]: search.history.results[spec.number] for spec in search.history.asks}
    assert incumbent["behaviour"] == "well"
    assert {name: result.status for name, result in found.items()} == {
        "good": Status.SUCCESS, "dies": Status.KILLED, "hangs": Status.TIMEOUT, "raises": Status.CRASHED,
        "dies once": Status.KILLED, "better": Status.SUCCESS, "best": Status.SUCCESS, "well": Status.SUCCESS,
    }  # fmt: skip
    for name in ("dies", "hangs"):  # what was checkpointed is kept, and counts for nothing
        assert found[name].epochs == 2
        assert found[name].score == pytest.approx({"dies": 0.11, "hangs": 0.21}[name])
    assert "SIGKILL" in found["dies"].reason
    assert "ran longer than its limit of 6 s" in found["hangs"].reason
    assert "as asked" in (search.directory / "trials" / f"{found['raises'].number:04d}" / "error.txt").read_text()
    assert "killed: the process of the trial died" in search.trial_table()


@pytest.mark.slow
def test_a_trial_whose_process_died_goes_on_in_another_when_asked(tmp_path: Path) -> None:
    made = badly(tmp_path, ("dies once", "good"))
    search = tuner(tmp_path, n_trials=1, made=made, target="score", retries=1, **PROCESS)
    search.optimize()
    result = search.history.results[1]
    assert (result.status, result.epochs) == (Status.SUCCESS, 4)
    events = [json.loads(line) for line in (search.directory / "journal.jsonl").read_text().splitlines()]
    assert [event["epoch"] for event in events if event["event"] == "epoch"] == [1, 2, 3, 4]  # epochs 1 and 2 once


@pytest.mark.slow
def test_with_two_in_flight_each_proposal_follows_from_the_journal_above_it(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=9, n_workers=2)
    search.optimize()
    events = [json.loads(line) for line in (search.directory / "journal.jsonl").read_text().splitlines()]
    in_flight = []
    for index, event in enumerate(events):
        if event["event"] != "ask":
            continue
        history = replay(events[:index], search.directory)
        in_flight.append(len(history.pending()))
        proposal = search.proposer.propose(search.plan.observations(history))
        assert proposal is not None
        assert proposal.values == search.history.spec(event["trial"]["number"]).configuration
    assert in_flight == [0] + [1] * 8
    assert len(search.log) == 9


@pytest.mark.slow
def test_classes_of_a_notebook_and_lambdas_travel(tmp_path: Path) -> None:
    class InACell(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.LazyLinear(1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x)

    search = tuner(tmp_path, n_trials=1, made=factory(model=lambda: InACell()), **PROCESS)
    search.optimize()
    assert search.history.results[1].status is Status.SUCCESS


def test_what_cannot_travel_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    import threading

    class Held(DigitsDataModule):
        def __init__(self) -> None:
            super().__init__()
            self.guard = threading.Lock()

    with pytest.raises(ExecutionError, match=r"trainer\.autofunc\.data\.guard: expected something that another process can"):
        tuner(tmp_path, made=factory(data=Held()), **PROCESS).optimize()
    assert tree(tmp_path) == []


@pytest.mark.slow
def test_a_first_trial_that_fails_shows_its_traceback(tmp_path: Path) -> None:
    from automax_lightning.errors import FirstTrialFailedError

    with pytest.raises(FirstTrialFailedError, match=r"(?s)as asked.*Traceback.*on_train_epoch_start"):
        tuner(tmp_path / "new", made=badly(tmp_path, ("raises", "good")), target="score", **PROCESS).optimize()
    assert not (tmp_path / "new").exists()


def test_too_many_workers_for_this_process_is_an_error() -> None:
    from automax_lightning import AutoMAXConfig

    with pytest.raises(ConfigError, match=r"n_workers: expected 1 with executor='inline', found 2"):
        AutoMAXConfig(executor="inline", n_workers=2)
    assert [AutoMAXConfig(**kwargs).place for kwargs in ({}, {"n_workers": 2}, {"scheduler": "tcp://a:1"})] == [
        "inline", "process", "dask",
    ]  # fmt: skip


@pytest.mark.slow
def test_a_worker_has_its_share_of_the_machine_and_is_replaced_when_asked(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=5, made=telling(), target="score", max_trials_per_worker=2, gpus_per_trial=0, **PROCESS)
    search.optimize()
    told = [search.history.results[number].val for number in range(1, 6)]
    pids = [each["pid"] for each in told]
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [2, 2, 1]
    assert os.getpid() not in pids
    assert all(each["threads"] == each["omp"] == 1 for each in told)  # the tests' own OMP_NUM_THREADS is an upper bound
    assert {result.reason for result in search.history.results.values()} == {""}  # no device is visible
    warm = tuner(tmp_path / "warm", n_trials=3, made=telling(), target="score", **PROCESS)
    warm.optimize()
    assert len({warm.history.results[number].val["pid"] for number in (1, 2, 3)}) == 1


PARENT = """
import sys
from pathlib import Path
from tests.support.trials import factory
from automax_lightning import AutoMAX, AutoMAXConfig
made = factory(Path(sys.argv[1]), ("good", "better", "best", "well"), epochs=int(sys.argv[2]))
config = AutoMAXConfig(name="s", n_trials=4, SEED=7, resampling="holdout", output_directory=sys.argv[1], n_workers=2)
AutoMAX(made, config, "score").optimize()
"""


def parent(folder: Path, epochs: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder), str(epochs)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, env={**os.environ, "PYTHONPATH": os.getcwd()},
    )  # fmt: skip


@pytest.mark.slow
def test_a_killed_parent_leaves_no_orphans_and_the_search_goes_on(tmp_path: Path) -> None:
    straight = parent(tmp_path / "straight", 120)
    assert straight.communicate(timeout=240)[0].count("trial ") >= 4
    first = parent(tmp_path / "killed", 120)
    wait_for_epochs(tmp_path / "killed" / "s" / "journal.jsonl", 30)
    workers = workers_of(first.pid)
    assert len(workers) == 2
    first.kill()
    first.communicate()
    end = time.monotonic() + 10
    while processes_of(workers) and time.monotonic() < end:
        time.sleep(0.1)
    assert processes_of(workers) == []
    second = parent(tmp_path / "killed", 120)
    second.communicate(timeout=240)
    assert second.returncode == 0
    tables = [tuner(tmp_path / name, n_trials=4, made=badly(tmp_path / name, ("good", "better", "best", "well"), 120),
                    target="score") for name in ("straight", "killed")]  # fmt: skip
    scores = [{tuple(entry["space"].items()): (entry["val"], entry["epochs"]) for entry in each.log} for each in tables]
    assert scores[0] == scores[1]
    assert len(tables[1].log) == 4


@pytest.mark.slow
def test_sigterm_of_the_parent_pauses_all_trials_after_their_epoch(tmp_path: Path) -> None:
    first = parent(tmp_path, 300)
    wait_for_epochs(tmp_path / "s" / "journal.jsonl", 30)
    first.send_signal(signal.SIGTERM)
    output, _ = first.communicate(timeout=60)
    assert "The same command continues" in output
    search = tuner(tmp_path, n_trials=4, made=badly(tmp_path, ("good", "better", "best", "well"), 300), target="score")
    paused = search.history.pending()
    assert len(paused) == 2
    for spec in paused:
        assert search.history.results[spec.number].status is Status.INTERRUPTED
        assert len(search.history.curves[spec.number]) == search.history.results[spec.number].epochs


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ddp_inside_a_trial_starts_its_ranks_and_nothing_else(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"trainer_kwargs": {"accelerator": "cpu", "devices": 2, "strategy": "ddp"}, "batch_size": 32}
    with pytest.raises(ConfigError, match=r"trainer_kwargs.strategy: .* Pass executor='process'"):
        tuner(tmp_path / "inline", made=factory(**settings)).optimize()
    search = tuner(tmp_path / "search", n_trials=4, made=factory(**settings), **PROCESS)
    search.optimize()
    events = [json.loads(line)["event"] for line in (search.directory / "journal.jsonl").read_text().splitlines()]
    assert (events.count("ask"), events.count("result")) == (4, 4)
    assert [entry["status"] for entry in search.log] == ["SUCCESS"] * 4
    alone = tuner(tmp_path / "alone", n_trials=1, made=factory(**settings), initial_configs=(), **PROCESS)
    alone.optimize()
    third = configuration(search.configspace, search.configuration_of(3))
    again = alone.train(third, seed=search.history.spec(3).seed)
    assert -again == search.history.results[3].score


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("place", ["inline", "process"])
def test_two_hundred_trials_leave_nothing_behind(tmp_path: Path, place: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.leaking", str(tmp_path), place], capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=850, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    early, late = seen["20"], seen["200"]
    assert late["memory"] <= 1.05 * early["memory"]
    assert late["threads"] == early["threads"]
    assert late["files"] == early["files"]


def test_an_unknown_place_is_named() -> None:
    from automax_lightning import AutoMAXConfig

    with pytest.raises(ConfigError, match=r"executor: expected one of .*'process'.* found 'proces'\. Did you mean 'process'"):
        AutoMAXConfig(executor="proces")
