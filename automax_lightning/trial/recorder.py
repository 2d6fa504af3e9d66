"""The Lightning callback of a trial: reads the score of every epoch, keeps the checkpoints, stops by flag."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Mapping
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities.types import STEP_OUTPUT

from automax_lightning.errors import TargetError
from automax_lightning.trial.checkpoint import TrialCheckpoint, TrialFiles, TrialIdentity, check_trust
from automax_lightning.trial.records import Objective, OnEpoch, Status, StopRequested
from automax_lightning.trial.score_file import keep_scores
from automax_lightning.utils.files import link_or_copy, sync


class TrialRecorder(Checkpoint):
    """Keeps the curve, the best epoch and the checkpoints of one trial.

    Both checkpoints are written at the end of an epoch, by rename, ``best.ckpt`` first: a process that is killed at any
    instant leaves checkpoints that are whole and agree with each other.

    Args:
        objective: which logged value is the score, and which way is better.
        files: of the trial; its ``best.ckpt`` and ``last.ckpt`` are written here.
        identity: of the trial; its checkpoints carry it.
        trust: whether the module's checkpoint may hold objects that run code when it is loaded.
        on_epoch: told every epoch's score, and may end the trial.
        stop_requested: whether to pause after the epoch that is running.
        time_limit: seconds that the trial may train in all, over all resumptions; None for no limit.
        budget: epochs after which the trial pauses; None to train to the end.

    Attributes:
        curve: score after each epoch, NaN where it was undefined or validation did not run.
        best_epoch: epoch (from 1) of the best score, or None.
        metrics: all logged values at the best epoch.
        ended_by: why the trial ended before its last epoch, or None.
        reason: the sentence for `ended_by`.
    """

    def __init__(
        self,
        objective: Objective,
        files: TrialFiles,
        *,
        identity: TrialIdentity | None = None,
        trust: bool = False,
        on_epoch: OnEpoch | None = None,
        stop_requested: StopRequested | None = None,
        time_limit: float | None = None,
        budget: int | None = None,
    ) -> None:
        self.objective = objective
        self.files = files
        self.identity = identity or TrialIdentity()
        self.trust = trust
        self.on_epoch = on_epoch
        self.stop_requested = stop_requested
        self.time_limit = time_limit
        self.budget = budget
        self.curve: list[float] = []
        self.best_epoch: int | None = None
        self.metrics: dict[str, float] = {}
        self.ended_by: Status | None = None
        self.reason = ""
        self._seconds_before = 0.0
        self._started = time.monotonic()
        self._validated = False
        self._is_checked = False
        self._on_sigterm = signal.getsignal(signal.SIGTERM)

    @property
    def seconds(self) -> float:
        """Wall-clock seconds spent in this trial, over all resumptions."""
        return self._seconds_before + time.monotonic() - self._started

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Keep the curve, the best epoch and the time spent."""
        record = TrialCheckpoint(tuple(self.curve), self.best_epoch, self.metrics, self.seconds, self.identity)
        record.write_into(checkpoint)

    def on_load_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Continue where the checkpoint left off; scoring a checkpoint changes nothing."""
        kept = TrialCheckpoint.find_in(checkpoint)
        if trainer.state.fn != TrainerFn.FITTING or kept is None:
            return
        self.curve, self.best_epoch, self.metrics = list(kept.curve), kept.best_epoch, dict(kept.metrics)
        self._seconds_before = kept.seconds
        self._started = time.monotonic()

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Take up SIGTERM and the decision after the newest epoch, which a kill may have cut off."""
        self._receive_sigterm()
        if self.curve:
            self._consider_stopping(trainer, self.curve[-1], may_interrupt=False)

    def on_test_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """As for training: the test split is scored to its end."""
        self._receive_sigterm()

    def _receive_sigterm(self) -> None:
        """As the search does: Lightning's own handler would end the fit in the middle of an epoch."""
        if self.stop_requested is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._on_sigterm)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Forget that the epoch before was validated."""
        self._validated = False

    def on_validation_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Remember that this epoch has fresh validation values."""
        self._validated = not trainer.sanity_checking

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: STEP_OUTPUT, batch: Any, batch_idx: int
    ) -> None:
        """End the trial when its time is up, without waiting for the epoch to end."""
        if self.time_limit is not None and self.ended_by is None and self._agree(trainer, self.seconds > self.time_limit):
            self._end(trainer, Status.TIMEOUT, f"trained for {self.seconds:.0f} s; the limit is {self.time_limit:g} s")

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Record the epoch, save it, report it, and decide whether training ends."""
        if self.ended_by is Status.TIMEOUT:
            return  # the epoch was cut short: neither its score nor its weights are those of a whole epoch
        score = self._score(trainer) if self._validated else math.nan
        self.curve.append(score)
        is_best = self._is_best(score)
        if is_best:
            self.best_epoch = len(self.curve)
            self.metrics = _plain(trainer.callback_metrics)
        self._save(trainer, is_best)
        self._consider_stopping(trainer, score)

    def _is_best(self, score: float) -> bool:
        best = None if self.best_epoch is None else self.curve[self.best_epoch - 1]
        return self.objective.is_better(score, best)

    def _score(self, trainer: L.Trainer) -> float:
        logged = trainer.callback_metrics
        for key in self.objective.keys:
            if key in logged:
                return float(logged[key])
        raise TargetError(
            "AutoMAX.target",
            f"one of the logged keys {list(self.objective.keys)}",
            f"{sorted(logged) or 'nothing logged'}",
            "Choose a target that is logged, add the AUROC callback with that metric, or log it in validation_step.",
        )

    def _save(self, trainer: L.Trainer, is_best: bool) -> None:
        """Write the checkpoint once; best and last share it through a hard link."""
        if trainer.is_global_zero:
            self.files.checkpoints.mkdir(parents=True, exist_ok=True)
        fresh = self.files.fresh
        trainer.save_checkpoint(fresh)
        if not trainer.is_global_zero:
            return
        if not self._is_checked:  # in the first epoch, and not when the last one is over
            check_trust(fresh, trust=self.trust)
            self._is_checked = True
        sync(fresh)
        if is_best:
            self.files.link.unlink(missing_ok=True)
            link_or_copy(fresh, self.files.link)
            os.replace(self.files.link, self.files.best)
            # Before last.ckpt: whoever resumes from that one finds the scores of its best epoch.
            keep_scores(self.files.scores, trainer.callbacks, "val", self.best_epoch)  # type: ignore[attr-defined]
        os.replace(fresh, self.files.last)
        sync(self.files.checkpoints)  # whoever is told of this epoch, the journal above all, may count on its checkpoint

    def _consider_stopping(self, trainer: L.Trainer, score: float, *, may_interrupt: bool = True) -> None:
        epochs = len(self.curve)
        sentence = self.on_epoch(epochs, score) if self.on_epoch is not None and trainer.is_global_zero else None
        sentence = trainer.strategy.broadcast(sentence) if trainer.world_size > 1 else sentence
        is_last = trainer.max_epochs is not None and epochs >= trainer.max_epochs
        if self.budget is not None and epochs >= self.budget and not is_last:
            self._end(trainer, Status.PAUSED, f"paused after {epochs} of {trainer.max_epochs} epochs")
        elif sentence is not None and not is_last:
            self._end(trainer, Status.STOPPED, sentence)
        elif self._wants_pause(trainer, may_interrupt=may_interrupt and not is_last):
            self._end(trainer, Status.INTERRUPTED, f"interrupted after epoch {epochs}; its checkpoint is kept")

    def _wants_pause(self, trainer: L.Trainer, *, may_interrupt: bool) -> bool:
        return may_interrupt and self.stop_requested is not None and self._agree(trainer, self.stop_requested())

    @staticmethod
    def _agree(trainer: L.Trainer, opinion: bool) -> bool:
        """Rank 0's opinion on every rank: clocks and signals differ between processes."""
        return bool(trainer.strategy.broadcast(opinion)) if trainer.world_size > 1 else opinion

    def _end(self, trainer: L.Trainer, status: Status, reason: str) -> None:
        self.ended_by, self.reason = status, reason
        trainer.should_stop = True


def _plain(metrics: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items() if not isinstance(value, torch.Tensor) or value.numel() == 1}
