"""Trials that cost nothing and write real files as a fit does, for searches that are cut at every step."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from ConfigSpace import Float

from automax_lightning import AutoMAX, AutoMAXConfig, Status, TrialResult, autopartial
from automax_lightning.trial.checkpoint import TrialFiles
from automax_lightning.trial.score_file import keep_scores

EPOCHS = 3


class Cheap:
    """Three epochs, each with its checkpoint; it is resumed from the newest one."""

    def __init__(self, x: float) -> None:
        self.x, self.epochs = x, EPOCHS

    def run(self, seed: int = 0, *, spec: Any = None, on_epoch: Any = None, **kwargs: Any) -> TrialResult:
        files = TrialFiles(spec.directory)
        files.checkpoints.mkdir(parents=True, exist_ok=True)
        done = int(files.last.read_text().split()[0]) if files.last.exists() else 0
        curve = tuple(self._score(epoch, spec.seed) for epoch in range(1, EPOCHS + 1))
        goal = EPOCHS if spec.budget is None else min(spec.budget, EPOCHS)
        for epoch in range(done + 1, goal + 1):
            files.fresh.write_text(f"{epoch} epochs of {self.x!r} on seed {spec.seed}")
            files.link.unlink(missing_ok=True)
            os.link(files.fresh, files.link)
            os.replace(files.link, files.best)
            os.replace(files.fresh, files.last)
            on_epoch(epoch, curve[epoch - 1])
        self._keep_scores(files, spec.number)
        status = Status.SUCCESS if goal == EPOCHS else Status.PAUSED
        return TrialResult(
            spec.number, status, curve[goal - 1], {"score": curve[goal - 1]}, epochs=goal, best_epoch=goal, curve=curve[:goal],
            checkpoint=files.best,
        )  # fmt: skip

    def _keep_scores(self, files: TrialFiles, number: int) -> None:
        """As a fit whose scores are ranked, so that it may be part of an ensemble."""
        labels = np.arange(8) % 2
        callback = SimpleNamespace(
            evaluated=dict.fromkeys(("val", "test"), (self.x * labels + np.arange(8) % (number + 2), labels))
        )
        keep_scores(files.scores, [callback], "val", epoch=EPOCHS)
        keep_scores(files.scores, [callback], "test")

    def _score(self, epoch: int, seed: int) -> float:
        return 1.0 - (self.x - 0.3) ** 2 - 0.1 / epoch - (seed % 7) / 1000


class Failing(Cheap):
    """The first trial raises."""

    def run(self, seed: int = 0, *, spec: Any = None, on_epoch: Any = None, **kwargs: Any) -> TrialResult:
        raise RuntimeError("as asked")


def cheap(folder: Path, kind: type[Cheap] = Cheap, **settings: Any) -> AutoMAX:
    """A search of cheap trials, proposed at random unless told otherwise."""
    config = AutoMAXConfig(**{"name": "mine", "n_trials": 2, "output_directory": folder, "preset": "random", **settings})
    return AutoMAX(autopartial(kind, x=Float("x", (0.0, 1.0))), config, "score", quiet=True)
