"""Several seeds or folds for what is promising: a configuration is judged by its mean, and a challenger must keep up."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from statistics import fmean, stdev
from typing import Any

from automax_lightning.search.planning.results import best_result, best_trial, cost_of
from automax_lightning.search.storage.history import History, configuration_key
from automax_lightning.trial.records import Objective, TrialResult


@dataclasses.dataclass(frozen=True)
class Runner:
    """A configuration with everything that its seeds or folds have brought.

    Args:
        values: the configuration.
        numbers: its trials, in the order of the seeds or folds.
        costs: of those that are over; empty if one has failed.
        runs: whether one of its trials is not over.
        failed: whether one of its trials has failed.
        curves: costs after each epoch of those that are over, where they are folds, in the same order.
    """

    values: Mapping[str, Any]
    numbers: tuple[int, ...]
    costs: tuple[float, ...]
    runs: bool
    failed: bool
    curves: tuple[tuple[float, ...], ...] = ()

    def cost(self, first: int | None = None) -> float:
        """The cost of the configuration: of seeds the mean, of folds the best epoch of their mean curve.

        One epoch for all folds: the best epoch of each would flatter a configuration whose curve jumps about.

        Args:
            first: how many seeds or folds count; None for all.
        """
        curves = self.curves[:first]
        epochs = min(map(len, curves), default=0)
        means = [fmean(costs) for costs in zip(*(curve[:epochs] for curve in curves), strict=True)]
        whole = [mean for mean in means if not math.isnan(mean)]
        return min(whole) if whole else fmean(self.costs[:first])


def runners(history: History, objective: Objective) -> list[Runner]:
    """The configurations in the order in which they were first proposed.

    Args:
        history: everything recorded.
        objective: which way is better.
    """
    return history.derived(("runners", objective), lambda: [_runner(n, history, objective) for n in history.groups.values()])


def _runner(numbers: tuple[int, ...], history: History, objective: Objective) -> Runner:
    over, numbers = history.final(), _one_per_fold(numbers, history)
    costs = [cost_of(over[number], objective) for number in numbers if number in over]
    failed = any(cost is None for cost in costs)
    scored = () if failed else tuple(cost for cost in costs if cost is not None)
    first = history.spec(numbers[0])
    is_fold = first.split is not None and first.split.fold is not None
    curves = [tuple(map(objective.cost, over[number].curve)) for number in numbers if number in over] if is_fold else []
    runs = any(number not in over for number in numbers)
    return Runner(first.configuration, numbers, scored, runs, failed, tuple(curves) if scored else ())


def _one_per_fold(numbers: tuple[int, ...], history: History) -> tuple[int, ...]:
    """The trials of a configuration, of each fold the first: a user may train a configuration once more."""
    folds: dict[int, int] = {}
    for number in numbers:
        split = history.spec(number).split
        folds.setdefault(-number if split is None or split.fold is None else split.fold, number)
    return numbers if len(folds) == len(numbers) else tuple(folds[fold] for fold in sorted(folds))


def leader(candidates: list[Runner], n_seeds: int) -> Runner | None:
    """The configuration with the best mean among those with all seeds or folds; of equal ones the first."""
    whole = [runner for runner in candidates if len(runner.costs) >= n_seeds]
    return min(whole, key=lambda runner: runner.cost(n_seeds), default=None)


def repetition(history: History, objective: Objective, n_seeds: int) -> Runner | None:
    """The configuration that is to run on its next seed or fold, or None.

    A challenger runs on further seeds as long as its mean is better than the leader's over the same seeds; so a bad one costs one
    trial. The same holds for folds. Before there is a leader, the first configuration that works becomes it.

    Args:
        history: everything recorded.
        objective: which way is better.
        n_seeds: seeds or folds of a configuration in all.
    """
    candidates = runners(history, objective)
    ahead = leader(candidates, n_seeds)
    for runner in candidates:
        if runner.failed or runner.runs or len(runner.costs) >= n_seeds:
            continue
        if ahead is None or runner.cost() < ahead.cost(len(runner.costs)):
            return runner
    return None


def incumbent(history: History, objective: Objective, n_seeds: int) -> TrialResult | None:
    """The best trial: of the configuration with the best mean, the seed with the best score, or the first fold.

    Scores of different folds are of different rows, and so are not compared.

    Args:
        history: everything recorded.
        objective: which way is better.
        n_seeds: seeds or folds of a configuration in all; with 1, simply the best result.
    """
    candidates = runners(history, objective) if n_seeds > 1 else []
    ahead = leader(candidates, n_seeds) or _furthest(candidates)
    if ahead is None:
        return best_trial(history, objective)
    if ahead.curves:
        return history.final()[ahead.numbers[0]]
    return best_result({number: history.final()[number] for number in ahead.numbers}, objective)


def _furthest(candidates: list[Runner]) -> Runner | None:
    """Of configurations judged by folds, where none has all of them: the best one of those with the most."""
    judged = [runner for runner in candidates if runner.curves and not runner.failed]
    most = max((len(runner.curves) for runner in judged), default=0)
    return min((runner for runner in judged if len(runner.curves) == most), key=Runner.cost, default=None)


def level_costs(history: History, objective: Objective, n_folds: int) -> dict[int, float]:
    """Trial number -> cost of its configuration, as if it had been judged by all folds.

    Folds differ in difficulty, and most configurations have one only. What the leader's cost over all folds is above its
    cost over those of another configuration is added to that one's.

    Args:
        history: everything recorded.
        objective: which way is better.
        n_folds: folds of a configuration in all.
    """
    candidates = runners(history, objective)
    ahead = leader(candidates, n_folds)
    costs: dict[int, float] = {}
    for runner in (runner for runner in candidates if runner.costs):
        folds = len(runner.costs)
        cost = runner.cost() + (0.0 if ahead is None else ahead.cost(n_folds) - ahead.cost(min(folds, n_folds)))
        costs |= dict.fromkeys(runner.numbers[:folds], cost)
    return costs


def mean_and_spread(history: History, objective: Objective, number: int) -> tuple[float, float | None, int]:
    """Mean score, standard deviation and number of the seeds or folds of a trial's configuration.

    Args:
        history: everything recorded.
        objective: gives costs back their sign.
        number: of a trial with a score.
    """
    key = configuration_key(history.spec(number).configuration)
    runner = _runner(history.groups[key], history, objective)
    scores = [objective.cost(cost) for cost in runner.costs]  # the sign flips back
    return objective.cost(runner.cost()), stdev(scores) if len(scores) > 1 else None, len(scores)
