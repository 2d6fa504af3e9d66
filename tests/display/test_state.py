from __future__ import annotations

import pytest

from automax_lightning import Objective, Status, TrialResult, TrialSpec
from automax_lightning.display.state import SearchState


def state(*seconds: float, n_trials: int = 10) -> SearchState:
    """A search whose first trials took so long."""
    search = SearchState(Objective("AUROC"), n_trials)
    for number, each in enumerate(seconds, start=1):
        search.finish(TrialResult(number, Status.SUCCESS, 0.5, seconds=each), None)
    return search


@pytest.mark.parametrize(
    ("seconds", "left"),
    [((), ""), ((3.0,), "about 27 s left"), ((4.0, 0.0), "about 32 s left"), ((60.0, 60.0, 0.1), "about 7 min left")],
)
def test_the_time_left_is_the_median_trial_times_what_is_missing(seconds: tuple[float, ...], left: str) -> None:
    assert state(*seconds).left() == left


def test_trials_at_once_share_the_time_and_at_the_end_none_is_left() -> None:
    search = state(10.0)
    for number in (2, 3, 4):
        search.start(TrialSpec(number, {}))
    assert search.left() == "about 30 s left"
    assert state(1.0, n_trials=1).left() == ""


def test_a_promoted_trial_counts_once_and_is_the_newest() -> None:
    search = state(1.0, 1.0)
    search.start(TrialSpec(1, {}, budget=9))
    assert search.running[1].goal == 9
    search.finish(TrialResult(1, Status.SUCCESS, 0.9), TrialResult(1, Status.SUCCESS, 0.9))
    assert search.finished == 2
    assert list(search.results) == [2, 1]
    assert search.headline().startswith("2 of 10 trials, best 0.9000 (trial 1), about ")


def test_an_epoch_of_a_trial_whose_start_was_not_told_is_shown_too() -> None:
    search = state()
    search.epoch(3, 2, 0.25)
    assert search.running[3].describe(search.objective) == "trial 3, epoch 2: AUROC 0.2500"
