"""Which step comes first where several are possible; what each kind of step is worth is tested beside its module."""

from __future__ import annotations

from automax_lightning import Objective, Status, TrialResult, TrialSpec
from automax_lightning.search.planning.plan import Continue, New, Plan, Promote, Repeat
from automax_lightning.search.planning.stopping import CurveRule
from automax_lightning.search.planning.successive_halving import Ladder
from automax_lightning.search.storage.history import History
from tests.support.simulate import results

AUROC = Objective("AUROC")


def history(*scores: float | None) -> History:
    ended = {result.number: result for result in results(*scores)}
    return History(asks=tuple(TrialSpec(number, {"c": number}) for number in ended), results=ended)


def test_a_search_begins_with_a_proposal_and_ends_after_its_trials() -> None:
    assert Plan(2, AUROC).next(History()) == New()
    assert Plan(2, AUROC).next(history(0.5)) == New()
    assert Plan(2, AUROC).next(history(0.5, None)) is None
    assert Plan(0, AUROC).next(History()) is None


def test_what_was_started_is_finished_first_unless_it_runs() -> None:
    open_ = history(0.5).asked(TrialSpec(2, {"c": 2})).asked(TrialSpec(3, {"c": 3}))
    plan = Plan(5, AUROC)
    assert plan.next(open_) == Continue(TrialSpec(2, {"c": 2}))
    assert plan.next(open_, frozenset({2})) == Continue(TrialSpec(3, {"c": 3}))
    assert plan.next(open_, frozenset({2, 3})) == New()
    assert Plan(3, AUROC).next(open_, frozenset({2, 3})) is None


def test_a_started_trial_is_finished_also_when_no_trial_is_left() -> None:
    assert Plan(1, AUROC).next(History(asks=(TrialSpec(1, {"c": 1}),))) == Continue(TrialSpec(1, {"c": 1}))


def test_a_promotion_needs_no_trial_and_comes_before_a_new_one() -> None:
    paused = {n: TrialResult(n, Status.PAUSED, n / 10, epochs=1, curve=(n / 10,)) for n in (1, 2, 3)}
    asked = History(asks=tuple(TrialSpec(n, {"c": n}, budget=1) for n in paused), results=paused)
    plan = Plan(3, AUROC, Ladder((1, 3), AUROC))
    assert plan.next(asked) == Promote(3, None)  # the next rung is the whole fit
    assert (plan.first_budget(1), plan.first_budget(2), Plan(3, AUROC).first_budget(2)) == (None, 1, None)


def test_a_promising_configuration_runs_on_its_next_seed_before_a_new_one() -> None:
    plan = Plan(5, AUROC, n_seeds=2)
    assert plan.next(history(0.5)) == Repeat({"c": 1}, 1)
    assert Plan(1, AUROC, n_seeds=2).next(history(0.5)) is None


def test_only_what_may_be_needed_keeps_its_last_checkpoint() -> None:
    stopped = history(0.9).asked(TrialSpec(2, {"c": 2})).ended(TrialResult(2, Status.STOPPED, 0.4))
    rule = CurveRule("incumbent", AUROC, epochs=9)
    assert Plan(5, AUROC).resumable(stopped) == set()
    assert Plan(5, AUROC, rule=rule).resumable(stopped) == {2}
    assert Plan(2, AUROC, rule=rule).resumable(stopped) == set()
    assert Plan(5, AUROC).resumable(stopped.asked(TrialSpec(3, {"c": 3}))) == {3}


def test_the_best_trial_is_never_disposable() -> None:
    paused = {n: TrialResult(n, Status.PAUSED, n / 10, epochs=1, curve=(n / 10,)) for n in (1, 2)}
    asked = History(asks=tuple(TrialSpec(n, {"c": n}, budget=1) for n in paused), results=paused)
    plan = Plan(2, AUROC)
    best = plan.best(asked)
    assert plan.disposable(asked) == {1, 2} - ({best.number} if best is not None else set())
    assert plan.disposable(history(0.5, 0.6)) == set()
