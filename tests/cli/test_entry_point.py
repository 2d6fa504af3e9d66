"""The command as a user types it: real processes, a CSV file, a network of their own."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from automax_lightning.cli import main
from automax_lightning.cli.entry_point import make_importable
from automax_lightning.search.storage.journal import read

MODULE = """
import torch

class Wide(torch.nn.Module):
    def __init__(self, width: int = 8, activation: str = "relu") -> None:
        super().__init__()
        act = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}[activation]
        self.layers = torch.nn.Sequential(torch.nn.Linear(3, width), act(), torch.nn.Linear(width, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)
"""


def command(*args: str, cwd: Path, **kwargs: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "automax_lightning.cli", *args], cwd=cwd, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(cwd), "OMP_NUM_THREADS": "1"}, timeout=240, **kwargs,
    )  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A stranger's folder: a CSV, a module of their own, a YAML."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(300, 3))
    label = np.where(x[:, 0] + 0.5 * generator.normal(size=300) > 1.3, "yes", "no")
    pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "label": label}).to_csv(tmp_path / "d.csv", index=False)
    (tmp_path / "mine.py").write_text(MODULE)
    config = {
        "model": {
            "class_path": "automax_lightning.AUCModule",
            "init_args": {"model": {"class_path": "mine.Wide"}, "loss": "AUCMLoss", "optimizer_kwargs": {"momentum": 0.5}},
        },
        "data": {
            "class_path": "automax_lightning.TabularDataModule",
            "init_args": {"path": "d.csv", "target": "label", "positive": "yes", "batch_size": 32},
        },
        "trainer": {"max_epochs": 3, "accelerator": "cpu"},
        "automax": {"name": "mine", "n_trials": 3, "SEED": 5},
    }
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(config))
    return tmp_path


def edit(project: Path, **sections: Any) -> None:
    config = yaml.safe_load((project / "c.yaml").read_text())
    (project / "c.yaml").write_text(yaml.safe_dump({**config, **sections}))


@pytest.mark.slow
def test_a_csv_and_a_network_of_ones_own_are_tuned_and_refitted(project: Path) -> None:
    search = {
        "model.init_args.optimizer_kwargs.lr": {"low": 0.01, "high": 0.5, "log": True, "default": 0.1},
        "model.init_args.model.init_args.width": {"low": 4, "high": 16},
        "model.init_args.model.init_args.activation": {"choices": ["relu", "tanh"]},
        "data.init_args.batch_size": {"choices": [16, 32], "default": 32},
        "trainer.gradient_clip_val": {"low": 0.5, "high": 2.0},
    }
    edit(project, search=search)
    done = command("tune", "--config", "c.yaml", cwd=project)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "\x1b" not in done.stdout
    assert "Trial    Val AUROC" in done.stdout
    assert "default   0." in done.stdout
    assert "best      0." in done.stdout
    folder = project / "automax_output" / "mine"
    best = yaml.safe_load((folder / "best_config.yaml").read_text())
    history = read(folder)
    assert len(history.final()) == 3
    assert {spec.configuration["trainer.gradient_clip_val"] for spec in history.asks} != {0.5}
    assert "search" not in best
    assert "automax" not in best
    again = command(
        "test", "--config", str(folder / "best_config.yaml"), "--ckpt_path", str(folder / "mine_best" / "best.ckpt"), cwd=project
    )
    assert again.returncode == 0, again.stderr[-3000:]
    expected = max((result for result in history.final().values()), key=lambda result: result.score or 0).test["AUROC"]
    assert float(re.findall(r"test/AUROC\D+([01]\.\d+)", again.stdout)[0]) == pytest.approx(expected, abs=1e-6)
    fitted = command("fit", "--config", str(folder / "best_config.yaml"), "--trainer.logger", "false", cwd=project)
    assert fitted.returncode == 0, fitted.stderr[-3000:]
    repeated = command("tune", "--config", "c.yaml", cwd=project)
    assert repeated.returncode == 0
    assert "trial 1 of" not in repeated.stdout


@pytest.mark.parametrize("written", [["--config", "{}"], ["--config={}"], ["-c", "{}"]])
def test_modules_beside_the_file_and_in_the_working_directory_can_be_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: list[str]
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "c.yaml").write_text("{}")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "path", ["first"])
    make_importable(["fit", *(part.format("../there/c.yaml") for part in written), "--trainer.max_epochs", "3"])
    assert [Path(folder).name for folder in sys.path] == ["first", "there", "here"]
    make_importable(["fit", "--config", "nowhere.yaml", "-c"])
    assert [Path(folder).name for folder in sys.path] == ["first", "there", "here"]


@pytest.mark.slow
def test_the_installed_command_finds_a_network_beside_its_file(project: Path) -> None:
    installed = Path(sys.executable).parent / "automax-lightning"
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    line = [str(installed), "tune", "--config", "c.yaml", "--automax.n_trials", "1", "--automax.executor", "process"]
    done = subprocess.run(line, cwd=project, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=plain, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
def test_without_a_search_section_the_pairs_default_space_is_searched(project: Path) -> None:
    done = command("tune", "--config", "c.yaml", "--automax.n_trials", "2", cwd=project)
    assert done.returncode == 0, done.stderr[-3000:]
    names = {name.rsplit(".", 1)[1] for name in read(project / "automax_output" / "mine").asks[0].configuration}
    assert names == {"lr", "epoch_decay", "weight_decay", "margin"}  # momentum is fixed in the YAML


@pytest.mark.parametrize(
    ("sections", "code", "message"),
    [
        ({"search": {"model.init_args.los": {"choices": ["a"]}}}, 2, "search.model.init_args.los: .*model.init_args.loss"),
        pytest.param(
            {"search": {"trainer.max_epochs": {"choices": ["many"]}}}, 2,
            "search.trainer.max_epochs: expected values of the type", marks=pytest.mark.slow),
        ({"search": {"data.init_args.batch_size": {"lo": 1}}}, 2, "data.init_args.batch_size: expected one of the keys"),
        ({"automax": {"n_trails": 3}}, 2, "n_trails"),
        ({"automax": {"n_trials": 0}}, 2, "n_trials"),
        pytest.param({"automax": {"target": "AUC"}}, 2, "AutoMAX.target", marks=pytest.mark.slow),
        ({"trainer": {"max_epoch": 3}}, 2, "max_epoch"),
        pytest.param({"data": {"class_path": "automax_lightning.TabularDataModule",
                               "init_args": {"path": "d.csv", "target": "label", "positive": "zebra"}}}, 2,
                     "TabularDataModule.positive: expected one of the labels", marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_bad_input_is_said_in_a_line_and_changes_nothing(project: Path, sections: Any, code: int, message: str) -> None:
    edit(project, **sections)
    before = sorted(path.name for path in project.iterdir() if path.name != "__pycache__")
    done = command("tune", "--config", "c.yaml", cwd=project)
    assert done.returncode == code, done.stderr[-3000:]
    assert re.search(message, done.stderr), done.stderr[-1500:]
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in project.iterdir() if path.name != "__pycache__") == before


@pytest.mark.slow
def test_user_code_that_fails_shows_its_traceback(project: Path) -> None:
    (project / "mine.py").write_text(MODULE.replace("return self.layers(x)", "return self.no_such_layer(x)"))
    done = command("tune", "--config", "c.yaml", cwd=project)
    assert done.returncode == 1
    assert "no_such_layer" in done.stderr
    assert not (project / "automax_output").exists()


def test_help_is_light_and_an_unknown_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    code = "import sys; from automax_lightning.cli import main; main(['--help']); "
    code += "print(sorted({'torch', 'smac'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert main(["tunee"]) == 2
    assert "Did you mean 'tune'" in capsys.readouterr().err
    assert main([]) == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("settings", [{}, {"min_budget": 2, "early_stop": "incumbent"}], ids=["plain", "budgets"])
def test_a_search_that_is_killed_again_and_again_is_the_search_that_never_was(project: Path, settings: Any) -> None:
    """Kill -9 of the real process at many instants; the same command goes on each time."""
    search = {"name": "mine", "n_trials": 12, "SEED": 5, **settings}
    edit(project, trainer={"max_epochs": 6, "accelerator": "cpu"}, automax=search)
    arguments = [sys.executable, "-m", "automax_lightning.cli", "tune", "--config", "c.yaml", "--automax.output_directory"]
    environment = {**os.environ, "PYTHONPATH": str(project), "OMP_NUM_THREADS": "1"}
    done = command(*arguments[3:], "straight", cwd=project)
    assert done.returncode == 0, done.stderr[-3000:]
    generator = np.random.default_rng(1)
    for _ in range(15):
        child = subprocess.Popen([*arguments, "killed"], cwd=project, env=environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        # Count from the moment that it works on the journal: importing takes long, and killing it there proves nothing.
        journal = project / "killed" / "mine" / "journal.jsonl"
        size = journal.stat().st_size if journal.exists() else 0
        while child.poll() is None and (not journal.exists() or journal.stat().st_size == size):
            time.sleep(0.005)
        time.sleep(float(generator.uniform(0, 0.5)))
        child.kill()
        if child.wait() == 0:
            break
    command(*arguments[3:], "killed", cwd=project)
    straight, killed = (read(project / name / "mine") for name in ("straight", "killed"))
    trials = project / "killed" / "mine" / "trials"
    assert killed.asks == tuple(
        dataclasses.replace(spec, directory=trials / f"{spec.number:04d}", search=killed.search) for spec in straight.asks
    )
    for number, result in straight.final().items():
        other = killed.final()[number]
        assert (other.status, other.score, other.curve, other.test) == (result.status, result.score, result.curve, result.test)
    lines = (project / "killed" / "mine" / "journal.jsonl").read_text().splitlines()
    ends = sum('"event": "result"' in line for line in lines)
    assert ends == 12 + sum('"event": "promote"' in line for line in lines)
    assert (ends > 12) == bool(settings)
    states = [
        __import__("torch").load(project / name / "mine" / "mine_best" / "best.ckpt", weights_only=False)["state_dict"]
        for name in ("straight", "killed")
    ]
    for key, value in states[0].items():
        assert not hasattr(value, "dtype") or bool((value == states[1][key]).all())
