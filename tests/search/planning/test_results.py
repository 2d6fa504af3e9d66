from __future__ import annotations

from automax_lightning.search.planning.results import best_result, observations
from automax_lightning.search.storage.history import History
from automax_lightning.search.storage.state_file import log
from automax_lightning.trial.records import Objective, Status, TrialResult, TrialSpec
from tests.support.simulate import results

AUROC = Objective("AUROC")


def test_the_best_is_the_first_of_equals_and_never_a_failure() -> None:
    found = {result.number: result for result in results(None, 0.5, 0.7, 0.7)}
    assert best_result(found, AUROC).number == 3  # type: ignore[union-attr]
    assert best_result(found, Objective("AUROC", "min")).number == 2  # type: ignore[union-attr]
    assert best_result({1: found[1]}, AUROC) is None


def test_the_log_has_plain_values_and_no_score_for_a_failure() -> None:
    specs = tuple(TrialSpec(n, {"lr": n / 10}) for n in (1, 2, 3))
    history = History(asks=specs, results={result.number: result for result in results(0.9, None)})
    entries = log(history)
    assert [entry["val"] for entry in entries] == [0.9, None]
    assert [entry["space"] for entry in entries] == [{"lr": 0.1}, {"lr": 0.2}]
    seen = observations(history, AUROC)
    assert [(o.cost, o.failed) for o in seen] == [(-0.9, False), (None, True), (None, False)]


def test_scores_of_different_budgets_are_not_compared() -> None:
    whole = TrialResult(1, Status.SUCCESS, 0.8, epochs=9)
    short, long = TrialResult(2, Status.PAUSED, 0.9, epochs=1), TrialResult(3, Status.PAUSED, 0.7, epochs=3)
    assert best_result({1: whole, 2: short, 3: long}, AUROC) is whole
    assert best_result({2: short, 3: long}, AUROC) is long


def test_a_configuration_on_several_seeds_is_one_observation_with_its_mean() -> None:
    specs = tuple(TrialSpec(n, {"lr": lr}) for n, lr in ((1, 0.1), (2, 0.2), (3, 0.1), (4, 0.2), (5, 0.3)))
    done = {n: TrialResult(n, Status.SUCCESS, score) for n, score in ((1, 0.9), (2, 0.8), (3, 0.7))}
    seen = observations(History(asks=specs, results={**done, 4: TrialResult(4, Status.CRASHED)}), AUROC)
    assert [(each.values["lr"], each.cost, each.failed) for each in seen] == [
        (0.1, -0.8, False), (0.2, None, True), (0.3, None, False)
    ]  # fmt: skip
