"""`python -m automax_lightning`, for whoever has no `automax-lightning` on the path."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import automax_lightning


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "automax_lightning", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_module_is_the_command(tmp_path: Path) -> None:
    done = run("--version", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"automax-lightning {automax_lightning.__version__}\n")


def test_its_exit_code_is_the_commands(tmp_path: Path) -> None:
    done = run("tnue", folder=tmp_path)
    assert done.returncode == 2
    assert "Did you mean 'tune'?" in done.stderr


def test_the_version_is_the_installed_one() -> None:
    assert automax_lightning.__version__ == version("automax-lightning")
