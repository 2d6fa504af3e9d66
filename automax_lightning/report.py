"""From the record of a search to what a person reads: the trial table and the pandas frame. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from automax_lightning.trial import Objective, Status, TrialResult, TrialSpec

if TYPE_CHECKING:
    import pandas as pd


def best_result(results: Mapping[int, TrialResult], objective: Objective) -> TrialResult | None:
    """The result with the best score; of equal ones the first, so that the answer does not depend on luck.

    Args:
        results: trial number -> result.
        objective: which way is better.

    Returns:
        The best result among the finished trials, or None where no trial has a score.

    Example:
        >>> results = {1: TrialResult(1, Status.SUCCESS, 0.8), 2: TrialResult(2, Status.SUCCESS, 0.9)}
        >>> best_result(results, Objective("AUROC")).number
        2
    """
    best: TrialResult | None = None
    for number in sorted(results):
        result = results[number]
        if result.status.has_score and objective.is_better(result.score, best.score if best else None):
            best = result
    return best


def trial_table(results: Mapping[int, TrialResult], objective: Objective) -> str:
    """The table that is printed after a search, a line a trial.

    Args:
        results: trial number -> result.
        objective: names the score's column.

    Returns:
        The table; a trial without a score shows its status instead, never a number.

    Example:
        >>> print(trial_table({1: TrialResult(1, Status.SUCCESS, 0.823456)}, Objective("AUROC")))
        ----------------------------------------
        Trial    Val AUROC
        ----------------------------------------
        1        0.823456
        ----------------------------------------
    """
    rule = "-" * 40
    lines = [rule, f"{'Trial':<8} Val {objective.target}", rule]
    for number in sorted(results):
        result = results[number]
        lines.append(f"{number:<8} {_outcome(result)}".rstrip())
    return "\n".join([*lines, rule])


def _outcome(result: TrialResult) -> str:
    if not result.status.has_score or result.score is None:
        return f"{result.status.name.lower()}: {result.reason or result.status.value}"
    note = "" if result.status is Status.SUCCESS else f"  {result.status.name.lower()} after epoch {result.epochs}"
    return f"{result.score:.6f}{note}"


def trials_dataframe(specs: Sequence[TrialSpec], results: Mapping[int, TrialResult]) -> pd.DataFrame:
    """One row a trial, as a pandas frame.

    Args:
        specs: every trial that was proposed, in order.
        results: trial number -> result of those that are over.

    Returns:
        Columns ``trial, origin, status, score, epochs, best_epoch, seconds, checkpoint, reason``, then ``val/<metric>``,
        ``test/<metric>``, and one column a hyperparameter (missing where it was inactive).
    """
    import pandas as pd

    return pd.DataFrame([_row(spec, results.get(spec.number)) for spec in specs])


def _row(spec: TrialSpec, result: TrialResult | None) -> dict[str, Any]:
    row: dict[str, Any] = {"trial": spec.number, "origin": spec.origin}
    if result is None:
        row["status"] = "RUNNING"
        return {**row, **spec.configuration}
    row |= {
        "status": result.status.name,
        "score": result.score if result.status.has_score else None,
        "epochs": result.epochs,
        "best_epoch": result.best_epoch,
        "seconds": result.seconds,
        "checkpoint": None if result.checkpoint is None else str(result.checkpoint),
        "reason": result.reason,
    }
    row |= {f"val/{name}": value for name, value in result.val.items()}
    row |= {f"test/{name}": value for name, value in result.test.items()}
    return {**row, **spec.configuration}
