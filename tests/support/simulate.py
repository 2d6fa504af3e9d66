"""A search without training: every configuration has a curve, and the plan alone decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from automax_lightning.search.planning.plan import Continue, New, Plan, Promote, Repeat
from automax_lightning.search.planning.successive_halving import best_so_far
from automax_lightning.search.storage.history import History
from automax_lightning.trial.records import Objective, Status, TrialResult, TrialSpec

Curve = Callable[[int, int], Sequence[float] | None]
"""Configuration and seed -> scores of all epochs, or None for one that fails."""


def results(*scores: float | None) -> list[TrialResult]:
    return [
        TrialResult(n, Status.CRASHED if score is None else Status.SUCCESS, score, val={"AUROC": score or 0.0})
        for n, score in enumerate(scores, start=1)
    ]


def result_of(spec: TrialSpec, curve: Sequence[float] | None) -> TrialResult:
    if curve is None:
        return TrialResult(spec.number, Status.CRASHED, reason="it fails")
    epochs = len(curve) if spec.budget is None else min(spec.budget, len(curve))
    status = Status.SUCCESS if epochs == len(curve) else Status.PAUSED
    score = best_so_far(curve, epochs, Objective())
    return TrialResult(spec.number, status, score, epochs=epochs, curve=tuple(curve[:epochs]))


def search(plan: Plan, curve: Curve, history: History | None = None, steps: int = 10_000) -> tuple[History, list[Any]]:
    """Runs the plan to its end, and tells its steps."""
    history, taken = history or History(), []
    for _ in range(steps):
        step = plan.next(history)
        if step is None:
            break
        taken.append(step)
        number = len(history.asks) + 1
        if isinstance(step, Continue):
            spec = step.spec
        elif isinstance(step, Promote):
            history = history.promoted(step.number, step.budget)
            spec = history.spec(step.number)
        else:
            configs = len({each.configuration["c"] for each in history.asks})
            values = {"c": configs} if isinstance(step, New) else dict(step.values)
            seed = step.index if isinstance(step, Repeat) else 0
            spec = TrialSpec(number, values, seed, plan.first_budget(number))
            history = history.asked(spec)
        history = history.ended(result_of(spec, curve(spec.configuration["c"], spec.seed)))
    return history, taken
