"""What both displays know of a search while it runs: the running trials, the finished ones, the best, the time left."""

from __future__ import annotations

import dataclasses
from statistics import median_high

from automax_lightning.search.snapshot import Running
from automax_lightning.trial.records import Objective, TrialResult, TrialSpec
from automax_lightning.utils.formatting import format_duration, show_score


@dataclasses.dataclass
class SearchState:
    """A search while it runs, as its session tells it.

    Args:
        objective: names the score.
        n_trials: the budget of the search, in trials.
        finished: trials that are over; those that were over before are counted in.
        budget: how many trials there will be, in words; by default `n_trials`.

    Example:
        >>> state = SearchState(Objective("AUROC"), n_trials=3)
        >>> state.start(TrialSpec(1, {}))
        >>> state.epoch(1, 1, 0.85)
        >>> [trial.describe(state.objective) for trial in state.running.values()]
        ['trial 1, epoch 1: AUROC 0.8500']
    """

    objective: Objective
    n_trials: int
    finished: int = 0
    budget: str = ""
    running: dict[int, Running] = dataclasses.field(default_factory=dict, init=False)
    results: dict[int, TrialResult] = dataclasses.field(default_factory=dict, init=False)
    best: TrialResult | None = dataclasses.field(default=None, init=False)

    def start(self, spec: TrialSpec) -> None:
        """A trial begins, or resumes."""
        self.running[spec.number] = Running(spec.number, goal=spec.budget or spec.epochs)

    def epoch(self, number: int, epoch: int, score: float) -> None:
        """A running trial has finished one more epoch."""
        before = self.running.get(number, Running(number))
        self.running[number] = dataclasses.replace(before, epoch=epoch, score=score)

    def finish(self, result: TrialResult, best: TrialResult | None) -> None:
        """A trial is over, or paused."""
        self.running.pop(result.number, None)
        self.finished += result.number not in self.results  # a promoted trial ends more than once
        self.results.pop(result.number, None)
        self.results[result.number] = result  # the newest last
        self.best = best

    def __post_init__(self) -> None:
        self.budget = self.budget or str(self.n_trials)

    def headline(self) -> str:
        """How many trials are over, the best score, and about how long the others will take."""
        return ", ".join(part for part in (f"{self.finished} of {self.budget} trials", self.best_so_far(), self.left()) if part)

    def best_so_far(self) -> str:
        """The best score and its trial; empty before the first."""
        best = self.best
        return "" if best is None or best.score is None else f"best {show_score(best.score)} (trial {best.number})"

    def left(self) -> str:
        """The time left, from the median trial so far; empty before the first trial is over, and at the end.

        Trials differ, so this is an estimate and says so. Of two medians it takes the longer one: a trial that failed
        at once should not make the rest look short.
        """
        remaining = self.n_trials - self.finished
        if not self.results or remaining <= 0:
            return ""
        seconds = median_high(result.seconds for result in self.results.values()) * remaining / max(1, len(self.running))
        return f"{'' if self.budget.isdigit() else 'at most '}about {format_duration(round(seconds))} left"
