from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from automax_lightning.search.storage.directory import TrialDirectories

SWAP = """
import os, sys, shutil
from pathlib import Path
from automax_lightning.search.storage import directory as checkpoints
from automax_lightning.search.storage import state_file as state
root, fatal = Path(sys.argv[1]), int(sys.argv[2])
calls = 0
def guard(real):
    def call(*args, **kwargs):
        global calls
        calls += 1
        if calls == fatal:
            os._exit(9)
        return real(*args, **kwargs)
    return call
for name in ("rename", "replace", "link", "fsync"):
    setattr(os, name, guard(getattr(os, name)))
shutil.rmtree = guard(shutil.rmtree)
checkpoints.TrialDirectories(root).replace_best("exp", root / "new.ckpt", {"trial.yaml": "new"})
"""


def content(best: Path) -> tuple[str, str]:
    return (best / "best.ckpt").read_text(), (best / "trial.yaml").read_text()


def test_the_best_directory_is_replaced_whole(tmp_path: Path) -> None:
    directories = TrialDirectories(tmp_path)
    for text in ("one", "two"):
        (tmp_path / "a.ckpt").unlink(missing_ok=True)
        (tmp_path / "a.ckpt").write_text(text)
        best = directories.replace_best("exp", tmp_path / "a.ckpt", {"trial.yaml": text})
        assert content(best) == (text, text)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.ckpt", "exp_best"]


@pytest.mark.parametrize("step", range(1, 13))
def test_a_crash_at_any_step_leaves_the_old_or_the_new(tmp_path: Path, step: int) -> None:
    for name in ("old", "new"):
        (tmp_path / f"{name}.ckpt").write_text(name)
    directories = TrialDirectories(tmp_path)
    best = directories.replace_best("exp", tmp_path / "old.ckpt", {"trial.yaml": "old"})
    done = subprocess.run([sys.executable, "-c", SWAP, str(tmp_path), str(step)], timeout=60)
    whole = {9: ["old", "new"], 0: ["new"]}[done.returncode]
    directories.recover("exp")
    assert content(best) in [(text, text) for text in whole]
    directories.replace_best("exp", tmp_path / "new.ckpt", {"trial.yaml": "new"})
    assert content(best) == ("new", "new")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["exp_best"]


def test_what_only_continuing_needs_is_removed(tmp_path: Path) -> None:
    directories = TrialDirectories(tmp_path)
    checkpoints = directories.of(3) / "checkpoints"
    assert checkpoints == tmp_path / "trials" / "0003" / "checkpoints"
    checkpoints.mkdir(parents=True)
    for name in ("best.ckpt", "last.ckpt", "fresh.ckpt"):
        (checkpoints / name).touch()
    directories.remove_last(3)
    directories.remove_last(3)
    assert [path.name for path in checkpoints.iterdir()] == ["best.ckpt"]
