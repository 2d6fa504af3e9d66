"""Trials that behave badly on request, importable by child processes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import torch
from ConfigSpace import Categorical, Float

from automax_lightning import Fit, Objective, Status, TrialResult, autopartial
from tests.support.fits import Points, Regression

BEHAVIOURS = ("good", "dies", "hangs", "raises", "dies once", "better", "best", "well")


class Behaving(Regression):
    def __init__(self, behaviour: str, folder: str) -> None:
        super().__init__()
        self.behaviour, self.folder = behaviour, folder

    def on_train_epoch_start(self) -> None:
        if self.current_epoch != 2:
            return
        if self.behaviour == "dies":
            os.kill(os.getpid(), 9)
        if self.behaviour == "hangs":
            time.sleep(600)
        if self.behaviour == "raises":
            raise RuntimeError("as asked")
        marker = Path(self.folder) / "died"
        if self.behaviour == "dies once" and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), 9)

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val/score", torch.tensor(BEHAVIOURS.index(self.behaviour) / 10 + self.current_epoch / 100))


class Trial:
    """What the search calls; a class, so that it can be pickled by name."""

    def __init__(self, folder: str, epochs: int = 4) -> None:
        self.folder, self.epochs = folder, epochs

    def __call__(self, behaviour: str) -> Fit:
        return Fit(lambda: Behaving(behaviour, self.folder), lambda seed: Points(), epochs=self.epochs,
                   objective=Objective("score"), trainer_kwargs={"accelerator": "cpu"})  # fmt: skip


def factory(folder: Path, behaviours: tuple[str, ...] = BEHAVIOURS, epochs: int = 4) -> autopartial:
    return autopartial(Trial(str(folder), epochs), behaviour=Categorical("behaviour", behaviours, default=behaviours[0]))


class Telling:
    """A trial that says what its process is like; no `Fit`, only its method."""

    def __init__(self, x: float) -> None:
        self.x = x

    def run(self, seed: int = 0, *, spec: Any = None, on_epoch: Any = None, **kwargs: Any) -> TrialResult:
        on_epoch(1, self.x)
        told = {"pid": os.getpid(), "threads": torch.get_num_threads(), "omp": int(os.environ["OMP_NUM_THREADS"])}
        return TrialResult(spec.number, Status.SUCCESS, self.x, val=told, reason=os.environ.get("CUDA_VISIBLE_DEVICES", "unset"))


def telling() -> autopartial:
    return autopartial(Telling, x=Float("x", (0.0, 1.0)))
