from __future__ import annotations

import time
from typing import Any

import pytest

from automax_lightning.search.planning.results import best_result
from automax_lightning.search.planning.stopping import CurveRule, Standing, StopRules
from automax_lightning.search.storage.history import History
from automax_lightning.trial.records import Objective, Status, TrialResult
from tests.support.simulate import results

AUROC = Objective("AUROC")


@pytest.mark.parametrize(
    ("rules", "scores", "reason"),
    [
        ({}, [0.5, 0.6], None),
        ({"target_score": 0.6}, [0.5, 0.6], "trial 2 has reached the target score 0.6"),
        ({"target_score": 0.61}, [0.5, 0.6], None),
        ({"patience": 2}, [0.6, 0.5, 0.5], "no better score in 2 trials"),
        ({"patience": 3}, [0.6, 0.5, 0.5], None),
        ({"max_failures": 2}, [None, 0.5, None], "2 trials have failed"),
        ({"max_failures": 3}, [None, 0.5, None], None),
        ({"patience": 1}, [None, None], None),
    ],
)
def test_stop_rules(rules: dict[str, Any], scores: list[float | None], reason: str | None) -> None:
    over = results(*scores)
    best = best_result({result.number: result for result in over}, AUROC)
    standing = None if best is None or best.score is None else Standing(best.number, best.score, best.number)
    assert StopRules(AUROC, **rules).reason(over, standing) == reason


def test_the_walltime_is_counted_from_the_start() -> None:
    rules = StopRules(AUROC, walltime_limit=0.05)
    assert rules.reason([]) is None
    time.sleep(0.06)
    assert rules.reason([]) == "the time limit of 0.05 s is reached"


def test_the_walltime_goes_on_where_another_process_stopped() -> None:
    assert StopRules(AUROC, walltime_limit=100.0, seconds=99.0).reason([]) is None
    assert StopRules(AUROC, walltime_limit=100.0, seconds=101.0).reason([]) == "the time limit of 100 s is reached"


def finished(*curves: tuple[float, ...], objective: Objective = AUROC) -> History:
    best = max if objective.mode == "max" else min
    done = [TrialResult(n, Status.SUCCESS, best(c), epochs=len(c), curve=c) for n, c in enumerate(curves, start=1)]
    return History(results={result.number: result for result in done})


@pytest.mark.parametrize(
    ("curve", "stops"),
    [
        ([0.5, 0.6, 0.69], True),  # 0.8 - 0.5 * (1 - 0.8) = 0.7
        ([0.5, 0.6, 0.71], False),
        ([0.71, 0.6, 0.5], False),  # the best so far counts
        ([0.5, 0.5], False),  # not an epoch at which it looks
        ([float("nan")] * 3, False),
        ([], False),
    ],
)
def test_a_trial_clearly_under_the_best_ones_curve_stops(curve: list[float], stops: bool) -> None:
    history = finished((0.6, 0.7, 0.8, 0.9), (0.5, 0.9, 0.8, 0.8))
    verdict = CurveRule("incumbent", AUROC, epochs=27).verdict(curve, history)
    assert (verdict is not None) == stops
    assert CurveRule("incumbent", AUROC, epochs=27).verdict(curve, History()) is None


def test_a_loss_is_compared_with_zero() -> None:
    loss = Objective("val_loss", "min")
    history = finished((0.6, 0.5, 0.4), objective=loss)
    rule = CurveRule("incumbent", loss, epochs=27, at=(3,))
    assert rule.verdict([0.9, 0.8, 0.61], history) is not None  # 1.5 * 0.4 = 0.6
    assert rule.verdict([0.9, 0.8, 0.59], history) is None


def test_the_median_of_earlier_trials_needs_four_of_them() -> None:
    rule = CurveRule("median", AUROC, epochs=9)
    curves = [(0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9)]
    assert rule.verdict([0.5, 0.7], finished(*curves)) == "0.7000 after epoch 2, where the median of 4 trials was 0.7500"
    assert rule.verdict([0.5, 0.76], finished(*curves)) is None
    assert rule.verdict([0.5, 0.7], finished(*curves[:3])) is None
    assert CurveRule("median", AUROC, epochs=27).verdict([0.5, 0.6], finished(*curves)) is None  # before the first look


def test_when_to_look_depends_on_the_length_of_a_fit() -> None:
    assert [CurveRule("incumbent", AUROC, epochs).at for epochs in (1, 2, 6, 27, 50)] == [
        (1,), (1,), (1, 2), (3, 9), (6, 17)
    ]  # fmt: skip
    assert CurveRule("incumbent", AUROC, 27, at=(5, 2)).at == (2, 5)
