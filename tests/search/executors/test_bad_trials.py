"""One bad trial in this process costs one trial."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from ConfigSpace import Categorical

from automax_lightning import Fit, Objective, Status, TrialResult, TrialSpec, autopartial
from automax_lightning.errors import FirstTrialFailedError
from automax_lightning.search.executors import watchdog
from automax_lightning.search.executors.base import InlineExecutor, run_trial
from automax_lightning.trial.records import Trainable
from tests.support.fits import Points, Regression
from tests.support.searching import tuner


class Aborts(BaseException):
    pass


def leave(folder: str) -> None:
    os.chdir(folder)


def ignore_signals(folder: str) -> None:
    for which in (signal.SIGINT, signal.SIGTERM):
        signal.signal(which, signal.SIG_IGN)


def undecodable(folder: str) -> None:
    raise FileNotFoundError(os.fsdecode(b"\xff.csv"))


def interrupt(folder: str) -> None:
    raise KeyboardInterrupt


def abort(folder: str) -> None:
    raise Aborts("as asked")


def wait_for_ever(folder: str) -> None:
    threading.Event().wait()


DEEDS: dict[str, Any] = {
    "nothing": lambda folder: None, "sys.exit": lambda folder: sys.exit(3), "interrupt": interrupt, "abort": abort,
    "undecodable": undecodable, "leave": leave, "signals": ignore_signals, "hang": wait_for_ever,
    "os._exit": lambda folder: os._exit(3),
}  # fmt: skip


class Doing(Regression):
    """Does something bad at the start of its second epoch."""

    def __init__(self, deed: str, folder: str) -> None:
        super().__init__()
        self.deed, self.folder = deed, folder

    def on_train_epoch_start(self) -> None:
        if self.current_epoch == 1:
            DEEDS[self.deed](self.folder)


class Trial:
    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __call__(self, deed: str, k: int = 0) -> Fit:
        return Fit(lambda: Doing(deed, self.folder), lambda seed: Points(), epochs=2, objective=Objective("score"),
                   trainer_kwargs={"accelerator": "cpu"})  # fmt: skip


def doing(folder: Path, *deeds: str) -> autopartial:
    return autopartial(Trial(folder), deed=Categorical("deed", deeds, default=deeds[0]))


@pytest.mark.parametrize(
    ("deed", "status", "reason"),
    [
        ("sys.exit", Status.CRASHED, "SystemExit: 3"),
        ("interrupt", Status.CRASHED, "SystemExit: 1"),  # which is what Lightning makes of a KeyboardInterrupt
        ("abort", Status.CRASHED, "Aborts: as asked"),
        ("undecodable", Status.CRASHED, r"FileNotFoundError: \udcff.csv"),
        ("leave", Status.SUCCESS, ""),
        ("signals", Status.SUCCESS, ""),
    ],
)
@pytest.mark.parametrize("place", ["inline", pytest.param("process", marks=pytest.mark.slow)])
def test_one_bad_trial_costs_one_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str, status: Status, reason: str, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    handlers = [signal.getsignal(which) for which in (signal.SIGINT, signal.SIGTERM)]
    search = tuner(Path("out"), n_trials=2, made=doing(tmp_path / "elsewhere", "nothing", deed), target="score", executor=place)
    search.optimize()
    first, second = search.history.results[1], search.history.results[2]
    assert first.status is Status.SUCCESS
    assert (second.status, reason in second.reason) == (status, True)
    assert second.epochs == (2 if status is Status.SUCCESS else 1)
    assert Path.cwd() == tmp_path
    assert [signal.getsignal(which) for which in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "out"]
    assert list((tmp_path / "elsewhere").iterdir()) == []
    errors = [path.parent.name for path in (tmp_path / "out").rglob("error.txt")]
    assert errors == ([] if status is Status.SUCCESS else ["0002"])
    json.loads((tmp_path / "out" / "s" / "journal.jsonl").read_text(encoding="utf-8").splitlines()[-1])


@pytest.mark.slow
def test_a_worker_that_leaves_by_itself_is_said_to_have_done_so(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=2, made=doing(tmp_path, "nothing", "os._exit"), target="score", executor="process")
    search.optimize()
    result = search.history.results[2]
    assert result.status is Status.KILLED
    assert result.reason.startswith("the process of the trial died: exit code 3; see ")


def test_a_first_trial_that_exits_says_so(tmp_path: Path) -> None:
    with pytest.raises(FirstTrialFailedError, match=r"trial 1: expected a fit that runs, found SystemExit: 3"):
        tuner(tmp_path, made=doing(tmp_path, "sys.exit", "nothing"), target="score").optimize()
    assert not (tmp_path / "s").exists()


def test_a_trial_that_hangs_in_this_process_is_ended_at_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "GRACE_SECONDS", 1.0)
    search = tuner(tmp_path, n_trials=2, made=doing(tmp_path, "nothing", "hang"), target="score", trial_time_limit=2.0)
    search.optimize()
    result = search.history.results[2]
    assert (result.status, result.epochs) == (Status.TIMEOUT, 1)
    assert result.reason == "hung beyond its limit of 2 s and was ended; its stack is in stack.txt"
    folder = search.directory / "trials" / "0002"
    assert "wait_for_ever" in (folder / "stack.txt").read_text()
    assert "wait_for_ever" in (folder / "error.txt").read_text()


class Forgets:
    def run(self, seed: int = 0, **kwargs: Any) -> Any:
        return None


def test_a_trainable_without_a_result_is_named(tmp_path: Path) -> None:
    result, error = run_trial(lambda spec: Forgets(), TrialSpec(3, {}), Objective("AUROC"), None, None, None)
    assert result.reason == "Forgets.run: expected a TrialResult, found None. Return one, as Fit.run does."
    assert error is not None


def test_a_relative_directory_is_where_the_trial_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Fails:
        def run(self, seed: int = 0, **kwargs: Any) -> TrialResult:
            os.chdir("/")
            raise RuntimeError("no")

    monkeypatch.chdir(tmp_path)

    def make(spec: TrialSpec) -> Trainable:
        return Fails()

    executor = InlineExecutor(make, Objective("AUROC"))
    executor.submit(TrialSpec(1, {}, directory=Path("one")), lambda epoch, score: None, lambda: False)
    assert executor.wait().status is Status.CRASHED
    assert (tmp_path / "one" / "error.txt").exists()


INTERRUPTED = """
import os, signal, sys, threading
from pathlib import Path
from tests.search.executors import test_bad_trials
from tests.support.searching import tuner

def pressed(folder):
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait()

test_bad_trials.DEEDS["press"] = pressed
folder = Path(sys.argv[1])
try:
    tuner(folder, n_trials=3, made=test_bad_trials.doing(folder, "nothing", "press"), target="score").optimize()
except KeyboardInterrupt:
    print("handler", signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


@pytest.mark.slow
def test_a_second_ctrl_c_ends_the_search_at_once_and_costs_no_trial(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, str(tmp_path)], capture_output=True, text=True, check=True,
                          timeout=120, env=environment)  # fmt: skip
    assert done.stdout.splitlines()[-1] == "handler True"
    search = tuner(tmp_path, n_trials=3, made=doing(tmp_path, "nothing", "press"), target="score")
    assert [spec.number for spec in search.history.pending()] == [2]
