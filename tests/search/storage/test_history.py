from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from automax_lightning import Status, TrialResult, TrialSpec
from automax_lightning.search.storage.history import History, Observation, replay
from automax_lightning.trial.records_json import result_to_json, spec_to_json

ROOT = Path("/search")


def spec(number: int, budget: int | None = None) -> TrialSpec:
    return TrialSpec(number, {"lr": number / 10}, budget=budget, directory=ROOT / "trials" / f"{number:04d}")


def ask(number: int, budget: int | None = None, **more: Any) -> dict[str, Any]:
    return {"event": "ask", "trial": spec_to_json(spec(number, budget), ROOT), **more}


def end(number: int, status: Status = Status.SUCCESS, score: float | None = 0.5, **more: Any) -> dict[str, Any]:
    return {"event": "result", "result": result_to_json(TrialResult(number, status, score), ROOT), **more}


def test_a_search_without_events_is_empty() -> None:
    assert replay([], ROOT) == History()
    assert History().pending() == ()
    assert History().final() == {}


def test_a_journal_makes_the_history_that_its_events_made_one_by_one() -> None:
    steps = History().asked(spec(1, 1)).ended(TrialResult(1, Status.PAUSED, 0.4)).asked(spec(2)).promoted(1, 3)
    events = [ask(1, 1), end(1, Status.PAUSED, 0.4), ask(2), {"event": "promote", "number": 1, "budget": 3}]
    assert replay(events, ROOT) == steps
    whole = steps.ended(TrialResult(1, Status.SUCCESS, 0.6))
    assert replay([*events, end(1, score=0.6)], ROOT) == whole
    assert [each.number for each in steps.pending()] == [1, 2]
    assert [each.number for each in whole.pending()] == [2]
    assert whole.spec(1).budget == 3


def test_an_interruption_is_pending_and_undoes_nothing_that_was_reached() -> None:
    interrupted = replay([ask(1), end(1, Status.INTERRUPTED, 0.3)], ROOT)
    assert interrupted.final() == {}
    assert [each.number for each in interrupted.pending()] == [1]
    promoted = [ask(1, 1), end(1, Status.PAUSED, 0.4), {"event": "promote", "number": 1, "budget": None}]
    again = replay([*promoted, end(1, Status.INTERRUPTED, 0.2)], ROOT)
    assert again.results[1] == TrialResult(1, Status.PAUSED, 0.4)
    assert [each.number for each in again.pending()] == [1]


def test_settings_are_the_last_ones_without_the_format_of_the_file() -> None:
    events = [{"event": "settings", "settings": {"format": 1, "n_trials": n}} for n in (3, 5)]
    assert replay(events, ROOT).settings == {"n_trials": 5}


def test_epochs_are_kept_for_trials_that_are_not_over_and_the_last_of_two_counts() -> None:
    scores = ((1, 0.1), (2, 0.2), (2, 0.3))
    epochs = [{"event": "epoch", "number": 1, "epoch": epoch, "score": score} for epoch, score in scores]
    assert replay([ask(1), *epochs], ROOT).curves == {1: {1: 0.1, 2: 0.3}}


def test_the_time_in_which_nobody_searched_does_not_count() -> None:
    events = [
        {"event": "open", "time": 100.0, "argv": ["automax-lightning", "tune"]}, ask(1, time=101.0), end(1, time=105.0),
        {"event": "open", "time": 9000.0, "argv": ["again"]}, ask(2, time=9001.0),
        {"event": "start", "number": 2, "time": 9002.0},
    ]  # fmt: skip
    history = replay(events, ROOT)
    assert history.seconds == pytest.approx(5.0 + 2.0)
    assert (history.newest, history.command, history.started) == (9002.0, ("again",), {2: 9002.0})


def test_a_clock_that_was_set_back_takes_no_time_away() -> None:
    assert replay([ask(1, time=50.0), end(1, time=20.0), ask(2, time=21.0)], ROOT).seconds == 1.0


def test_what_was_known_before_comes_back_with_its_types() -> None:
    events = [{"event": "known", "known": [{"values": {"hidden": {"__tuple__": [8, 4]}}, "cost": -0.9}]}]
    assert replay(events, ROOT).known == (Observation({"hidden": (8, 4)}, -0.9),)


def test_a_history_is_a_value_that_no_event_changes() -> None:
    history = History().asked(spec(1))
    history.ended(TrialResult(1, Status.SUCCESS, 0.5))
    assert history.results == {}
    with pytest.raises(dataclasses.FrozenInstanceError, match="asks"):
        history.asks = ()  # type: ignore[misc]
