"""Several seeds for what is promising: the incumbent is judged by its mean, and a challenger must keep up seed by seed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from statistics import fmean, stdev
from typing import Any

from automax_lightning.search.planning.results import best_result, best_trial, cost_of
from automax_lightning.search.storage.history import History, configuration_key
from automax_lightning.trial.records import Objective, TrialResult


@dataclasses.dataclass(frozen=True)
class Runner:
    """A configuration with everything that its seeds have brought.

    Args:
        values: the configuration.
        numbers: its trials, in the order of the seeds.
        costs: of those that are over; empty if one has failed.
        runs: whether one of its trials is not over.
        failed: whether one of its trials has failed.
    """

    values: Mapping[str, Any]
    numbers: tuple[int, ...]
    costs: tuple[float, ...]
    runs: bool
    failed: bool


def runners(history: History, objective: Objective) -> list[Runner]:
    """The configurations in the order in which they were first proposed.

    Args:
        history: everything recorded.
        objective: which way is better.
    """
    return history.derived(("runners", objective), lambda: [_runner(n, history, objective) for n in history.groups.values()])


def _runner(numbers: tuple[int, ...], history: History, objective: Objective) -> Runner:
    over = history.final()
    costs = [cost_of(over[number], objective) for number in numbers if number in over]
    failed = any(cost is None for cost in costs)
    scored = () if failed else tuple(cost for cost in costs if cost is not None)
    values = history.spec(numbers[0]).configuration
    return Runner(values, numbers, scored, any(number not in over for number in numbers), failed)


def leader(candidates: list[Runner], n_seeds: int) -> Runner | None:
    """The configuration with the best mean among those with all seeds; of equal ones the first."""
    whole = [runner for runner in candidates if len(runner.costs) >= n_seeds]
    return min(whole, key=lambda runner: fmean(runner.costs[:n_seeds]), default=None)


def repetition(history: History, objective: Objective, n_seeds: int) -> Runner | None:
    """The configuration that is to run on its next seed, or None.

    A challenger runs on further seeds as long as its mean is better than the leader's over the same seeds; so a bad one costs one
    trial. Before there is a leader, the first configuration that works becomes it.

    Args:
        history: everything recorded.
        objective: which way is better.
        n_seeds: seeds of a configuration in all.
    """
    candidates = runners(history, objective)
    ahead = leader(candidates, n_seeds)
    for runner in candidates:
        if runner.failed or runner.runs or len(runner.costs) >= n_seeds:
            continue
        if ahead is None or fmean(runner.costs) < fmean(ahead.costs[: len(runner.costs)]):
            return runner
    return None


def incumbent(history: History, objective: Objective, n_seeds: int) -> TrialResult | None:
    """The best trial: of the configuration with the best mean, the seed with the best score.

    Args:
        history: everything recorded.
        objective: which way is better.
        n_seeds: seeds of a configuration in all; with 1, simply the best result.
    """
    ahead = leader(runners(history, objective), n_seeds) if n_seeds > 1 else None
    if ahead is None:
        return best_trial(history, objective)
    return best_result({number: history.final()[number] for number in ahead.numbers}, objective)


def mean_and_spread(history: History, objective: Objective, number: int) -> tuple[float, float | None, int]:
    """Mean score, standard deviation and number of the seeds of a trial's configuration.

    Args:
        history: everything recorded.
        objective: gives costs back their sign.
        number: of a trial with a score.
    """
    key = configuration_key(history.spec(number).configuration)
    runner = _runner(history.groups[key], history, objective)
    scores = [objective.cost(cost) for cost in runner.costs]  # the sign flips back
    return fmean(scores), stdev(scores) if len(scores) > 1 else None, len(scores)
