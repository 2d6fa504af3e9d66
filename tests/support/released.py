"""Searches as the released 0.1.0 has left them on disk, and the same searches to be extended.

The directories in `searches_of_0_1_0/` were written by the released code, but for SMAC's derived files left out for size:

    PYTHONPATH=<a checkout of 0.1.0> python tests/support/released.py

It runs each search of `SEARCHES` for `TRIALS`, keeps its directory, extends a copy by two trials, and keeps what all
trials were and scored as `expected.json`. `tuned/` is the same from a configuration file and the command.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from automax_lightning import AutoMAX, AutoMAXCLI, AutoMAXConfig, TabularDataModule, autopartial, trainer_factory
from automax_lightning.models import MLP

FOLDER = Path(__file__).with_name("searches_of_0_1_0")

SEARCHES: dict[str, dict[str, Any]] = {"plain": {}, "budgets": {"min_budget": 1}, "seeds": {"n_seeds": 2}}
"""Name -> the settings that are not the plain ones."""

TRIALS = {"plain": 3, "budgets": 3, "seeds": 3, "tuned": 1}

DOCUMENT: dict[str, Any] = {
    "model": {
        "class_path": "automax_lightning.AUCModule",
        "init_args": {
            "model": {"class_path": "automax_lightning.models.MLP", "init_args": {"hidden": [4]}},
            "loss": "AUCMLoss",
        },
    },
    "data": {
        "class_path": "automax_lightning.TabularDataModule",
        "init_args": {"path": "table.csv", "target": "label", "batch_size": 16},
    },
    "trainer": {"max_epochs": 3, "accelerator": "cpu", "logger": False},
    "search": {"model.init_args.optimizer_kwargs.lr": {"low": 0.001, "high": 1.0, "log": True, "default": 0.01}},
    "automax": {"name": "tuned", "target": "AUROC", "SEED": 7, "initial": "default", "output_directory": "."},
}
"""A configuration file as a user of 0.1.0 has written it."""


def arrays() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Features and labels of 150 rows, the same on any machine."""
    rows = np.arange(450, dtype=np.float64).reshape(150, 3)
    X = np.round(np.sin(rows * 12.9898) * 4.0, 3)
    y = (X[:, 0] - X[:, 1] + 6.0 * np.cos(rows[:, 1] * 78.233) > 1.0).astype(np.int64)
    return X, y


def network() -> MLP:
    return MLP((4,))


def factory() -> autopartial:
    X, y = arrays()
    return trainer_factory(
        network, TabularDataModule(X, y, batch_size=16, seed=0), loss="AUCMLoss", epochs=3,
        optimizer_kwargs={"lr": {"val": (0.001, 1.0), "log": True, "default": 0.01}},
        loss_kwargs={"margin": (0.1, 1.0)}, trainer_kwargs={"accelerator": "cpu"},
    )  # fmt: skip


def tuner(name: str, n_trials: int) -> AutoMAX:
    """One of `SEARCHES`, in the working directory."""
    config = AutoMAXConfig(name=name, n_trials=n_trials, SEED=7, initial="default", output_directory=".", **SEARCHES[name])
    return AutoMAX(factory(), config, "AUROC", quiet=True)


def write_document() -> None:
    """The configuration file and its table, in the working directory."""
    X, y = arrays()
    lines = ["a,b,c,label", *(",".join(map(str, [*row, label])) for row, label in zip(X.tolist(), y.tolist(), strict=True))]
    Path("table.csv").write_text("\n".join(lines) + "\n")
    Path("tune.yaml").write_text(yaml.safe_dump(DOCUMENT))


def tune(n_trials: int) -> AutoMAX:
    """The search of the configuration file in the working directory."""
    line = ["tune", "--config", "tune.yaml", "--quiet", f"--automax.n_trials={n_trials}"]
    search: AutoMAX = AutoMAXCLI(args=line).tuner
    return search


def told(search: AutoMAX) -> list[dict[str, Any]]:
    """What its trials were and what they brought, as JSON knows it."""
    keys = ("trial", "origin", "seed", "space", "status", "val", "test", "epochs", "best_epoch")
    entries: list[dict[str, Any]] = json.loads(json.dumps([{key: entry[key] for key in keys} for entry in search.log]))
    return entries


@contextlib.contextmanager
def working_in(folder: Path) -> Any:
    """Change the working directory for a while, so that no path of this machine is written."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def main() -> None:
    """Make the directories anew, with whatever version is imported."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    for name in (*SEARCHES, "tuned"):
        with tempfile.TemporaryDirectory() as folder, working_in(Path(folder)):
            write_document()
            run = tune if name == "tuned" else lambda n_trials, name=name: _optimized(name, n_trials)
            run(TRIALS[name])
            shutil.copytree(name, FOLDER / name, ignore=shutil.ignore_patterns("smac"))
            (FOLDER / name / "expected.json").write_text(json.dumps(told(run(TRIALS[name] + 2)), indent=1) + "\n")


def _optimized(name: str, n_trials: int) -> AutoMAX:
    search = tuner(name, n_trials)
    search.optimize()
    return search


if __name__ == "__main__":
    sys.exit(main())
