from __future__ import annotations

from pathlib import Path

import pytest

from automax_lightning.report.figures.trials import plot_curves, plot_history
from automax_lightning.trial.records import Status
from tests.support.figures import trace
from tests.support.searches import plain, record, result


def test_the_best_so_far_counts_whole_trials_only_and_every_mark_is_there(tmp_path: Path) -> None:
    reading = plain(tmp_path)
    figure = plot_history(reading)
    scores = [(each.number, each.score) for each in reading.whole]
    line = trace(figure, "best so far")
    best, expected = -1.0, []
    for number, score in scores:
        if score > best:
            best = score
            expected.append((number, score))
    assert list(zip(line.x, line.y, strict=True)) == [*expected, (8, best)]
    assert list(trace(figure, "stopped early").x) == [4]
    assert trace(figure, "stopped early").marker.symbol == "triangle-down-open"
    assert list(trace(figure, "failed").x) == [3]
    assert trace(figure, "failed").hovertext[0] == "<b>trial 3</b><br>ValueError: &lt;b&gt;mine&lt;/b&gt;"
    assert list(trace(figure, "default").x) == [1]
    assert reading.best is not None
    assert list(trace(figure, "best (").x) == [reading.best.number]


def test_curves_are_those_of_the_journal_with_gaps_for_nan(tmp_path: Path) -> None:
    config = {"lr": 0.01, "size": (8,)}
    ended = result(1, 0.8, curve=(0.7, float("nan"), 0.8), epochs=3, best_epoch=3)
    figure = plot_curves(record(tmp_path, [(config, ended), (config, None), (config, result(3, 0.6, Status.PAUSED))]))
    assert trace(figure, "best (").y == (0.7, None, 0.8)
    assert [list(each.y) for each in figure.data if each.name == "other trials"] == [[0.5], [0.5, 0.6]]
    assert list(trace(figure, "paused").x) == [2]


def test_where_less_is_better_the_best_so_far_falls(tmp_path: Path) -> None:
    scores = (0.5, 0.6, 0.3)
    trials = [({"lr": 0.01, "size": (8,)}, result(number, score)) for number, score in enumerate(scores, start=1)]
    line = trace(plot_history(record(tmp_path, trials, mode="min")), "best so far")
    assert (list(line.x), list(line.y)) == ([1, 3, 3], [0.5, 0.3, 0.3])


def test_of_very_many_curves_not_all_are_drawn(tmp_path: Path) -> None:
    trials = [({"lr": 0.01, "size": (8,)}, result(number, 0.5 + number / 1000)) for number in range(1, 231)]
    made = plot_curves(record(tmp_path, trials))
    assert len([each for each in made.data if each.mode == "lines"]) <= 200
    assert trace(made, "best (").y[-1] == pytest.approx(0.73)
