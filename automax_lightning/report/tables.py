"""From the record of a search to text and a pandas frame: the trial table, the summary, one row per trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automax_lightning.report.ensemble import EnsembleScores, ensemble_lines, row
from automax_lightning.search.planning.racing import mean_and_spread, runners
from automax_lightning.search.planning.results import best_result
from automax_lightning.trial.checkpoint import BEST
from automax_lightning.trial.records import Objective, Status, TrialResult, TrialSpec
from automax_lightning.utils.formatting import printable
from automax_lightning.utils.splits import column_of_test, score_on_test

if TYPE_CHECKING:
    import pandas as pd

    from automax_lightning.search.storage.history import History

_BASELINE = "CrossEntropyLoss"


def trial_table(results: Mapping[int, TrialResult], objective: Objective) -> str:
    """The table that is printed after a search, one line per trial.

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
        lines.append(f"{number:<8} {' '.join(_outcome(result).splitlines())}".rstrip())
    return printable("\n".join([*lines, rule]))


def _outcome(result: TrialResult) -> str:
    if not result.is_scored or result.score is None:
        return f"{result.status.name.lower()}: {result.reason or result.status.value}"
    note = "" if result.status is Status.SUCCESS else f"  {result.status.name.lower()} after epoch {result.epochs}"
    return f"{result.score:.6f}{note}"


def seed_table(history: History, objective: Objective) -> str:
    """Mean and spread of the configurations that were run on several seeds or folds.

    Args:
        history: everything recorded.
        objective: names the score, and says which way it is better.
    """
    has_folds = any(spec.split is not None for spec in history.asks)
    lines = [f"{'Trials':<16} {'mean ' + objective.target:<14} {'spread':<10} {'folds' if has_folds else 'seeds'}"]
    for runner in runners(history, objective):
        if len(runner.costs) > 1:
            mean, spread, seeds = mean_and_spread(history, objective, runner.numbers[0])
            numbers = ", ".join(map(str, runner.numbers))
            lines.append(f"{numbers:<16} {mean:<14.6f} {spread or 0.0:<10.6f} {seeds}")
    return "\n".join([*lines, "-" * 40])


def arm_table(history: History, objective: Objective, arm: str) -> str:
    """The best trial of each choice of `arm`, and its difference to the cross-entropy baseline.

    Args:
        history: everything recorded.
        objective: names the score, and says which way it is better.
        arm: the hyperparameter on whose choice others depend, such as ``"loss"``.
    """
    choices = {spec.number: spec.configuration.get(arm) for spec in history.asks}
    best: dict[Any, TrialResult | None] = {}
    for choice in dict.fromkeys(choices.values()):
        results = {number: result for number, result in history.final().items() if choices[number] == choice}
        best[choice] = best_result(results, objective)
    baseline = best.get(_BASELINE)
    lines = [f"{'Best of each ' + arm:<28} {'trial':<6} {'val ' + objective.target:<12} {'test':<10} against {_BASELINE}"]
    for choice, result in best.items():
        lines.append(f"{printable(str(choice)):<28} {_best_of_arm(result, baseline, objective)}".rstrip())
    return printable("\n".join([*lines, "-" * 40]))


def _best_of_arm(result: TrialResult | None, baseline: TrialResult | None, objective: Objective) -> str:
    if result is None or result.score is None:
        return "no trial with a score"
    test = score_on_test(result.test, objective.target)
    shown = "-" if test is None else f"{test:.6f}"
    has_other = baseline is not None and baseline.score is not None and baseline.number != result.number
    difference = f"{result.score - baseline.score:+.6f}" if has_other else ""  # type: ignore[operator, union-attr]
    return f"{result.number:<6} {result.score:<12.6f} {shown:<10} {difference}"


def trials_dataframe(specs: Sequence[TrialSpec], results: Mapping[int, TrialResult]) -> pd.DataFrame:
    """One row per trial, as a pandas frame.

    Args:
        specs: every trial that was proposed, in order.
        results: trial number -> result of those that are over.

    Returns:
        Columns ``trial, origin, status, score, epochs, best_epoch, seconds, checkpoint, reason``, then ``val/<metric>``,
        ``test/<metric>`` (or the key as it was logged, if that names the test split itself), and one column per
        hyperparameter (missing where it was inactive). With folds there is a column ``fold``, from 0, too.
    """
    import pandas as pd

    frame: pd.DataFrame = pd.DataFrame([_row(spec, results.get(spec.number)) for spec in specs])
    return frame


def _row(spec: TrialSpec, result: TrialResult | None) -> dict[str, Any]:
    row: dict[str, Any] = {"trial": spec.number, "origin": spec.origin}
    if spec.split is not None and spec.split.fold is not None:
        row["fold"] = spec.split.fold
    if result is None:
        row["status"] = "RUNNING"
        return {**row, **spec.configuration}
    row |= {
        "status": result.status.name,
        "score": result.score if result.is_scored else None,
        "epochs": result.epochs,
        "best_epoch": result.best_epoch,
        "seconds": result.seconds,
        "checkpoint": None if result.checkpoint is None else str(result.checkpoint),
        "reason": result.reason,
    }
    row |= {f"val/{name}": value for name, value in result.val.items()}
    row |= {column_of_test(name): value for name, value in result.test.items()}
    return {**row, **spec.configuration}


def summary(
    history: History, best: TrialResult | None, objective: Objective, best_directory: Path, ensemble: EnsembleScores | None = None
) -> str:
    """The default and the best configuration side by side, and where the best checkpoint lies.

    Args:
        history: everything recorded.
        best: its best result, or None before the first score.
        objective: names the score, and says which way it is better.
        best_directory: directory of the best checkpoint.
        ensemble: what the ensemble scores, where there is one.
    """
    if best is None:
        return "No trial has a score."
    specs = {spec.number: spec for spec in history.asks}
    default = next((spec.number for spec in history.asks if spec.origin == "default"), None)
    lines = [f"Best configuration (trial {best.number}):"]
    lines += [f"  {name} = {value!r}" for name, value in specs[best.number].configuration.items()]
    lines.append(f"{'':<10}{'validation ' + objective.target:<20}test {objective.target}")
    if default is not None and default in history.results:
        lines.append(row("default", history.results[default], objective, history))
    lines.append(row("best", best, objective, history))
    lines += [] if ensemble is None else ensemble_lines(ensemble, objective.target)
    split = specs[best.number].split
    if split is not None and split.n_folds is not None:
        lines.append(f"Validation scores are means over folds; trial {best.number} is the model of the first one.")
    return printable("\n".join([*lines, f"Best checkpoint: {best_directory / BEST}"]))
