"""Every example is run as it stands, in an empty folder, and the numbers that it prints are looked at."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def output(folder: Path, name: str, *args: str) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *args], cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def number(text: str, pattern: str) -> float:
    return float(re.findall(pattern + r"\D*?(-?\d+\.\d+)", text)[-1])


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_a_story_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 60
    assert f"({path.name})" in (EXAMPLES / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_fit_auroc(tmp_path: Path) -> None:
    assert number(output(tmp_path, "fit_auroc.py"), "test AUROC") > 0.8


@pytest.mark.slow
def test_tune_csv(tmp_path: Path) -> None:
    text = output(tmp_path, "tune_csv.py")
    assert number(text, "test AUROC") > 0.95  # the refit's
    assert number(text, r"ensemble\s+[01]\.\d+") > 0.95  # the ensemble's test column
    assert "label 1" in text


@pytest.mark.slow
def test_tune_own_module(tmp_path: Path) -> None:
    text = output(tmp_path, "tune_own_module.py")
    assert number(text, "best") < number(text, "default") < 1.2


@pytest.mark.slow
def test_multilabel(tmp_path: Path) -> None:
    text = output(tmp_path, "multilabel.py")
    assert number(text, "mean AUROC: validation") > 0.75
    assert text.count("label ") >= 3


@pytest.mark.slow
def test_resume(tmp_path: Path) -> None:
    text = output(tmp_path, "resume.py")
    assert "exit code -9" in text
    assert "the same table: True" in text
    assert number(text, "best AUROC") > 0.5


@pytest.mark.slow
def test_cluster(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    text = output(tmp_path, "cluster.py")
    assert "6 trials on 2 workers" in text
    assert number(text, "best AUROC") > 0.5


@pytest.mark.slow
def test_cli(tmp_path: Path) -> None:
    text = output(tmp_path, "cli.py", "tune", "--config", str(EXAMPLES / "cli.yaml"))
    best = number(text, r"\nbest")
    assert best < number(text, r"\ndefault")
    config = "automax_output/wine/best_config.yaml"
    output(tmp_path, "cli.py", "fit", "--config", config, "--trainer.logger", "CSVLogger", "--trainer.logger.save_dir", "logs")
    (path,) = tmp_path.glob("logs/**/metrics.csv")
    scores = [float(line.split(",")[-1]) for line in path.read_text().splitlines()[1:]]
    assert f"{min(scores):.6f}" == f"{best:.6f}"
