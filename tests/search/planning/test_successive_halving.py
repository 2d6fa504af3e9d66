from __future__ import annotations

import math

import numpy as np
import pytest

from automax_lightning.errors import ConfigError
from automax_lightning.search.planning.plan import Plan, Promote
from automax_lightning.search.planning.successive_halving import Ladder, budgets
from automax_lightning.search.storage.history import History
from automax_lightning.trial.records import Objective, Status, TrialResult, TrialSpec
from tests.support.simulate import search

AUROC = Objective("AUROC")
EPOCHS = 27


def curve(config: int, seed: int) -> list[float] | None:
    """Saturating curves of random height and speed; every seventh fails."""
    if config % 7 == 3:
        return None
    height, speed = np.random.default_rng(config).uniform((0.6, 2), (0.99, 10))
    return [float(height * (1 - math.exp(-(epoch + 1) / speed))) for epoch in range(EPOCHS)]


def plan(n_trials: int, rungs: tuple[int, ...] = (3, 9, 27)) -> Plan:
    return Plan(n_trials, AUROC, Ladder(rungs, AUROC))


@pytest.mark.parametrize(("low", "high", "eta"), [(1, 27, 3), (3, 27, 3), (2, 50, 3), (2, 10, 3), (1, 16, 2), (5, 17, 3)])
def test_the_rungs_are_smacs_in_whole_epochs(low: int, high: int, eta: int) -> None:
    from smac.intensifier.successive_halving import SuccessiveHalving

    steps = math.floor(math.log(high / low) / math.log(eta) + 1e-9)
    theirs, _ = SuccessiveHalving._compute_configs_and_budgets_for_stages(eta, high, steps)
    assert list(budgets(low, high, eta)) == [round(budget) for budget in theirs]


def test_without_room_for_a_second_rung_it_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"AutoMAXConfig.min_budget: expected at most 3, .* found 4"):
        budgets(4, 9)


def test_the_default_trains_to_its_end_and_the_best_third_of_each_rung_goes_on() -> None:
    history, steps = search(plan(27), curve)
    assert history.results[1].status is Status.SUCCESS
    assert not history.pending()
    for budget, least in ((9, 27 // 3), (27, 27 // 9)):
        reached = [result for result in history.results.values() if result.epochs >= budget]
        assert least - 2 <= len(reached) <= least + 3  # those that looked good early, and the default
    paused = {n: result for n, result in history.results.items() if result.status is Status.PAUSED}
    at_first = {n: result.curve[2] for n, result in history.results.items() if len(result.curve) >= 3}
    third = sorted(at_first.values())[-len(history.asks) // 3 :]
    assert paused
    for number in paused:
        assert paused[number].epochs > 3 or at_first[number] <= third[-1]
    spent = sum(result.epochs for result in history.results.values())
    assert spent <= 0.4 * 27 * EPOCHS
    assert isinstance(steps[-1], Promote) or len(history.asks) == 27


def test_the_best_of_all_comes_through() -> None:
    """Over many draws, the halving finds a configuration nearly as good as training all of them."""
    losses = []
    for shift in range(20):

        def shifted(config: int, seed: int, shift: int = shift) -> list[float] | None:
            return curve(1000 * shift + config, seed)

        history, _ = search(plan(27), shifted)
        found = plan(27).best(history)
        best = max(each[-1] for each in (shifted(c, 0) for c in range(27)) if each is not None)
        assert found is not None
        losses.append(best - (found.score or 0.0))
    assert np.median(losses) <= 0.005


def test_a_search_of_ten_extended_to_thirty_is_a_search_of_thirty() -> None:
    ten, _ = search(plan(10), curve)
    extended, _ = search(plan(30), curve, ten)
    straight, _ = search(plan(30), curve)
    assert extended.asks == straight.asks
    assert extended.results == straight.results


@pytest.mark.parametrize("cut", [1, 4, 9, 14, 22])
def test_a_search_that_was_cut_goes_on_the_same(cut: int) -> None:
    straight, _ = search(plan(20), curve)
    part, _ = search(plan(20), curve, steps=cut)
    assert search(plan(20), curve, part)[0].results == straight.results


def test_no_rung_ever_waits_for_a_lost_trial() -> None:
    """Nine trials in flight that never come back do not keep the others from going on."""
    lost = History(asks=tuple(TrialSpec(n, {"c": n}, budget=3) for n in range(100, 109)))
    history, _ = search(plan(20), curve)
    merged = History(asks=(*lost.asks, *history.asks), results=history.results)
    ladder = Ladder((3, 9, 27), AUROC)
    assert ladder.promotion(merged) == ladder.promotion(history)
    failed, _ = search(plan(20), lambda config, seed: None if config % 2 else curve(config, seed))
    assert any(result.epochs == EPOCHS for number, result in failed.results.items() if number > 1)


def test_only_what_may_still_go_on_keeps_its_checkpoints() -> None:
    whole = plan(20)
    for cut in range(1, 30):
        history, _ = search(whole, curve, steps=cut)
        kept = whole.resumable(history)
        future, steps = search(whole, curve, history)
        promoted = {step.number for step in steps if isinstance(step, Promote) and step.number in history.results}
        assert promoted <= kept, cut
        best = whole.best(future)
        assert best is not None
        assert best.number not in whole.disposable(history)
    assert whole.resumable(search(whole, curve)[0]) == set()


def test_costs_are_brought_to_one_level() -> None:
    curves = {1: (0.5, 0.7, 0.9), 2: (0.6, 0.8, 1.0), 3: (0.4,), 4: (0.5, 0.6)}
    specs = tuple(TrialSpec(n, {"c": n}, budget=None if len(c) == 3 else len(c)) for n, c in curves.items())
    done = {n: TrialResult(n, Status.PAUSED if len(c) < 3 else Status.SUCCESS, c[-1], epochs=len(c), curve=c)
            for n, c in curves.items()}  # fmt: skip
    levelled = Ladder((1, 2, 3), AUROC).levelled(History(asks=specs, results=done))
    assert levelled == pytest.approx({1: -0.9, 2: -1.0, 3: -0.4 - 0.2 - 0.2, 4: -0.6 - 0.2})


def test_the_rungs_are_told_before_the_start() -> None:
    text = Ladder((3, 9, 27), AUROC).describe(27)
    assert text == ("Epochs as budget: 27 configurations train 3 epochs, 9 of them 9, 3 of them 27; "
                    "about 213 epochs in all, more while trials get better and better, 729 without budgets.")  # fmt: skip
    history, _ = search(plan(27), curve)
    assert sum(result.epochs for result in history.results.values()) <= 213


def test_a_paused_trial_that_fails_later_is_no_obstacle() -> None:
    specs = tuple(TrialSpec(n, {"c": n}, budget=9 if n == 2 else 3) for n in range(2, 8))
    done = {n: TrialResult(n, Status.PAUSED, 0.9 - n / 100, epochs=3, curve=(0.9 - n / 100,) * 3) for n in range(3, 8)}
    failed = TrialResult(2, Status.CRASHED, None, epochs=5, curve=(0.9,) * 5)
    ladder = Ladder((3, 9, 27), AUROC)
    assert ladder.promotion(History(asks=specs, results={2: failed, **done})) == (3, 9)
