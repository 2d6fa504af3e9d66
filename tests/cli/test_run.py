"""``automax-lightning run`` as a user types it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from automax_lightning import AUROC
from automax_lightning.cli import main
from automax_lightning.recipes import load
from automax_lightning.search.storage.journal import read

RECIPES = sorted((Path(__file__).parents[2] / "examples" / "recipes").glob("*.yaml"))
SMALL = {
    "dataset": {"name": "digits", "eval_splits": ["val", "test"], "kwargs": {"imratio": 0.1}},
    "model": {"name": "mlp", "hidden": {"choices": [[8], [16, 8]]}},
    "metrics": ["AUROC"],
    "training": {"experiment_name": "mine", "epochs": 2, "batch_size": 64, "SEED": 7},
    "automax": {"name": "small", "n_trials": 3, "SEED": 1},
}


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(SMALL))
    return tmp_path


@pytest.mark.parametrize("deterministic", [True, False])
def test_a_recipe_is_run_continued_and_reproduced_by_its_best_recipe(
    small: Path, deterministic: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    automax = {**SMALL["automax"], "deterministic": deterministic}  # type: ignore[dict-item]
    (small / "r.yaml").write_text(yaml.safe_dump({**SMALL, "automax": automax}))
    assert main(["run", "--config_file", "r.yaml"]) == 0
    said = capsys.readouterr().out
    assert "Trial    Val AUROC" in said
    assert "default   0." in said
    assert "best      0." in said
    folder = small / "automax_output" / "small"
    history = read(folder)
    assert len(history.final()) == 3
    assert (folder / "mine_best" / "best.ckpt").is_file()
    best = max(history.final().values(), key=lambda result: result.score or 0)
    assert main(["run", "--config_file", str(folder / "best_recipe.yaml")]) == 0
    again = read(small / "automax_output" / "small_again").final()
    assert [(result.score, result.test) for result in again.values()] == [(best.score, best.test)]
    capsys.readouterr()
    assert main(["run", "--config_file", "r.yaml", "--resume"]) == 0
    assert "trial 1 of" not in capsys.readouterr().out


def test_every_flag_is_obeyed(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--epochs", "1", "--batch_size", "32", "--eval_batch_size", "50", "--sampling_rate", "0.25", "--num_workers", "0",
             "--output_path", "there", "--seed", "11", "--no-resume", "--save_checkpoint_every", "5"]  # fmt: skip
    assert main(["run", "--config_file", "r.yaml", *flags]) == 0
    history = read(small / "there" / "small")
    assert [result.epochs for result in history.final().values()] == [1, 1, 1]
    assert {spec.seed for spec in history.asks} == {11}
    fit = history.settings["fit"]
    assert (fit["epochs"], fit["batch_size"], fit["sampling_rate"]) == (1, 32, 0.25)
    assert "Note: training.save_checkpoint_every: a checkpoint is written after every epoch" in capsys.readouterr().out
    assert yaml.safe_load((small / "there" / "small" / "config.yaml").read_text())["overwrite"] is True


@pytest.mark.parametrize("silence", [["--quiet"], []], ids=["flag", "verbose: 0"])
def test_quiet_is_quiet(small: Path, silence: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    training = {**SMALL["training"], "epochs": 1, "verbose": 1 if silence else 0, "save_checkpoint_every": 5}  # type: ignore[dict-item]
    (small / "r.yaml").write_text(yaml.safe_dump({**SMALL, "training": training}))
    assert main(["run", "--config_file", "r.yaml", *silence]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config_file", "no.yaml"], "no.yaml: expected a recipe, a YAML file, found no such file"),
        (["--config_file", "r.yaml", "--epoch", "3"], "expected a flag of this command, found --epoch. Did you mean '--epochs'"),
        (["--config_file", "r.yaml", "--epochs", "0"], "training.epochs: expected an integer of at least 1"),
        (["--config_file", "r.yaml", "--sampling_rate", "2"], "sampling_rate"),
    ],
)
def test_bad_input_is_exit_code_2_in_a_line(
    small: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert [path.name for path in small.iterdir()] == ["r.yaml"]


def test_the_originals_own_flag_is_known_and_a_parse_error_is_quick(small: Path) -> None:
    code = "import sys; from automax_lightning.cli import main; "
    code += "code = main(['run', '--config_file', 'r.yaml', '--no-resume_from_checkpoint', '--x', '1']); "
    code += "print(code, sorted({'torch', 'smac', 'lightning'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    assert done.stdout.strip() == "2 []"
    assert "found --x" in done.stderr


EXPECTED: dict[str, tuple[str, str, str, dict[str, float]]] = {
    "auroc": ("AUCMLoss", "PESG", "AUROC", {}),
    "auprc": ("APLoss", "SOAP", "AUPRC", {}),
    "pauc_one_way": ("pAUC_DRO_Loss", "SOPAs", "AUROC", {"max_fpr": 0.3}),
    "pauc_two_way": ("tpAUC_KL_Loss", "SOTAs", "AUROC", {"max_fpr": 0.3, "min_tpr": 0.7}),
    "pauc_two_way_cvar": ("tpAUC_CVaR_loss", "STACO", "AUROC", {"max_fpr": 0.3, "min_tpr": 0.7}),
}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_example_recipes_train_on_what_they_say(path: Path) -> None:
    loss, optimizer, target, bounds = EXPECTED[path.stem]
    loaded = load(path)
    fit = loaded.factory(loaded.factory.cs.get_default_configuration())
    callback: Any = next(callback for callback in fit.callbacks if isinstance(callback, AUROC))
    assert (fit.module.pair.name, fit.module.choice.name) == (loss, optimizer)
    assert (loaded.target, callback.metrics, callback.metric_kwargs) == (target, (target,), bounds)
    assert loaded.notes == ()
    assert f"run --config_file examples/recipes/{path.name}" in path.read_text()


def test_there_is_a_recipe_of_each_kind() -> None:
    assert {path.stem for path in RECIPES} == set(EXPECTED)


@pytest.mark.slow
def test_the_command_of_the_guide_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[2]
    lines = (root / "examples" / "guide" / "recipes.md").read_text(encoding="utf-8").splitlines()
    command = next(shlex.split(line) for line in lines if line.startswith("automax-lightning run "))
    shutil.copytree(root / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    assert main(command[1:]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_example_recipes_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--config_file", str(path)]) == 0
    results = read(tmp_path / "automax_output" / f"recipe_{path.stem}").final()
    scores = [result.score for result in results.values()]
    assert len(scores) == 3
    assert max(score or 0 for score in scores) > 0.8
    assert all(EXPECTED[path.stem][2] in result.test for result in results.values())
