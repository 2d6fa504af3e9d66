"""Epochs as budget: many configurations train a little, the best of them go on. A pure function of the history."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from statistics import median

from automax_lightning.errors import ConfigError
from automax_lightning.search.storage.history import History
from automax_lightning.trial.records import Objective, Status, TrialResult, TrialSpec


def budgets(min_budget: int, max_budget: int, eta: int = 3) -> tuple[int, ...]:
    """Whole epochs of the rungs, the last of which is `max_budget`; each is `eta` times the one before, rounded.

    Args:
        min_budget: the first rung has at least so many epochs.
        max_budget: epochs of a whole fit.
        eta: one in so many configurations goes on, at least 2.

    Raises:
        ConfigError: if there is no room for a second rung.

    Example:
        >>> budgets(3, 27), budgets(2, 50)
        ((3, 9, 27), (6, 17, 50))
    """
    if min_budget * eta > max_budget:
        raise ConfigError(
            "AutoMAXConfig.min_budget", f"at most {max_budget // eta}, a {eta}th of the {max_budget} epochs of a whole fit",
            str(min_budget), "Choose a smaller min_budget, or more epochs.",
        )  # fmt: skip
    steps = int(math.log(max_budget / min_budget) / math.log(eta) + 1e-9)
    return tuple(round(max_budget / eta**step) for step in range(steps, -1, -1))


def best_so_far(curve: Sequence[float], epochs: int, objective: Objective) -> float | None:
    """The best score of the first epochs, or None if there is none among them.

    Example:
        >>> best_so_far([0.5, 0.8, 0.7, 0.9], 3, Objective())
        0.8
    """
    best: float | None = None
    for score in curve[:epochs]:
        if objective.is_better(score, best):
            best = score
    return best


class Ladder:
    """Asynchronous successive halving (Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020).

    A trial goes on as soon as it is among the best `1 / eta` of all that have ended on its rung, so no rung ever waits
    for a trial that was lost. The first trial, the default configuration, trains to its end at once: there is then
    always a result at full length to compare with.

    Args:
        rungs: epochs, ascending; see `budgets`.
        objective: which way is better.
        eta: one in so many goes on.
    """

    def __init__(self, rungs: Sequence[int], objective: Objective, eta: int = 3) -> None:
        self.rungs, self.objective, self.eta = tuple(rungs), objective, eta

    def first_budget(self, number: int) -> int | None:
        """Epochs after which a new trial pauses; None for the first one."""
        return None if number == 1 else self.rungs[0]

    def promotion(self, history: History) -> tuple[int, int | None] | None:
        """Which trial goes on, and up to which budget (None for the whole fit); None if no trial does.

        Args:
            history: everything recorded.
        """
        for rung in range(len(self.rungs) - 2, -1, -1):
            ranking = self._ranking(history, rung)
            for cost, number in ranking[: len(ranking) // self.eta]:
                if cost < math.inf and self._waits(history, number, rung):
                    is_last = rung + 2 == len(self.rungs)
                    return number, None if is_last else self.rungs[rung + 1]
        return None

    def promising(self, history: History, n_trials: int) -> set[int]:
        """The paused trials that may still go on: in a search of this size nobody can push them off their place.

        Args:
            history: everything recorded.
            n_trials: configurations that will be tried in all.
        """
        found: set[int] = set()
        most = n_trials
        for rung in range(len(self.rungs) - 1):
            places = most // self.eta
            ranking = self._ranking(history, rung)
            found |= {number for _, number in ranking[:places] if self._waits(history, number, rung)}
            most = places + 1  # the default is on every rung
        return found

    def levelled(self, history: History) -> dict[int, float]:
        """Trial number -> its cost as if it had been trained to its end.

        What the trials that went on have gained in the median from one rung to the next is granted to those that did
        not: without it the surrogate would take an unfinished trial for a bad configuration.

        Args:
            history: everything recorded.
        """
        costs = [{number: cost for cost, number in self._ranking(history, r) if cost < math.inf}
                 for r in range(len(self.rungs))]  # fmt: skip
        gains = []
        for lower, upper in itertools.pairwise(costs):
            both = [upper[number] - lower[number] for number in upper if number in lower]
            gains.append(median(both) if both else 0.0)
        found: dict[int, float] = {}
        for rung, at_rung in enumerate(costs):
            found |= {number: cost + sum(gains[rung:]) for number, cost in at_rung.items()}
        return found

    def describe(self, n_trials: int) -> str:
        """The rungs as a sentence, for the user to see before anything starts."""
        epochs, most = self.rungs[-1] + (n_trials - 1) * self.rungs[0], n_trials
        parts = [f"{n_trials} configurations train {self.rungs[0]} epochs"]
        for lower, upper in zip(self.rungs, self.rungs[1:], strict=False):
            most = max(1, most // self.eta)
            parts.append(f"{most} of them {upper}")
            epochs += most * (upper - lower)
        full = n_trials * self.rungs[-1]
        # A trial goes on as soon as it is in the best share of those before it, so a search that gets better promotes more.
        return (f"Epochs as budget: {', '.join(parts)}; about {epochs} epochs in all, "
                f"more while trials get better and better, {full} without budgets.")  # fmt: skip

    def _ranking(self, history: History, rung: int) -> list[tuple[float, int]]:
        """Everybody who has ended on this rung or beyond, the best first; failures last, at an infinite cost."""
        return history.derived(("ranking", self.rungs, rung, self.objective), lambda: self._ranked(history, rung))

    def _ranked(self, history: History, rung: int) -> list[tuple[float, int]]:
        ranking = []
        for number, result in history.final().items():
            cost = self._cost(history.spec(number), result, rung, is_open=number in history.reopened)
            if cost is not None:
                ranking.append((cost, number))
        return sorted(ranking)

    def _cost(self, spec: TrialSpec, result: TrialResult, rung: int, *, is_open: bool) -> float | None:
        epochs = self.rungs[rung]
        if len(result.curve) >= epochs:
            score = best_so_far(result.curve, epochs, self.objective)
            return math.inf if score is None else self.objective.cost(score)
        if is_open or (spec.budget is not None and spec.budget < epochs):
            return None
        return math.inf  # it was to come this far, and failed or was stopped before

    def _waits(self, history: History, number: int, rung: int) -> bool:
        paused = history.results[number].status is Status.PAUSED and number not in history.reopened
        return paused and history.spec(number).budget == self.rungs[rung]
