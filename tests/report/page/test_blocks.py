from __future__ import annotations

from pathlib import Path

from automax_lightning import Status
from automax_lightning.report.page.blocks import comparisons, configurations, failures, figures_of_merit, rerun, trials
from tests.support.searches import plain, record, result, two_arms

CONFIG = {"lr": 0.01, "size": (8,)}


def test_failures_are_told_with_reason_and_traceback_and_without_any_there_is_nothing(tmp_path: Path) -> None:
    assert failures(plain(tmp_path / "a")).rows == [[3, "crashed", "ValueError: <b>mine</b>", "trials/0003/error.txt"]]
    assert failures(record(tmp_path / "b", [(CONFIG, result(1, 0.7))])).rows == []


def test_every_trial_has_a_row_and_the_best_and_the_default_are_marked(tmp_path: Path) -> None:
    search = plain(tmp_path)
    assert search.best is not None
    table = trials(search)
    assert len(table.rows) == 8
    marked = {number: mark for number, mark in enumerate(table.marks, start=1) if mark}
    assert marked == {1: "default", search.best.number: "best"}
    assert [column.title for column in table.heads[-2:]] == ["lr", "size"]


def test_a_trial_that_runs_is_a_row_without_a_score(tmp_path: Path) -> None:
    rows = trials(record(tmp_path, [(CONFIG, result(1, 0.7)), (CONFIG, None)])).rows
    assert len(rows) == 2
    assert rows[1][:6] == [2, "not over, epoch 1", "-", "-", "1", "-"]


def test_the_best_configuration_stands_beside_the_default_and_what_differs_is_marked(tmp_path: Path) -> None:
    search = record(tmp_path, [({"lr": 0.01, "size": (8,)}, result(1, 0.7)), ({"lr": 0.05, "size": (8,)}, result(2, 0.9))])
    table = configurations(search)
    assert [column.label for column in table.heads] == ["hyperparameter", "best (trial 2)", "default (trial 1)"]
    assert table.rows == [["lr", "0.05", "0.01"], ["size", "(8)", "(8)"]]
    assert table.marks == ["differs", ""]


def test_without_a_score_the_blocks_say_so_and_raise_nothing(tmp_path: Path) -> None:
    search = record(tmp_path, [(CONFIG, result(1, None, Status.CRASHED, reason="x"))])
    cards = figures_of_merit(search)
    assert [card.value for card in cards[:4]] == ["-", "-", "-", "1 of 1"]
    assert cards[3].note == "1 failed"


def test_losses_are_compared_where_a_search_has_several(tmp_path: Path) -> None:
    lr = "AUCMLoss:optimizer_kwargs:lr"
    arms = [
        ({"loss": "AUCMLoss", "width": 5, lr: 0.01}, result(1, 0.7)),
        ({"loss": "CrossEntropyLoss", "width": 5}, result(2, 0.6)),
    ]
    (text,) = comparisons(record(tmp_path / "arms", arms, two_arms()))
    assert "AUCMLoss                     1      0.700000" in text
    assert comparisons(plain(tmp_path / "plain")) == []


def test_how_to_repeat_a_search_holds_its_settings_and_its_space(tmp_path: Path) -> None:
    parts = rerun(record(tmp_path, [(CONFIG, result(1, 0.7))], seed=3, version="1.2.3"))
    assert "seed: 3" in parts.settings
    assert "space:" not in parts.settings
    assert "lr:\n  type: uniform_float\n" in parts.space
    assert parts.recorded_version == "1.2.3"
