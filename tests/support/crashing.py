"""A search that is cut, or that meets an I/O error, at one step on the disk: which steps there are, and what is left.

    python -m tests.support.crashing SCENARIO {kill,error} FOLDER [STRIDE]

Each step is taken in a forked process. It prints one JSON object: steps, and what differs from the uncut search at which.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from automax_lightning import AutoMAX
from automax_lightning.search.executors.base import InlineExecutor
from automax_lightning.search.storage.journal import read
from automax_lightning.search.storage.state_file import read_state
from automax_lightning.trial.records import OnEpoch, StopRequested, TrialSpec
from automax_lightning.tuner import loop
from tests.support.cheap import cheap

SCENARIOS: dict[str, dict[str, Any]] = {
    "plain": {},
    "budgets": {"min_budget": 1, "max_budget": 3},
    "seeds": {"n_seeds": 2, "deterministic": False},
    "folds": {"resampling": "cv", "n_folds": 2, "n_trials": None, "n_fits": 4},
    "two at once": {},
    "overwrite": {"overwrite": True},
}
CLOCK = ('"output_directory"', '"last_update"')
"""Lines of SMAC's files that are other ones at each writing."""
STEPS = ("rename", "replace", "link", "unlink", "rmdir", "fsync", "write")


class TwoAtOnce(InlineExecutor):
    """Two trials in flight, of which the later one ends first."""

    slots = 2

    def submit(self, spec: TrialSpec, on_epoch: OnEpoch, stop_requested: StopRequested) -> None:
        self._submitted.insert(0, (spec, on_epoch, stop_requested))


def search(folder: Path, scenario: str, trials: int = 4) -> AutoMAX:
    return cheap(folder, **{"n_trials": trials, **SCENARIOS[scenario]})


def run(folder: Path, scenario: str) -> AutoMAX:
    """The command: four trials."""
    if scenario == "two at once":
        loop.make_executor = lambda config, make, objective, *rest: TwoAtOnce(_maker(make), objective)  # type: ignore[assignment]
    tuner = search(folder, scenario)
    tuner.optimize()
    return tuner


def _maker(trainer: Any) -> Callable[[TrialSpec], Any]:
    from automax_lightning.space.configurations import configuration

    return lambda spec: trainer(configuration(trainer.cs, spec.configuration))


def prepare(folder: Path, scenario: str) -> None:
    """What is there before the command."""
    if scenario == "overwrite":
        cheap(folder, n_trials=2, SEED=5).optimize()


@contextlib.contextmanager
def counted(folder: Path, act: Callable[[int, str], None]) -> Iterator[list[str]]:
    """Call `act` with number and name before each step that touches `folder`; yields the names of the steps."""
    steps: list[str] = []
    real = {name: getattr(os, name) for name in STEPS}

    def guard(name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if _path(args[0]).startswith(f"{folder}/"):
                steps.append(f"{name} {_path(args[0]).removeprefix(f'{folder}/')}")
                act(len(steps), name)
            return real[name](*args, **kwargs)

        return call

    for name in STEPS:
        setattr(os, name, guard(name))
    try:
        yield steps
    finally:
        for name in STEPS:
            setattr(os, name, real[name])


def _path(first: Any) -> str:
    return os.readlink(f"/proc/self/fd/{first}") if isinstance(first, int) else os.path.abspath(os.fspath(first))


def forked(action: Callable[[], None]) -> int:
    """The exit code of an action in a forked process."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            action()
            os._exit(0)
        if os.environ.get("CRASHING_LOUD"):
            traceback.print_exc()
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def left(folder: Path, scenario: str) -> dict[str, Any]:
    """Everything that a search leaves: names, contents that do not depend on the clock or on chance, and its table."""
    home = folder / "mine"
    history = read(home)
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.name.startswith("lock"))
    told: dict[str, Any] = {"names": names, "warnings": history.warnings, "settled": history.settled}
    for path in [*home.rglob("*.ckpt"), *home.rglob("trial.yaml"), *home.glob("smac/*.json")]:
        text = path.read_text().replace(history.search, "ID")
        told[path.relative_to(home).as_posix()] = "\n".join(x for x in text.splitlines() if not any(key in x for key in CLOCK))
    told["state"] = json.loads(json.dumps(read_state(home / "state.pkl")).replace(str(folder), "FOLDER"))
    told["asks"] = repr([dataclasses.replace(spec, search="", directory=None) for spec in history.asks])
    told["results"] = repr([dataclasses.replace(result, checkpoint=None) for _, result in sorted(history.results.items())])
    settings = {key: value for key, value in SCENARIOS[scenario].items() if key != "overwrite"}
    told["table"] = cheap(folder, **{"n_trials": 4, **settings}).trial_table()
    return told


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return [f"{key}: {one.get(key)!r} -> {other.get(key)!r}"[:600] for key in {**one, **other} if one.get(key) != other.get(key)]


def sweep(scenario: str, kind: str, folder: Path, stride: int) -> dict[str, Any]:
    """Cut the command at every step, run it again, and compare what is left with the uncut search."""
    uncut = folder / "uncut"
    prepare(uncut, scenario)
    with counted(uncut, lambda number, name: None) as steps:
        run(uncut, scenario)
    expected = left(uncut, scenario)
    wrong: dict[str, Any] = {}
    for fatal in range(1, len(steps) + 1, stride):
        place = folder / str(fatal)

        def act(number: int, name: str, fatal: int = fatal) -> None:
            if number != fatal:
                return
            if kind == "kill":
                os._exit(9)
            raise OSError(errno.ENOSPC if number % 2 else errno.EIO, "as asked")

        def cut(place: Path = place, act: Any = act) -> None:
            prepare(place, scenario)
            with counted(place, act):
                run(place, scenario)

        codes = [forked(cut), forked(lambda place=place: run(place, scenario) and None)]
        try:
            found = differences(expected, left(place, scenario))
        except Exception as error:
            found = [f"{type(error).__name__}: {error}"]
        if found or codes[1]:
            wrong[f"{fatal} {steps[fatal - 1]}"] = [codes, *found]
    return {"steps": len(steps), "wrong": wrong}


def main(arguments: list[str]) -> None:
    scenario, kind, folder = arguments[:3]
    swept = sweep(scenario, kind, Path(folder).resolve(), int(arguments[3]) if arguments[3:] else 1)
    sys.stdout.write(json.dumps(swept) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
