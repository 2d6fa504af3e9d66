"""A typo is found in under a second, without torch; what is right passes, whatever it is."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from automax_lightning.cli.early_checks import check
from automax_lightning.cli.signatures import arguments_of
from automax_lightning.errors import ConfigError, SpaceError

GOOD: dict[str, Any] = {
    "seed_everything": 3,
    "model": {
        "class_path": "automax_lightning.AUCModule",
        "init_args": {"model": {"class_path": "mine.Net"}, "loss": "AUCMLoss"},
    },
    "data": {"class_path": "automax_lightning.DigitsDataModule", "init_args": {"share": 0.1}},
    "optimizer": {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.1}},
    "trainer": {"max_epochs": 3, "callbacks": [{"class_path": "EarlyStopping", "init_args": {"monitor": "x"}}]},
    "search": {
        "model.optimizer_kwargs.lr": {"low": 0.1, "high": 0.5, "when": {"data.batch_size": 8}},
        "model.init_args.model.init_args.width": {"choices": [4]},
        "data.batch_size": [8, 16],
        "optimizer.lr": {"value": 0.1},
        "trainer.gradient_clip_val": {"low": 0.5, "high": 1.0},
        "seed_everything": {"choices": [1, 2]},
    },
    "automax": {"name": "x", "target": "AUROC", "warm_start": None},
    "quiet": True,
}


def write(root: Path, **sections: Any) -> str:
    (root / "c.yaml").write_text(yaml.safe_dump({**GOOD, **sections}))
    return str(root / "c.yaml")


def test_what_is_right_passes(tmp_path: Path) -> None:
    options = [
        "--trainer.callbacks+=EarlyStopping",
        "--automax.n_trials=3",
        "--model.init_args.loss",
        "x",
        "--quiet",
        "--print_config",
    ]
    check(["tune", "--config", write(tmp_path), *options])
    check(["fit", f"--config={write(tmp_path)}", "--ckpt_path", "x", "--anything"])
    check(["tune", "--help"])
    check(["tune", "-c", write(tmp_path, model={"class_path": "AUCModule", "init_args": {"whatever": 1}})])
    assert arguments_of("sklearn.linear_model.NoSuchClass") is None


@pytest.mark.parametrize(
    ("sections", "error", "message"),
    [
        ({"trainr": {}}, ConfigError, "trainr: .*Did you mean 'trainer'"),
        ({"trainer": {"max_epoch": 3}}, ConfigError, "trainer.max_epoch: .*'max_epochs'"),
        ({"automax": {"n_trails": 3}}, ConfigError, "automax.n_trails: .*'n_trials'"),
        ({"automax": {"n_trials": 0}}, ConfigError, "n_trials: expected an integer"),
        ({"model": {"class_path": "automax_lightning.AUCModule", "init_args": {"los": 1}}}, ConfigError,
         "model.init_args.los: .*'loss'"),
        ({"data": {"class_path": "automax_lightning.TabularDataModule", "init_args": {"pth": 1}}}, ConfigError, "'path'"),
        ({"search": {"model.init_args.los": {"value": 1}}}, ConfigError, "search.model.init_args.los: .*'model.init_args.loss'"),
        ({"search": {"model.los": {"value": 1}}}, ConfigError, "search.model.los: .*'model.loss'"),
        ({"search": {"trainer.gradient_clip": {"value": 1}}}, ConfigError, "'trainer.gradient_clip_val'"),
        ({"search": {"modle.loss": {"value": 1}}}, ConfigError, "search.modle: .*'model'"),
        ({"search": {"data.batch_size": {"lo": 1}}}, SpaceError, "data.batch_size: expected one of the keys"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, sections: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        check(["tune", "--config", write(tmp_path, **sections)])


@pytest.mark.parametrize(
    ("option", "message"),
    [("--trainer.max_epoch=3", "'max_epochs'"), ("--automax.n_trails", "'n_trials'"), ("--modle", "'model'")],
)
def test_options_are_checked_too(option: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check(["tune", option, "3"])


def test_files_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--config: expected an existing file, found 'no.yaml'"):
        check(["fit", "--config", "no.yaml"])
    (tmp_path / "bad.yaml").write_text("a: [1,\nb: 2")
    with pytest.raises(ConfigError, match="bad.yaml: expected YAML, found .*line 2"):
        check(["tune", "--config", str(tmp_path / "bad.yaml")])
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(ConfigError, match="expected sections"):
        check(["tune", "--config", str(tmp_path / "list.yaml")])


def test_a_module_of_ones_own_is_read_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "early_mine.py").write_text("raise SystemExit\nclass Net:\n    def __init__(self, width, *, lr=0.1): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert arguments_of("early_mine.Net") == {"width", "lr"}


def test_a_parse_error_is_quick_and_loads_nothing_heavy(tmp_path: Path) -> None:
    path = write(tmp_path, trainer={"max_epoch": 3})
    code = "import sys, time; from automax_lightning.cli import main; code = main(sys.argv[1:]); "
    code += "print(code, sorted({'torch', 'lightning', 'smac', 'libauc', 'ConfigSpace'} & set(sys.modules)))"
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", code, "tune", "--config", path], capture_output=True, text=True, check=True, env={**os.environ}
        )
        best = min(best, time.perf_counter() - start)
        assert done.stdout.strip() == "2 []"
    assert best < 1.0
