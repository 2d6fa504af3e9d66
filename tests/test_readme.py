"""What the README says is run as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from automax_lightning import pairs

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


FRAGMENTS = """
from automax_lightning import AutoMAX, AutoMAXConfig, DigitsDataModule, trainer_factory
from automax_lightning.models import MLP
from distributed import Client

factory = trainer_factory(lambda: MLP((8,)), DigitsDataModule(), epochs=2)
config = AutoMAXConfig(name="mine", n_trials=3)
tuner = AutoMAX(factory, config, quiet=True)
tuner.optimize()
my_dask_client = Client(processes=False, n_workers=1, dashboard_address=None)
"""
"""What the README has said before its fragments (``py``), which go on from there."""


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(blocks("py"))))
def test_fragments_run(number: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FRAGMENTS + blocks("py")[number] + "my_dask_client.close()"], cwd=tmp_path, capture_output=True,
        text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_python_examples_run(number: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", blocks("python")[number]], cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_the_table_of_pairs_is_the_catalogue() -> None:
    for name in pairs.names():
        pair = pairs.get(name)
        optimizers = ", ".join(choice.name for choice in pair.optimizers)
        assert f"| `{name}` | {optimizers} | {pair.objective} | {pair.use_when} | {pair.reference} |" in README


def test_there_are_exactly_two_commands_for_a_newcomer() -> None:
    commands = [line for block in blocks("bash") for line in block.splitlines() if line.startswith("pip install")]
    assert commands == [
        "pip install -e . && automax-lightning tune --config examples/digits.yaml",
        'pip install -e ".[dev]" && pytest',
    ]


def test_the_changelog_knows_this_version() -> None:
    from importlib.metadata import version

    import automax_lightning

    assert automax_lightning.__doc__
    assert f"## [{version('automax-lightning')}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
