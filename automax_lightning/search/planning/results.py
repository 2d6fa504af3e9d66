"""Where a search stands: its best trial, its log, and its history as the proposer sees it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from automax_lightning.search.storage.history import History, Observation, configuration_key
from automax_lightning.trial.records import Objective, Status, TrialResult, TrialSpec


def best_result(results: Mapping[int, TrialResult], objective: Objective) -> TrialResult | None:
    """The result with the best score; of equal ones the first, so that the answer does not depend on luck.

    Scores of different budgets are not compared: a trial that was trained to its end comes before one that was
    stopped or paused, and of those the ones with the most epochs count.

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
    scored = [results[number] for number in sorted(results) if results[number].status.has_score]
    whole = [result for result in scored if result.status is Status.SUCCESS]
    most = max((result.epochs for result in scored), default=0)
    best: TrialResult | None = None
    for result in whole or [result for result in scored if result.epochs == most]:
        if objective.is_better(result.score, best.score if best else None):
            best = result
    return best


def cost_of(result: TrialResult, objective: Objective) -> float | None:
    """What a trial that is over costs; None for one without a score."""
    if not result.status.has_score or result.score is None or math.isnan(result.score):
        return None
    return objective.cost(result.score)


def observations(history: History, objective: Objective, levelled: Mapping[int, float] | None = None) -> list[Observation]:
    """The history as the proposer sees it: one observation a configuration, in the order of the proposals.

    Args:
        history: everything recorded.
        objective: which way is better.
        levelled: trial number -> the cost that is shown for it, where it is not the result's own.
    """
    groups: dict[Any, list[TrialSpec]] = {}
    for spec in history.asks:
        groups.setdefault(configuration_key(spec.configuration), []).append(spec)
    return [_observation(specs, history, objective, levelled or {}) for specs in groups.values()]


def _observation(specs: list[TrialSpec], history: History, objective: Objective, levelled: Mapping[int, float]) -> Observation:
    """Of a configuration that was run with several seeds, the mean; one failure among them is a failure."""
    over = history.final()
    results = [over[spec.number] for spec in specs if spec.number in over]
    costs = [cost_of(result, objective) for result in results]
    if any(cost is None for cost in costs):
        return Observation(specs[0].configuration, failed=True)
    known = [levelled.get(result.number, cost) for result, cost in zip(results, costs, strict=True)]
    mean = sum(cost for cost in known if cost is not None) / len(known) if known else None
    return Observation(specs[0].configuration, mean)
