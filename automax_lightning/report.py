"""From the record of a search to what a person reads: the trial table and the pandas frame. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automax_lightning.search.journal import History
from automax_lightning.trial import Objective, Status, TrialResult, TrialSpec

if TYPE_CHECKING:
    import pandas as pd


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

    frame: pd.DataFrame = pd.DataFrame([_row(spec, results.get(spec.number)) for spec in specs])
    return frame


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


def summary(history: History, best: TrialResult | None, objective: Objective, best_directory: Path) -> str:
    """The default and the best configuration side by side, and where the best checkpoint lies.

    Args:
        history: of the search.
        best: its best result, or None.
        objective: names the score.
        best_directory: where the best checkpoint lies.
    """
    if best is None:
        return "No trial has a score."
    specs = {spec.number: spec for spec in history.asks}
    default = next((spec.number for spec in history.asks if spec.origin == "default"), None)
    lines = [f"Best configuration (trial {best.number}):"]
    lines += [f"  {name} = {value!r}" for name, value in specs[best.number].configuration.items()]
    lines.append(f"{'':<10}{'validation ' + objective.target:<20}test {objective.target}")
    if default is not None and default in history.results:
        lines.append(_scores("default", history.results[default], objective))
    lines.append(_scores("best", best, objective))
    return "\n".join([*lines, f"Best checkpoint: {best_directory / 'best.ckpt'}"])


def _scores(name: str, result: TrialResult, objective: Objective) -> str:
    val = f"{result.score:.6f}" if result.score is not None and result.status.has_score else result.status.value
    test = result.test.get(objective.target)
    return f"{name:<10}{val:<20}{'-' if test is None else format(test, '.6f')}"
