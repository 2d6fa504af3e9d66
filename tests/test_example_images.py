"""The story of images is run as a user runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[1] / "examples" / "tune_images.py"


def test_the_story_is_short() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 60


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_story_of_images_finds_a_good_network(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), "here"], cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = re.search(r"^test AUROC (0\.\d+)$", done.stdout, flags=re.MULTILINE)
    assert found is not None
    assert float(found[1]) > 0.93
    assert (tmp_path / "here" / "images" / "resnet20_best" / "best.ckpt").is_file()
