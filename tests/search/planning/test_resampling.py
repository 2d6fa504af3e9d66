"""Which split a trial has is a function of the search's seed and the trial, and configurations are judged fold by fold."""

from __future__ import annotations

import dataclasses
from statistics import fmean
from typing import Any

import pytest

from automax_lightning.search.planning.plan import New, Plan, Repeat
from automax_lightning.search.planning.racing import incumbent, level_costs, mean_and_spread, repetition, runners
from automax_lightning.search.planning.resampling import Resampling
from automax_lightning.search.planning.stopping import CurveRule, Standing
from automax_lightning.search.storage.history import History
from automax_lightning.trial.records import Objective, Split, Status, TrialResult, TrialSpec
from automax_lightning.utils.row_counts import RowCounts

AUROC = Objective("AUROC")
FOLDS = Resampling("cv", 2, seed=5)
PLAN = Plan(100, AUROC, resampling=FOLDS, n_configurations=3)


def told(*trials: tuple[int, tuple[float, ...] | None]) -> History:
    """A history of trials (configuration, curve) on fold after fold; None is a failure."""
    history, seen = History(), dict.fromkeys(range(10), 0)
    for number, (config, curve) in enumerate(trials, start=1):
        history = history.asked(TrialSpec(number, {"c": config}, split=FOLDS.split(number, seen[config])))
        seen[config] += 1
        status = Status.CRASHED if curve is None else Status.SUCCESS
        score = None if curve is None else max(curve)
        history = history.ended(TrialResult(number, status, score, epochs=len(curve or ()), curve=curve or ()))
    return history


def test_a_split_depends_on_the_seed_and_the_trial_alone() -> None:
    assert Resampling().split(3, 1) is None
    assert [FOLDS.split(number, number - 1) for number in (1, 2, 3)] == [Split(5, 0, 2), Split(5, 1, 2), Split(5, 0, 2)]
    drawn = [Resampling("reshuffled", seed=5).split(number, 0) for number in range(1, 50)]
    assert len({split.seed for split in drawn if split is not None}) == 49
    assert drawn == [Resampling("reshuffled", seed=5).split(number, 7) for number in range(1, 50)]
    assert drawn != [Resampling("reshuffled", seed=6).split(number, 0) for number in range(1, 50)]


@pytest.mark.parametrize("resampling", [Resampling(), Resampling("cv", 7), Resampling("reshuffled")])
def test_what_the_journal_records_is_read_back(resampling: Resampling) -> None:
    assert Resampling.recorded(resampling.settings, seed=0) == resampling


def test_the_first_configuration_has_all_folds_before_another_is_proposed() -> None:
    assert PLAN.next(History()) == New()
    assert PLAN.next(told((0, (0.5,)))) == Repeat({"c": 0}, 1)
    assert PLAN.next(told((0, (0.5,)), (0, (0.6,)))) == New()


def test_a_challenger_goes_on_only_while_it_keeps_up_on_the_same_folds() -> None:
    leader = ((0, (0.9,)), (0, (0.5,)))
    assert PLAN.next(told(*leader, (1, (0.8,)))) == New()  # better than the leader's mean, worse on the same fold
    assert PLAN.next(told(*leader, (1, (0.95,)))) == Repeat({"c": 1}, 1)
    assert PLAN.next(told(*leader, (1, None))) == New()


def test_the_budget_counts_configurations_or_fits() -> None:
    leader = ((0, (0.9,)), (0, (0.5,)))
    over = told(*leader, (1, (0.1,)), (2, (0.2,)))
    assert PLAN.is_spent(over)
    assert PLAN.next(over) is None
    assert PLAN.next(told(*leader, (1, (0.1,)), (2, (0.99,)))) == Repeat({"c": 2}, 1)  # the last one is judged to its end
    fits = dataclasses.replace(PLAN, n_trials=3, n_configurations=None)
    assert fits.next(told(*leader)) == New()
    assert fits.next(told(*leader, (1, (0.99,)))) is None


def test_one_epoch_is_chosen_on_the_mean_curve() -> None:
    history = told((0, (0.2, 0.9, 0.3)), (0, (0.9, 0.2, 0.4)), (1, (0.6, 0.6, 0.6)), (1, (0.6, 0.6, 0.6)))
    assert [runner.cost() for runner in runners(history, AUROC)] == pytest.approx([-0.55, -0.6])
    best = incumbent(history, AUROC, 2)
    assert best is not None
    assert best.number == 3
    mean, spread, folds = mean_and_spread(history, AUROC, 1)
    assert (mean, folds) == (pytest.approx(0.55), 2)
    assert spread == pytest.approx(0.0)  # of the folds' own best epochs


def test_the_best_trial_is_the_first_fold_whatever_its_luck() -> None:
    best = incumbent(told((0, (0.5,)), (0, (0.9,))), AUROC, 2)
    assert best is not None
    assert best.number == 1
    alone = incumbent(told((0, (0.5,))), AUROC, 2)
    assert alone is not None
    assert alone.number == 1
    assert incumbent(told((0, None)), AUROC, 2) is None


def test_a_configuration_with_one_fold_is_shown_as_if_it_had_all() -> None:
    history = told((0, (0.9,)), (0, (0.5,)), (1, (0.8,)))
    costs = level_costs(history, AUROC, 2)
    assert costs[1] == costs[2] == pytest.approx(-0.7)
    assert costs[3] == pytest.approx(-0.8 + (-0.7 + 0.9))  # fold 0 is the easy one
    shown = {observation.values["c"]: observation.cost for observation in PLAN.observations(history)}
    assert shown == {0: pytest.approx(-0.7), 1: pytest.approx(-0.6)}


def test_a_fold_that_a_user_trains_again_counts_once() -> None:
    history = told((0, (0.9,)), (0, (0.5,)))
    history = history.asked(TrialSpec(3, {"c": 0}, origin="user", split=FOLDS.split(3, 0)))
    history = history.ended(TrialResult(3, Status.SUCCESS, 0.1, epochs=1, curve=(0.1,)))
    (runner,) = runners(history, AUROC)
    assert runner.numbers == (1, 2)
    assert repetition(history, AUROC, 2) is None


def test_the_rules_that_end_a_search_see_the_mean() -> None:
    history = told((0, (0.9,)), (0, (0.5,)), (1, (0.8,)), (2, (0.85,)))
    assert PLAN.standing(history) == Standing(1, pytest.approx(0.7), 2)
    assert PLAN.standing(History()) is None
    shown = PLAN.shown_best(history)
    assert shown is not None
    assert (shown.number, shown.score) == (1, pytest.approx(0.7))


def test_curves_are_compared_within_a_fold() -> None:
    history = told((0, (0.9, 0.95)), (0, (0.5, 0.55)))
    rule = CurveRule("incumbent", AUROC, 2, (1,))
    assert rule.verdict([0.5], history.on_fold(FOLDS.split(3, 0))) is not None
    assert rule.verdict([0.5], history.on_fold(FOLDS.split(3, 1))) is None
    assert history.on_fold(None) is history


def test_a_trainable_without_a_curve_is_judged_by_its_scores() -> None:
    history = History()
    for number, score in ((1, 0.4), (2, 0.8)):
        history = history.asked(TrialSpec(number, {"c": 0}, split=FOLDS.split(number, number - 1)))
        history = history.ended(TrialResult(number, Status.SUCCESS, score))
    (runner,) = runners(history, AUROC)
    assert runner.cost() == pytest.approx(-fmean((0.4, 0.8)))


def test_plans_with_folds_cannot_be_confused_with_seeds() -> None:
    kinds: dict[str, Any] = {"n_seeds": 3}
    assert Plan(5, AUROC, **kinds).repetitions == 3
    assert PLAN.repetitions == 2
    assert Plan(5, AUROC).repetitions == 1


@pytest.mark.parametrize(
    ("counts", "kind"),
    [
        (RowCounts(40, 160), "cv"),
        (RowCounts(41, 164), "holdout"),
        (RowCounts(1, 4), "cv"),
        (RowCounts(1, 3), "holdout"),  # a fold would have none
        (None, "holdout"),
    ],
)
def test_folds_suit_data_whose_validation_split_says_little(counts: RowCounts | None, kind: str) -> None:
    assert Resampling.suited(counts, n_folds=4, seed=3) == Resampling(kind, 4, 3)


def test_what_is_not_decided_yet_is_read_as_the_datas_own_split() -> None:
    assert Resampling.recorded({"resampling": "auto"}).kind == "holdout"
