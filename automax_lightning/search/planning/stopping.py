"""When a trial is not worth its remaining epochs, and when a search is over before its last trial."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from statistics import median

from automax_lightning.search.planning.results import best_trial
from automax_lightning.search.planning.successive_halving import best_so_far
from automax_lightning.search.storage.history import History
from automax_lightning.trial.records import Objective, TrialResult

RULES = ("incumbent", "median")
_ENOUGH = 4


class CurveRule:
    """Ends a trial that is clearly worse than others were after the same epochs.

    ``"incumbent"``: at the chosen epochs, stop if the distance to the ideal (1 for a score, 0 for a loss) is more than
    one and a half times that of the best trial at that epoch; for a score this is
    ``value < best - 0.5 * (1 - best)``. ``"median"``: from the first chosen epoch on, stop if the score is worse than
    the median of at least four finished trials at that epoch, the rule of Golovin et al., Google Vizier, KDD 2017. Both
    compare the best score so far, because curves are noisy.

    Args:
        kind: one of `RULES`.
        objective: which way is better; ``"incumbent"`` takes a score to end at 1 and a loss at 0.
        epochs: of a whole fit.
        at: epochs at which to look; by default after a ninth and a third of the fit.

    Example:
        >>> from automax_lightning.trial.records import Status
        >>> rule = CurveRule("incumbent", Objective("AUROC"), epochs=27)
        >>> done = History(results={1: TrialResult(1, Status.SUCCESS, 0.9, curve=(0.6, 0.7, 0.8))})
        >>> rule.verdict([0.5, 0.6, 0.69], done)
        '0.6900 after epoch 3, where the best trial had 0.8000'
    """

    def __init__(self, kind: str, objective: Objective, epochs: int, at: Sequence[int] = ()) -> None:
        self.kind, self.objective = kind, objective
        self.at = tuple(sorted(at)) or tuple(sorted({max(1, round(epochs / 9)), max(1, round(epochs / 3))}))

    def verdict(self, curve: Sequence[float], history: History) -> str | None:
        """Why the trial ends now, or None to go on.

        Args:
            curve: its scores so far.
            history: of the search.
        """
        epoch = len(curve)
        value = best_so_far(curve, epoch, self.objective)
        if value is None:
            return None
        return self._median(value, epoch, history) if self.kind == "median" else self._incumbent(value, epoch, history)

    def _incumbent(self, value: float, epoch: int, history: History) -> str | None:
        best = best_trial(history, self.objective)
        if epoch not in self.at or best is None or len(best.curve) < epoch:
            return None
        reached = best_so_far(best.curve, epoch, self.objective)
        if reached is None or self._distance(reached) < 0 or self._distance(value) <= 1.5 * self._distance(reached):
            return None
        return f"{value:.4f} after epoch {epoch}, where the best trial had {reached:.4f}"

    def _median(self, value: float, epoch: int, history: History) -> str | None:
        if epoch < self.at[0]:
            return None
        reached = history.derived(("reached", epoch, self.objective), lambda: self._reached(epoch, history))
        if len(reached) < _ENOUGH or not self.objective.is_better(median(reached), value):
            return None
        return f"{value:.4f} after epoch {epoch}, where the median of {len(reached)} trials was {median(reached):.4f}"

    def _reached(self, epoch: int, history: History) -> list[float]:
        """The best score so far of each trial that has come to this epoch."""
        curves = [result.curve for result in history.final().values() if len(result.curve) >= epoch]
        scores = [best_so_far(curve, epoch, self.objective) for curve in curves]
        return [score for score in scores if score is not None]

    def _distance(self, value: float) -> float:
        return 1 - value if self.objective.mode == "max" else value


@dataclasses.dataclass(frozen=True)
class Standing:
    """The incumbent, as the rules that end a search see it.

    Args:
        number: its trial.
        score: its score; with several seeds or folds, the mean over them.
        newest: the last trial of its configuration.
    """

    number: int
    score: float
    newest: int


class StopRules:
    """When a search is over before its last trial.

    Args:
        objective: which way is better.
        walltime_limit: seconds after which no further trial starts.
        target_score: a score that is good enough.
        patience: trials in a row without a better score.
        max_failures: failed trials.
        seconds: what the search has run before, in other processes.
    """

    def __init__(
        self,
        objective: Objective,
        *,
        walltime_limit: float | None = None,
        target_score: float | None = None,
        patience: int | None = None,
        max_failures: int | None = None,
        seconds: float = 0.0,
    ) -> None:
        self.objective = objective
        self.walltime_limit, self.target_score = walltime_limit, target_score
        self.patience, self.max_failures = patience, max_failures
        self._started = time.monotonic() - seconds

    @property
    def need_the_best(self) -> bool:
        """Whether a rule looks at the best score."""
        return self.target_score is not None or self.patience is not None

    def reason(self, results: Sequence[TrialResult], best: Standing | None = None) -> str | None:
        """Why the search is over, as a sentence without its dot, or None to go on.

        Args:
            results: of the finished trials, in order.
            best: what stands at the top; None before the first score, or where no rule looks at it.
        """
        if self.walltime_limit is not None and time.monotonic() - self._started > self.walltime_limit:
            return f"the time limit of {self.walltime_limit:g} s is reached"
        failures = sum(not result.is_scored for result in results)
        if self.max_failures is not None and failures >= self.max_failures:
            return f"{failures} trials have failed"
        return None if best is None else self._reached_enough(results, best)

    def _reached_enough(self, results: Sequence[TrialResult], best: Standing) -> str | None:
        if self.target_score is not None and not self.objective.is_better(self.target_score, best.score):
            return f"trial {best.number} has reached the target score {self.target_score:g}"
        since = sum(result.number > best.newest for result in results)
        if self.patience is not None and since >= self.patience:
            return f"no better score in {since} trials"
        return None
