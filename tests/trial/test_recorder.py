"""The callback by itself, in a Trainer that knows nothing of trials."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch

from automax_lightning import Objective, Status
from automax_lightning.errors import TargetError
from automax_lightning.trial.checkpoint import TrialFiles, read_checkpoint
from automax_lightning.trial.recorder import TrialRecorder
from tests.support.fits import Points, Regression


class Scripted(Regression):
    """Its score after each epoch is the next of a list."""

    def __init__(self, scores: list[float]) -> None:
        super().__init__()
        self.scores = scores

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val/score", torch.tensor(self.scores[self.current_epoch]))


def fit(directory: Path, scores: list[float], *, ckpt_path: Any = None, **settings: Any) -> TrialRecorder:
    recorder = TrialRecorder(Objective("score", settings.pop("mode", "max")), TrialFiles(directory), **settings)
    trainer = L.Trainer(
        accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False, callbacks=[recorder],
        max_epochs=len(scores),
    )  # fmt: skip
    trainer.fit(Scripted(scores), datamodule=Points(), ckpt_path=ckpt_path, weights_only=False)
    return recorder


@pytest.mark.parametrize(
    ("mode", "scores", "best"),
    [
        ("max", [0.1, 0.5, 0.3], 2), ("min", [0.1, 0.5, 0.3], 1), ("max", [0.5, 0.5], 1), ("max", [math.nan, 0.2], 2),
        ("max", [0.2, math.nan], 1), ("max", [math.nan, math.nan], None), ("max", [-math.inf, -1.0], 2),
    ],
)  # fmt: skip
def test_the_best_epoch_is_the_first_of_the_best(tmp_path: Path, mode: str, scores: list[float], best: int | None) -> None:
    recorder = fit(tmp_path, scores, mode=mode)
    assert recorder.best_epoch == best
    assert recorder.curve == pytest.approx(scores, nan_ok=True)
    assert recorder.files.best.exists() == (best is not None)
    assert read_checkpoint(recorder.files.last).epochs == len(scores)


def test_the_best_checkpoint_is_that_of_the_best_epoch_and_nothing_half_written_stays(tmp_path: Path) -> None:
    recorder = fit(tmp_path, [0.1, 0.9, 0.2])
    best, last = (read_checkpoint(path) for path in (recorder.files.best, recorder.files.last))
    assert (best.epochs, best.score, last.epochs, last.score) == (2, pytest.approx(0.9), 3, pytest.approx(0.9))
    assert sorted(path.name for path in recorder.files.checkpoints.iterdir()) == ["best.ckpt", "last.ckpt"]


def test_the_listener_is_told_every_epoch_and_its_sentence_ends_the_trial(tmp_path: Path) -> None:
    told: list[tuple[int, float]] = []

    def listen(epoch: int, score: float) -> str | None:
        told.append((epoch, round(score, 6)))
        return "clearly worse" if epoch == 2 else None

    recorder = fit(tmp_path, [0.1, 0.2, 0.3], on_epoch=listen)
    assert told == [(1, 0.1), (2, 0.2)]
    assert (recorder.ended_by, recorder.reason) == (Status.STOPPED, "clearly worse")


def test_after_its_last_epoch_a_trial_is_whole_whatever_is_said(tmp_path: Path) -> None:
    recorder = fit(tmp_path, [0.1, 0.2], on_epoch=lambda epoch, score: "worse" if epoch == 2 else None, budget=2)
    assert recorder.ended_by is None


def test_a_budget_pauses_and_the_checkpoint_resumes(tmp_path: Path) -> None:
    scores = [0.1, 0.2, 0.3]
    paused = fit(tmp_path, scores, budget=1)
    assert (paused.ended_by, paused.reason) == (Status.PAUSED, "paused after 1 of 3 epochs")
    resumed = fit(tmp_path, scores, ckpt_path=paused.files.last)
    assert resumed.ended_by is None
    assert resumed.curve == pytest.approx(scores)
    assert resumed.seconds > read_checkpoint(resumed.files.best).seconds > 0


def test_a_pause_comes_after_the_epoch_that_runs(tmp_path: Path) -> None:
    recorder = fit(tmp_path, [0.1, 0.2, 0.3], stop_requested=lambda: True)
    assert (recorder.ended_by, len(recorder.curve)) == (Status.INTERRUPTED, 1)
    assert "interrupted after epoch 1" in recorder.reason


def test_a_time_limit_cuts_the_epoch_and_records_nothing_of_it(tmp_path: Path) -> None:
    recorder = fit(tmp_path, [0.1, 0.2], time_limit=0.0)
    assert (recorder.ended_by, recorder.curve, recorder.best_epoch) == (Status.TIMEOUT, [], None)
    assert "the limit is 0 s" in recorder.reason
    assert not recorder.files.last.exists()


def test_a_target_that_nobody_logs_is_named_with_what_is_logged(tmp_path: Path) -> None:
    recorder = TrialRecorder(Objective("AUROC"), TrialFiles(tmp_path))
    trainer = L.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False, max_epochs=1,
                        callbacks=[recorder])  # fmt: skip
    with pytest.raises(TargetError, match=r"one of the logged keys \['val/AUROC', 'AUROC'\], found \['val/score'\]"):
        trainer.fit(Scripted([0.5]), datamodule=Points())


def test_epochs_without_validation_have_no_score(tmp_path: Path) -> None:
    recorder = TrialRecorder(Objective("score"), TrialFiles(tmp_path))
    trainer = L.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False, max_epochs=3,
                        check_val_every_n_epoch=2, callbacks=[recorder])  # fmt: skip
    trainer.fit(Scripted([0.1, 0.4, 0.2]), datamodule=Points())
    assert recorder.curve == pytest.approx([math.nan, 0.4, math.nan], nan_ok=True)
    assert recorder.best_epoch == 2
