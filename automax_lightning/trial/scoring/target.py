"""The target of a search among what Lightning logs: its newest value, and why there may never be one."""

from __future__ import annotations

import difflib
from typing import Any

import lightning as L

from automax_lightning.errors import TargetError
from automax_lightning.trial.records import Objective

_FIX = "Choose a target that is logged, add the AUROC callback with that metric, or log it in validation_step."


class LoggedTarget:
    """Tells a value that was logged since the last look from one that Lightning still remembers.

    Lightning keeps all values of a fit in one dictionary. A new value is a new tensor there.

    Args:
        objective: names the target.
    """

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self._before: dict[str, Any] = {}

    def look(self, trainer: L.Trainer) -> None:
        """Remember what is there already."""
        logged = trainer.callback_metrics
        self._before = {key: logged[key] for key in self.objective.keys if key in logged}

    def value(self, trainer: L.Trainer) -> float | None:
        """The value that was logged since, or None."""
        logged = trainer.callback_metrics
        for key in self.objective.keys:
            if key in logged and logged[key] is not self._before.get(key):
                return float(logged[key])
        return None

    def missing(self, trainer: L.Trainer) -> TargetError:
        """The error for a fit that validates, and does not log the target."""
        logged = sorted(trainer.callback_metrics)
        return TargetError(
            "AutoMAX.target", f"one of the logged keys {list(self.objective.keys)}", f"{logged or 'nothing logged'}", _FIX
        )

    def never_validated(self, trainer: L.Trainer, why: str) -> TargetError:
        """The error for a fit whose target is not logged in training, and that does not validate.

        Args:
            trainer: of the fit.
            why: it does not.
        """
        logged = sorted(trainer.callback_metrics) or "nothing"
        return TargetError(
            f"AutoMAX.target {self.objective.target!r}", "a validation that logs it", f"{why} (logged in training: {logged})",
            "Make validation run, or choose a target that training_step logs.",
        )  # fmt: skip


def why_no_validation(trainer: L.Trainer) -> str | None:
    """Why a fit cannot validate, as a piece of a sentence; None if it can.

    Args:
        trainer: of the fit, which has begun.
    """
    module, data = trainer.lightning_module, getattr(trainer, "datamodule", None)
    source, base = (module, L.LightningModule) if data is None else (data, L.LightningDataModule)
    if type(module).validation_step is L.LightningModule.validation_step:
        return f"no validation_step in {type(module).__name__}{_similar(module, 'validation_step')}"
    if type(source).val_dataloader is base.val_dataloader:
        return f"no val_dataloader in {type(source).__name__}{_similar(source, 'val_dataloader')}"
    if trainer.limit_val_batches == 0:
        return "limit_val_batches=0"
    every, last = trainer.check_val_every_n_epoch, trainer.max_epochs
    if every is not None and last is not None and 0 < last < every:
        return f"check_val_every_n_epoch={every}, and {last} epochs"
    if trainer.num_val_batches and not any(trainer.num_val_batches):
        return "an empty validation loader"
    return None


def _similar(owner: Any, name: str) -> str:
    """The method that was probably meant to have this name."""
    own = [
        each
        for kind in type(owner).__mro__
        if not kind.__module__.startswith(("lightning", "torch", "builtins"))
        for each in vars(kind)
    ]
    found = [
        each
        for each in difflib.get_close_matches(name, own, n=3, cutoff=0.7)
        if not each.startswith(("test", "train", "predict"))
    ]
    return f", but {found[0]}: was it to be called {name}?" if found else ""
