"""Results as planner and proposer see them: the best one, costs, and one observation per configuration."""

from __future__ import annotations

from collections.abc import Mapping

from automax_lightning.search.storage.history import History, Key, Observation
from automax_lightning.trial.records import Objective, Status, TrialResult


def best_result(results: Mapping[int, TrialResult], objective: Objective) -> TrialResult | None:
    """The result with the best score; of equal ones the first, so that the answer does not depend on luck.

    Scores of different budgets are not compared: a trial that was trained to its end comes before one that was
    stopped, paused or cut. Of those the ones with the most epochs count, and those that had the same time: all that their
    time limit has cut.

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
    scored = [results[number] for number in sorted(results) if results[number].is_scored]
    whole = [result for result in scored if result.status is Status.SUCCESS]
    most = max((result.epochs for result in scored), default=0)
    best: TrialResult | None = None
    for result in whole or [result for result in scored if result.epochs == most or result.status is Status.TIMEOUT]:
        if objective.is_better(result.score, best.score if best else None):
            best = result
    return best


def best_trial(history: History, objective: Objective) -> TrialResult | None:
    """The best result of a history, see `best_result`; found once per history.

    Args:
        history: everything recorded.
        objective: which way is better.
    """
    return history.derived(("best", objective), lambda: best_result(history.final(), objective))


def cost_of(result: TrialResult, objective: Objective) -> float | None:
    """What a trial that is over costs; None for one without a score."""
    return objective.cost(result.score) if result.is_scored and result.score is not None else None


def observations(history: History, objective: Objective, levelled: Mapping[int, float] | None = None) -> list[Observation]:
    """The history as the proposer sees it: one observation per configuration, in the order of the proposals.

    Args:
        history: everything recorded.
        objective: which way is better.
        levelled: trial number -> the cost that is shown for it, where it is not the result's own.
    """
    shown = levelled or {}
    return [_observation(key, numbers, history, objective, shown) for key, numbers in history.groups.items()]


def _observation(
    key: Key, numbers: tuple[int, ...], history: History, objective: Objective, levelled: Mapping[int, float]
) -> Observation:
    """Of a configuration that was run with several seeds, the mean; one failure among them is a failure."""
    over, values = history.final(), history.specs[numbers[0]].configuration
    costs = {number: cost_of(over[number], objective) for number in numbers if number in over}
    if None in costs.values():
        return Observation(values, failed=True).with_key(key)
    shown = [levelled.get(number, cost) for number, cost in costs.items()]
    mean = sum(cost for cost in shown if cost is not None) / len(shown) if shown else None
    return Observation(values, mean).with_key(key)
