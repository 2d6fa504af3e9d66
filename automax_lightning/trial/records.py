"""What to run, what came back, and which way is better: the frozen records that pass between all other modules."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from automax_lightning.errors import ConfigError

OnEpoch = Callable[[int, float], "str | None"]
"""Called on rank 0 after every epoch with (epochs done, best score in that epoch); a returned sentence ends the trial."""

StopRequested = Callable[[], bool]
"""Asked at the end of every epoch: whether the user wants the whole search to pause."""


class Status(Enum):
    """How a trial ended; the value is the sentence shown to the user."""

    SUCCESS = "finished"
    STOPPED = "stopped early: clearly worse than the best trial at the same epoch"
    PAUSED = "paused at a lower budget; promoted if it is among the best of them"
    CRASHED = "an exception was raised"
    NON_FINITE = "the loss or the scores became NaN or infinite"
    UNDEFINED = "the score is undefined: the validation split holds only one class"
    NO_POSITIVES = "a training batch held only one class"
    OUT_OF_MEMORY = "out of memory"
    TIMEOUT = "the time limit of a trial was reached"
    KILLED = "the process that ran the trial died"
    INTERRUPTED = "interrupted; resumed with the next start"
    LOST = "the disk, the network or the cluster failed; runs again with the next start"

    @property
    def has_score(self) -> bool:
        """Whether a trial with this status has a score that may be compared (it may be partial)."""
        return self in (Status.SUCCESS, Status.STOPPED, Status.PAUSED, Status.TIMEOUT)

    @property
    def is_final(self) -> bool:
        """Whether the trial is over; an interrupted or a lost one is resumed."""
        return self not in (Status.INTERRUPTED, Status.LOST)


@dataclasses.dataclass(frozen=True)
class Split:
    """How the rows for training and validation are divided in one trial; the test split is never touched.

    Args:
        seed: of the division, 0 .. 2**32 - 1.
        fold: which of the folds validates, from 0; None draws as many rows for validation as the data have by themselves.
        n_folds: folds in all, at least 2; None without folds.
    """

    seed: int
    fold: int | None = None
    n_folds: int | None = None


@runtime_checkable
class Resplittable(Protocol):
    """A datamodule whose rows for training and validation can be divided anew."""

    def resplit(self, seed: int, fold: int | None = None, n_folds: int | None = None) -> Any:
        """A datamodule over the same rows with another division; this one stays as it is.

        A function of the arguments alone, so that a trial can be repeated. The test split stays what it is.

        Args:
            seed: of the division, 0 .. 2**32 - 1.
            fold: which of the folds validates, from 0; None draws as many rows for validation as there are now.
            n_folds: folds in all, at least 2; None without folds.
        """


@dataclasses.dataclass(frozen=True)
class TrialSpec:
    """What to run: one configuration, with its seed and its place on disk.

    Args:
        number: number of the trial, from 1.
        configuration: hyperparameter name -> plain Python value; inactive hyperparameters are absent.
        seed: seed of everything random in the trial, in 0 .. 2**32 - 1.
        budget: epochs after which the trial pauses, or None to train to the end.
        directory: where the trial keeps its files, or None for nothing on disk.
        origin: who proposed it: ``"default"``, ``"warm"``, ``"initial"``, ``"portfolio"``, ``"forest"``, ``"gp"``,
            ``"random"``, ``"repeat"``, ``"user"``.
        epochs: epochs of the whole fit, on which decays and schedules count; None for the fit's own number.
        search: id of the search that the trial belongs to; empty if it belongs to none.
        split: how its rows are divided; None for the datamodule's own division.
    """

    number: int
    configuration: Mapping[str, Any]
    seed: int = 0
    budget: int | None = None
    directory: Path | None = None
    origin: str = "user"
    epochs: int | None = None
    search: str = ""
    split: Split | None = None


class CurvePoint(NamedTuple):
    """The target at one validation.

    Args:
        epoch: the epoch in which it took place, from 1.
        step: optimizer steps done before it; 0 if unknown, as of searches of version 0.1.0.
        score: the target's value, NaN where it was undefined.
    """

    epoch: int
    step: int
    score: float


@dataclasses.dataclass(frozen=True)
class TrialResult:
    """What came back from a trial.

    Args:
        number: number of the trial, from 1.
        status: how it ended.
        score: the target metric at the best validation, to be maximised or minimised as the objective says; None without one.
        val: metric name -> value on the validation split at the best validation.
        test: metric name -> value on the test split, scored once from the best checkpoint. ``test/`` at the beginning of a
            logged key is left out; other keys are as the module logs them, see `splits.score_on_test`.
        epochs: epochs trained in all.
        best_epoch: epoch (from 1) of the score, or None.
        curve: best score in each epoch (index 0 is epoch 1), NaN where it was undefined.
        seconds: wall-clock time spent, over all resumptions.
        checkpoint: the checkpoint of the best validation, or None.
        reason: one line that says why, for every status but SUCCESS.
        error: the traceback, where there was one.
        points: the target at each validation, of which an epoch may have several, or none.
        best_step: optimizer steps done at the best validation, or None.
    """

    number: int
    status: Status
    score: float | None = None
    val: Mapping[str, float] = dataclasses.field(default_factory=dict)
    test: Mapping[str, float] = dataclasses.field(default_factory=dict)
    epochs: int = 0
    best_epoch: int | None = None
    curve: tuple[float, ...] = ()
    seconds: float = 0.0
    checkpoint: Path | None = None
    reason: str = ""
    error: str | None = None
    points: tuple[CurvePoint, ...] = ()
    best_step: int | None = None

    @property
    def is_scored(self) -> bool:
        """Whether there is a score that may be compared; that of a trial that was cut is partial."""
        return self.status.has_score and self.score is not None and not math.isnan(self.score)

    def _repr_html_(self) -> str:
        from automax_lightning.trial.card import result_card

        return result_card(self)


@dataclasses.dataclass(frozen=True)
class Objective:
    """Which logged value is the score, and whether more of it is better.

    The sign is flipped here and nowhere else: SMAC minimises `cost`, users maximise a score.

    Args:
        target: metric name (``"AUROC"`` means the logged key ``"val/AUROC"``) or a full logged key such as ``"val_loss"``.
        mode: ``"max"`` or ``"min"``.

    Raises:
        ConfigError: if `mode` is neither.

    Example:
        >>> objective = Objective("AUROC")
        >>> objective.cost(0.9), objective.is_better(0.9, 0.8)
        (-0.9, True)
    """

    target: str = "AUROC"
    mode: str = "max"

    def __post_init__(self) -> None:
        if not isinstance(self.target, str) or not self.target:
            raise ConfigError("Objective.target", "the name of a metric, or a logged key", repr(self.target), "Pass 'AUROC'.")
        if self.mode not in ("max", "min"):
            raise ConfigError("Objective.mode", "'max' or 'min'", repr(self.mode), "Pass mode='max' for a score.")

    @property
    def keys(self) -> tuple[str, ...]:
        """The logged keys under which the target is looked for, in this order."""
        return (f"val/{self.target}", self.target)

    def cost(self, score: float) -> float:
        """The score as a cost to be minimised."""
        return -score if self.mode == "max" else score

    def is_better(self, score: float | None, than: float | None) -> bool:
        """Whether `score` is strictly better than `than`; any defined score is better than None or NaN."""
        if score is None or math.isnan(score):
            return False
        if than is None or math.isnan(than):
            return True
        return self.cost(score) < self.cost(than)


@runtime_checkable
class Trainable(Protocol):
    """What a search needs of one trial; `Fit` is one, and anything else with this method may be tuned as well."""

    def run(
        self,
        seed: int = 0,
        *,
        spec: TrialSpec | None = None,
        objective: Objective | None = None,
        on_epoch: OnEpoch | None = None,
        stop_requested: StopRequested | None = None,
        time_limit: float | None = None,
    ) -> TrialResult:
        """How the trial ended; resumes from what ``spec.directory`` holds of an interrupted run."""
