from __future__ import annotations

import numpy as np
import pytest

from automax_lightning.search.planning.plan import New, Plan, Repeat
from automax_lightning.search.planning.racing import mean_and_spread, runners
from automax_lightning.trial.records import Objective
from tests.support.simulate import search

AUROC = Objective("AUROC")
HEIGHTS = [0.80, 0.90, 0.70, 0.86, 0.84, 0.60, 0.91, 0.50, 0.89, 0.88]


def noisy(config: int, seed: int) -> list[float] | None:
    if config == 5:
        return None
    return [HEIGHTS[config % 10] + 0.03 * float(np.random.default_rng((config, seed)).normal())]


def race(n_trials: int, n_seeds: int = 4) -> tuple[Plan, object, list[object]]:
    plan = Plan(n_trials, AUROC, n_seeds=n_seeds)
    return (plan, *search(plan, noisy))


def test_the_incumbent_has_all_seeds_and_the_best_mean() -> None:
    plan, history, steps = race(40)
    found = runners(history, AUROC)  # type: ignore[arg-type]
    best = plan.best(history)  # type: ignore[arg-type]
    assert best is not None
    winner = next(runner for runner in found if best.number in runner.numbers)
    means = {runner.values["c"]: -np.mean(runner.costs) for runner in found if len(runner.costs) == 4}
    assert winner.values["c"] == max(means, key=lambda config: means[config])
    assert HEIGHTS[winner.values["c"] % 10] >= 0.89
    mean, spread, seeds = mean_and_spread(history, AUROC, best.number)  # type: ignore[arg-type]
    assert mean == pytest.approx(means[winner.values["c"]])
    assert spread == pytest.approx(np.std([-cost for cost in winner.costs], ddof=1))
    assert seeds == 4
    assert len(history.asks) == 40  # type: ignore[attr-defined]
    assert [type(step) for step in steps[:4]] == [New, Repeat, Repeat, Repeat]  # the default has all seeds first


def test_a_bad_configuration_costs_one_trial_and_seeds_are_paired() -> None:
    _, history, _ = race(40)
    ran = runners(history, AUROC)  # type: ignore[arg-type]
    seeds = [[history.spec(number).seed for number in runner.numbers] for runner in ran]  # type: ignore[attr-defined]
    assert max(map(len, seeds)) > 1
    assert seeds == [list(range(len(each))) for each in seeds]
    bad = [len(runner.numbers) for runner in ran if HEIGHTS[runner.values["c"] % 10] < 0.75]
    assert bad
    assert set(bad) == {1}


def test_one_seed_is_no_race() -> None:
    _, _, steps = race(8, n_seeds=1)
    assert [type(step) for step in steps] == [New] * 8


def test_a_longer_race_begins_like_a_shorter_one() -> None:
    plan, short, _ = race(9)
    extended, _ = search(Plan(25, AUROC, n_seeds=4), noisy, short)  # type: ignore[arg-type]
    _, straight, _ = race(25)
    assert extended == straight
    assert plan.next(short) is None  # type: ignore[arg-type]
