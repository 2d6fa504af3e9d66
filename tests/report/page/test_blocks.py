from __future__ import annotations

from pathlib import Path

from automax_lightning import Status
from automax_lightning.report.page.blocks import configurations, failures, figures_of_merit, trials, verdict_box
from tests.support.searches import plain, record, result

CONFIG = {"lr": 0.01, "size": (8,)}


def test_failures_are_told_with_reason_and_the_place_of_the_traceback_and_without_any_it_is_said(tmp_path: Path) -> None:
    told = failures(plain(tmp_path / "a"))
    assert "ValueError: &lt;b&gt;mine&lt;/b&gt;" in told
    assert "trials/0003/error.txt" in told
    assert "No trial has failed." in failures(record(tmp_path / "b", [(CONFIG, result(1, 0.7))]))


def test_every_trial_has_a_row_and_the_best_and_the_default_are_marked(tmp_path: Path) -> None:
    made = plain(tmp_path)
    assert made.best is not None
    rows = trials(made).split("<tr")[2:]
    assert len(rows) == 8
    marked = [number for number, row in enumerate(rows, start=1) if row.startswith(" class=")]
    assert {1, made.best.number} <= set(marked)


def test_a_trial_that_runs_is_a_row_without_a_score(tmp_path: Path) -> None:
    rows = trials(record(tmp_path, [(CONFIG, result(1, 0.7)), (CONFIG, None)])).split("<tr")[2:]
    assert len(rows) == 2
    assert "not over, epoch 1" in rows[1]


def test_the_best_configuration_stands_beside_the_default(tmp_path: Path) -> None:
    made = record(tmp_path, [({"lr": 0.01, "size": (8,)}, result(1, 0.7)), ({"lr": 0.05, "size": (8,)}, result(2, 0.9))])
    text = configurations(made)
    assert "0.01" in text
    assert "0.05" in text


def test_without_a_score_the_blocks_say_so_and_raise_nothing(tmp_path: Path) -> None:
    made = record(tmp_path, [(CONFIG, result(1, None, Status.CRASHED, reason="x"))])
    assert verdict_box(made)
    assert "0.7" not in figures_of_merit(made)
