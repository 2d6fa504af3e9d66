"""The Lightning callback of a trial: reads the score of every validation, keeps the checkpoints, stops by flag."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Mapping
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities.types import STEP_OUTPUT

from automax_lightning.trial.checkpoint import TrialCheckpoint, TrialFiles, TrialIdentity, check_trust, newest_best
from automax_lightning.trial.records import Objective, OnEpoch, Status, StopRequested
from automax_lightning.trial.score_file import keep_scores
from automax_lightning.trial.scoring.curve import Curve
from automax_lightning.trial.scoring.target import LoggedTarget, why_no_validation
from automax_lightning.utils.files import link_or_copy, sync


class TrialRecorder(Checkpoint):
    """Keeps the curve, the best weights and the checkpoints of one trial.

    ``best.ckpt`` is written at the end of the validation that was the best, and so holds the weights that were
    validated; ``last.ckpt`` is written at the end of each epoch. Both are written by rename: a process that is killed
    at any instant leaves whole checkpoints. A target that only training logs is read at the end of each epoch.

    Args:
        objective: which logged value is the score, and which way is better.
        files: of the trial; its ``best.ckpt`` and ``last.ckpt`` are written here.
        identity: of the trial; its checkpoints carry it.
        trust: whether the module's checkpoint may hold objects that run code when it is loaded.
        on_epoch: told every epoch's best score, and may end the trial.
        stop_requested: whether to pause after the epoch that is running.
        time_limit: seconds that the trial may train in all, over all resumptions; None for no limit.
        budget: epochs after which the trial pauses; None to train to the end.

    Attributes:
        progress: everything that was scored.
        ended_by: why the trial ended before its last epoch, or None.
        reason: the sentence for `ended_by`.
        has_validated: whether a validation has ended, with or without the target.
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
        self.progress = Curve(objective)
        self.ended_by: Status | None = None
        self.reason = ""
        self._seconds_before = 0.0
        self._started = time.monotonic()
        self.has_validated = False
        self._validated_in_epoch = False
        self._is_checked = False
        self._is_resuming, self._max_steps = False, -1
        self._in_validation, self._in_training = LoggedTarget(objective), LoggedTarget(objective)
        self._on_sigterm = signal.getsignal(signal.SIGTERM)

    @property
    def curve(self) -> list[float]:
        """The best score in each epoch, NaN where it was undefined or validation did not run."""
        return self.progress.epochs

    @property
    def best_epoch(self) -> int | None:
        """The epoch (from 1) of the best score, or None."""
        return None if self.progress.best is None else self.progress.best.epoch

    @property
    def metrics(self) -> dict[str, float]:
        """All logged values at the best validation."""
        return self.progress.metrics

    # What people read of a `ModelCheckpoint`: the recorder is the Trainer's `checkpoint_callback` where there is no other ---

    @property
    def best_model_path(self) -> str:
        """Path of ``best.ckpt``; empty before there is one."""
        return "" if self.progress.best is None else str(self.files.best)

    @property
    def best_model_score(self) -> torch.Tensor | None:
        """The best score, or None."""
        return None if self.progress.best is None else torch.tensor(self.progress.best.score)

    @property
    def last_model_path(self) -> str:
        """Path of ``last.ckpt``; empty before the first epoch has ended."""
        return str(self.files.last) if self.curve else ""

    @property
    def dirpath(self) -> str:
        """The directory of both."""
        return str(self.files.checkpoints)

    @property
    def monitor(self) -> str:
        """The logged key that is the score, as far as it is known."""
        return next((key for key in self.objective.keys if key in self.metrics), self.objective.keys[0])

    @property
    def mode(self) -> str:
        """``"max"`` or ``"min"``."""
        return self.objective.mode

    # State ------------------------------------------------------------------------------------------------------------

    @property
    def seconds(self) -> float:
        """Wall-clock seconds spent in this trial, over all resumptions."""
        return self._seconds_before + time.monotonic() - self._started

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Keep the curve, the best epoch and the time spent."""
        record = TrialCheckpoint(
            tuple(self.curve), self.best_epoch, self.metrics, self.seconds, self.identity,
            points=tuple(self.progress.points), best=self.progress.best,
        )  # fmt: skip
        record.write_into(checkpoint)

    def on_load_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Continue where the checkpoint left off; scoring a checkpoint changes nothing."""
        kept = TrialCheckpoint.find_in(checkpoint)
        if trainer.state.fn != TrainerFn.FITTING or kept is None:
            return
        self.progress.epochs, self.progress.points = list(kept.curve), list(kept.points)
        newest = newest_best(self.files, self.identity)
        is_ahead = newest is not None and self.objective.is_better(newest.score, kept.score)
        best = newest if newest is not None and is_ahead else kept
        self.progress.best, self.progress.metrics = best.best_point, dict(best.metrics)
        self._seconds_before = kept.seconds
        self._started = time.monotonic()
        self._is_resuming = True

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Let a fit that counts steps resume at the start of an epoch, as one that counts epochs does.

        With ``max_steps`` Lightning (2.6) takes every resumed fit for one that was cut inside of an epoch, and begins with
        an epoch without a batch. It decides by this value, between this hook and the next one.
        """
        if self._is_resuming:
            self._max_steps, trainer.fit_loop.epoch_loop.max_steps = trainer.max_steps, -1

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Take up SIGTERM and the decision after the newest epoch, which a kill may have cut off."""
        self._receive_sigterm()
        if self._is_resuming:
            trainer.fit_loop.epoch_loop.max_steps, self._is_resuming = self._max_steps, False
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
        """Tell what this epoch logs from what the epochs before have logged."""
        self._validated_in_epoch = False
        self._in_training.look(trainer)

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Tell what this validation logs from what was logged before."""
        self._in_validation.look(trainer)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Record the score, and keep the weights if it is the best so far."""
        if trainer.sanity_checking or trainer.state.fn != TrainerFn.FITTING or self.ended_by is not None:
            return
        self.has_validated = self._validated_in_epoch = True
        score = self._in_validation.value(trainer)
        if score is not None and self._add(trainer, score):
            self._save(trainer, is_best=True)

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
        is_best = False
        if not self.progress.of_this_epoch:
            is_best = self._add_from_training(trainer)
        score = self.progress.end_epoch()
        self._save(trainer, is_best=is_best, is_last=True)
        self._consider_stopping(trainer, score)

    def _add(self, trainer: L.Trainer, score: float) -> bool:
        is_best = self.progress.add(trainer.global_step, score, _plain(trainer.callback_metrics))
        return self._agree(trainer, is_best)

    def _add_from_training(self, trainer: L.Trainer) -> bool:
        """Record a target that training has logged; raise if there is none, and never will be."""
        score = self._in_training.value(trainer)
        if score is not None:
            self._warn_of_training_score(trainer)
            return self._add(trainer, score)
        if self._validated_in_epoch:
            raise self._in_validation.missing(trainer)
        why = None if self.has_validated else why_no_validation(trainer)
        if why is not None:
            raise self._in_training.never_validated(trainer, why)
        return False

    def _warn_of_training_score(self, trainer: L.Trainer) -> None:
        if not self.progress.points and trainer.is_global_zero:
            warnings.warn(
                f"the target {self.objective.target!r} is logged in training only: trials are compared on the data that they "
                "train on", stacklevel=2,
            )  # fmt: skip

    def _save(self, trainer: L.Trainer, *, is_best: bool, is_last: bool = False) -> None:
        """Write a checkpoint once; one that is best and last gets its second name through a hard link."""
        if trainer.is_global_zero:
            self.files.checkpoints.mkdir(parents=True, exist_ok=True)
        fresh = self.files.fresh
        trainer.save_checkpoint(fresh)
        if not trainer.is_global_zero:
            return
        if not self._is_checked:  # the first time, and not when the last epoch is over
            check_trust(fresh, trust=self.trust)
            self._is_checked = True
        sync(fresh)
        if is_best:
            self.files.link.unlink(missing_ok=True)
            link_or_copy(fresh, self.files.link)
            os.replace(self.files.link, self.files.best)
            # Before last.ckpt: whoever resumes from that one finds the scores of its best epoch.
            keep_scores(self.files.scores, trainer.callbacks, "val", self.best_epoch)  # type: ignore[attr-defined]
        if is_last:
            os.replace(fresh, self.files.last)
        else:
            fresh.unlink()
        sync(self.files.checkpoints)  # whoever is told of this epoch, the journal above all, may count on its checkpoint

    def _consider_stopping(self, trainer: L.Trainer, score: float, *, may_interrupt: bool = True) -> None:
        epochs = len(self.curve)
        sentence = self.on_epoch(epochs, score) if self.on_epoch is not None and trainer.is_global_zero else None
        sentence = trainer.strategy.broadcast(sentence) if trainer.world_size > 1 else sentence
        is_last = _is_over(trainer, epochs)
        if self.budget is not None and epochs >= self.budget and not is_last:
            self._end(trainer, Status.PAUSED, f"paused after {epochs}{_of(trainer)} epochs")
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


def _is_over(trainer: L.Trainer, epochs: int) -> bool:
    """Whether a fit has come to the end that its epochs or its steps set; -1 stands for no end."""
    return (
        (trainer.max_epochs or -1) > 0 and epochs >= (trainer.max_epochs or 0)
    ) or 0 < trainer.max_steps <= trainer.global_step


def _of(trainer: L.Trainer) -> str:
    return f" of {trainer.max_epochs}" if (trainer.max_epochs or -1) > 0 else ""
