"""The learning curve of a trial while it runs: every validation, every whole epoch, and the best of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from automax_lightning.trial.records import CurvePoint, Objective


class Curve:
    """What a trial has scored so far.

    Args:
        objective: which way is better.

    Attributes:
        points: one per validation, in order.
        epochs: the best score of each epoch that has ended (index 0 is epoch 1), NaN for one without a score.
        best: the first of the best points, or None.
        metrics: logged key -> value at the best point.

    Example:
        >>> curve = Curve(Objective())
        >>> [curve.add(step, score, {}) for step, score in ((5, 0.6), (10, 0.8), (15, 0.7))]
        [True, True, False]
        >>> curve.end_epoch(), curve.best
        (0.8, CurvePoint(epoch=1, step=10, score=0.8))
    """

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.points: list[CurvePoint] = []
        self.epochs: list[float] = []
        self.best: CurvePoint | None = None
        self.metrics: dict[str, float] = {}

    @property
    def of_this_epoch(self) -> list[CurvePoint]:
        """The points of the epoch that runs."""
        epoch = len(self.epochs) + 1
        return [point for point in self.points if point.epoch == epoch]

    def add(self, step: int, score: float, metrics: Mapping[str, float]) -> bool:
        """Take in a validation; whether it is the best so far.

        Args:
            step: optimizer steps done.
            score: the target; NaN where it is undefined.
            metrics: everything that was logged with it.
        """
        point = CurvePoint(len(self.epochs) + 1, step, score)
        self.points.append(point)
        if not self.objective.is_better(score, None if self.best is None else self.best.score):
            return False
        self.best, self.metrics = point, dict(metrics)
        return True

    def end_epoch(self) -> float:
        """Close the epoch that runs; its best score."""
        best = math.nan
        for point in self.of_this_epoch:
            if self.objective.is_better(point.score, best):
                best = point.score
        self.epochs.append(best)
        return best
