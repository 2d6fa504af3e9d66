"""What a search does next, as a pure function of its history: continue, promote, repeat, propose, or end."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from automax_lightning.search.planning.racing import incumbent, level_costs, mean_and_spread, repetition
from automax_lightning.search.planning.resampling import Resampling
from automax_lightning.search.planning.results import observations
from automax_lightning.search.planning.stopping import CurveRule, Standing
from automax_lightning.search.planning.successive_halving import Ladder
from automax_lightning.search.storage.history import History, Observation, configuration_key
from automax_lightning.trial.records import Objective, TrialResult, TrialSpec


@dataclasses.dataclass(frozen=True)
class Continue:
    """A trial that was started and has not ended."""

    spec: TrialSpec


@dataclasses.dataclass(frozen=True)
class Promote:
    """A paused trial is promoted to a larger budget (None for the whole fit)."""

    number: int
    budget: int | None


@dataclasses.dataclass(frozen=True)
class Repeat:
    """A configuration that runs on its next seed or fold, the `index`-th from 0."""

    values: Mapping[str, Any]
    index: int


@dataclasses.dataclass(frozen=True)
class New:
    """A new configuration."""


Step = Continue | Promote | Repeat | New


@dataclasses.dataclass(frozen=True)
class Plan:
    """How a search spends its trials.

    Args:
        n_trials: most trials in all; a promotion is none, a fold is one.
        objective: which way is better.
        ladder: epochs as budget, or None.
        n_seeds: seeds of a promising configuration.
        rule: when a trial ends early, or None.
        epochs: epochs of a whole fit where the search decides them.
        resampling: which rows a trial is judged by.
        n_configurations: most configurations in all; None for as many as there are trials.
    """

    n_trials: int
    objective: Objective
    ladder: Ladder | None = None
    n_seeds: int = 1
    rule: CurveRule | None = None
    epochs: int | None = None
    resampling: Resampling = dataclasses.field(default_factory=Resampling)
    n_configurations: int | None = None

    @property
    def repetitions(self) -> int:
        """Seeds or folds of a promising configuration."""
        return self.resampling.n_folds if self.resampling.has_folds else self.n_seeds

    @property
    def budget(self) -> str:
        """How many trials there will be: ``"20"``, or ``"at most 80"`` where a configuration may end after its first fold."""
        return str(self.n_trials) if self.n_configurations is None else f"at most {self.n_trials}"

    def progress(self, history: History) -> str:
        """How many trials are over, and of how many: ``"3 of 20"``, ``"3 of at most 80"``; of folds in the end ``"31 of 31"``.

        Args:
            history: everything recorded.
        """
        over = len(history.final())
        if over >= self.n_trials or self.is_over(history):
            return f"{over} of {over}"
        return f"{over} of {self.budget}"

    def is_over(self, history: History) -> bool:
        """Whether all trials of the budget are over: of folds, those that the race still asked for.

        Args:
            history: everything recorded.
        """
        if self.n_configurations is None or history.pending():
            return len(history.final()) >= self.n_trials
        return self.next(history) is None

    def is_spent(self, history: History) -> bool:
        """Whether as many trials, or configurations, were started as there may be."""
        return len(history.asks) >= self.n_trials or self._has_all_configurations(history)

    def _has_all_configurations(self, history: History) -> bool:
        return self.n_configurations is not None and len(history.groups) >= self.n_configurations

    def next(self, history: History, running: frozenset[int] = frozenset()) -> Step | None:
        """The next step; None if the search is over.

        Args:
            history: everything recorded.
            running: numbers of the trials that run at this moment.
        """
        waiting = [spec for spec in history.pending() if spec.number not in running]
        if waiting:
            return Continue(waiting[0])
        promotion = None if self.ladder is None else self.ladder.promotion(history)
        if promotion is not None:
            return Promote(*promotion)
        if len(history.asks) >= self.n_trials:
            return None
        runner = repetition(history, self.objective, self.repetitions) if self.repetitions > 1 else None
        if runner is not None:
            return Repeat(runner.values, len(runner.numbers))
        return None if self._has_all_configurations(history) else New()

    def observations(self, history: History) -> list[Observation]:
        """What the proposer is shown."""
        if self.resampling.has_folds:
            return observations(history, self.objective, level_costs(history, self.objective, self.repetitions))
        return observations(history, self.objective, self.ladder.levelled(history) if self.ladder else None)

    def best(self, history: History) -> TrialResult | None:
        """The incumbent's result."""
        return incumbent(history, self.objective, self.repetitions)

    def standing(self, history: History) -> Standing | None:
        """The incumbent as the rules that end a search see it; None before the first score."""
        best = self.best(history)
        if best is None or best.score is None:
            return None
        if self.repetitions == 1:
            return Standing(best.number, best.score, best.number)
        mean, _, _ = mean_and_spread(history, self.objective, best.number)
        numbers = history.groups[configuration_key(history.spec(best.number).configuration)]
        return Standing(best.number, mean, max(number for number in numbers if number in history.final()))

    def shown_best(self, history: History) -> TrialResult | None:
        """The incumbent's result with the score that it stands for: with several seeds or folds, the mean over them."""
        best = self.best(history)
        standing = self.standing(history) if self.repetitions > 1 else None
        return best if best is None or standing is None else dataclasses.replace(best, score=standing.score)

    def first_budget(self, number: int) -> int | None:
        """Epochs after which a new trial pauses; None to train to the end."""
        return None if self.ladder is None else self.ladder.first_budget(number)

    def resumable(self, history: History) -> set[int]:
        """The trials whose last checkpoint may still be needed."""
        return history.derived(("resumable", self), lambda: self._resumable(history))

    def _resumable(self, history: History) -> set[int]:
        needed = {spec.number for spec in history.pending()}
        if self.ladder is not None:
            needed |= self.ladder.promising(history, self.n_trials)
        if self.rule is not None and len(history.final()) < self.n_trials:
            needed |= {number for number, result in history.final().items() if result.status.name == "STOPPED"}
        return needed

    def disposable(self, history: History) -> set[int]:
        """The paused trials that are neither the best nor may be promoted: not even their best checkpoint is needed."""
        best = self.best(history)
        kept = self.resumable(history) | ({best.number} if best is not None else set())
        return {n for n, result in history.final().items() if result.status.name == "PAUSED" and n not in kept}
