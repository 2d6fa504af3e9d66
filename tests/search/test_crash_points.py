"""A search that is killed, or whose disk fails, at any step: the same command leaves what the uncut search would have left."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fcntl", reason="each step is taken in a forked process")


def swept(scenario: str, kind: str, folder: Path, stride: int) -> dict[str, Any]:
    line = [sys.executable, "-W", "ignore", "-m", "tests.support.crashing", scenario, kind, str(folder), str(stride)]
    done = subprocess.run(line, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.slow
def test_a_kill_at_a_few_steps_changes_nothing(tmp_path: Path) -> None:
    answer = swept("plain", "kill", tmp_path, stride=30)
    assert answer["steps"] > 100
    assert answer["wrong"] == {}


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("scenario", ["plain", "budgets", "seeds", "folds", "two at once", "overwrite"])
def test_a_kill_at_every_step_changes_nothing(tmp_path: Path, scenario: str) -> None:
    answer = swept(scenario, "kill", tmp_path, stride=1)
    assert answer["steps"] > 100
    assert answer["wrong"] == {}


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("scenario", ["plain", "budgets", "overwrite"])
def test_one_io_error_at_any_step_loses_no_trial_and_keeps_no_wrong_best(tmp_path: Path, scenario: str) -> None:
    assert swept(scenario, "error", tmp_path, stride=3)["wrong"] == {}
