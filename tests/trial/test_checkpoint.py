"""Where a trial keeps its files, and what its checkpoints say of it."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from automax_lightning import Fit, Objective, Status, TrialSpec
from automax_lightning.errors import CheckpointError
from automax_lightning.trial.checkpoint import TrialCheckpoint, TrialFiles, read_checkpoint, salvage
from tests.support.fits import Points, Regression


def fit(epochs: int = 3) -> Fit:
    return Fit(Regression, Points(), epochs=epochs, objective=Objective("score"), trainer_kwargs={"accelerator": "cpu"})


def test_every_file_of_a_trial_has_one_place() -> None:
    files = TrialFiles.of(Path("out/mine"), 12)
    assert files == TrialFiles(Path("out/mine/trials/0012"))
    paths = (files.best, files.last, files.scores, files.error, files.runs, files.trial_json, files.user_checkpoints)
    assert [path.relative_to(files.directory).as_posix() for path in paths] == [
        "checkpoints/best.ckpt", "checkpoints/last.ckpt", "checkpoints/scores.npz", "error.txt", "runs.json", "trial.json",
        "model_checkpoints",
    ]  # fmt: skip
    assert [path.name for path in files.only_for_resuming] == ["last.ckpt", "fresh.ckpt", "best.link"]


def test_a_checkpoint_says_what_its_trial_has_done(tmp_path: Path) -> None:
    result = fit().run(spec=TrialSpec(1, {}, directory=tmp_path, budget=2))
    files = TrialFiles(tmp_path)
    last = read_checkpoint(files.last)
    assert (last.curve, last.best_epoch, last.score) == (result.curve, result.best_epoch, result.score)
    assert (last.epochs, last.global_step) == (2, 8)
    assert last.metrics["val/score"] == result.score
    assert 0 < last.seconds <= result.seconds
    assert last.logged_key(Objective("score")) == last.logged_key(Objective("val/score")) == "val/score"
    assert last.logged_key(Objective("other")) == "val/other"


def test_what_is_written_is_what_is_read() -> None:
    record = TrialCheckpoint((math.inf, 0.5), 2, {"val/score": 0.5}, 1.5, epochs=2, global_step=8)
    content = {"epoch": 1, "global_step": 8}
    assert TrialCheckpoint.find_in(content) is None
    record.write_into(content)
    assert TrialCheckpoint.find_in(content) == record
    assert (TrialCheckpoint().score, record.score) == (None, 0.5)


def test_another_checkpoint_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 1, "global_step": 8, "state_dict": {}}, tmp_path / "other.ckpt")
    with pytest.raises(CheckpointError, match=r"other.ckpt: expected a checkpoint that a trial has written"):
        read_checkpoint(tmp_path / "other.ckpt")


def test_the_result_of_a_dead_process_is_read_from_its_last_checkpoint(tmp_path: Path) -> None:
    spec = TrialSpec(1, {}, directory=tmp_path, budget=2)
    result = fit().run(spec=spec)
    rescued = salvage(spec, Status.KILLED, "the process died")
    assert (rescued.status, rescued.reason) == (Status.KILLED, "the process died")
    assert (rescued.score, rescued.curve, rescued.val) == (result.score, result.curve, result.val)
    assert rescued.checkpoint == result.checkpoint == TrialFiles(tmp_path).best
    empty = salvage(TrialSpec(2, {}, directory=tmp_path / "empty"), Status.TIMEOUT, "late")
    assert (empty.status, empty.score, empty.curve) == (Status.TIMEOUT, None, ())


def test_paths_need_no_torch() -> None:
    code = "import sys, automax_lightning.trial.checkpoint; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"
