from __future__ import annotations

from pathlib import Path

import pytest

from automax_lightning.report.figures.space import plot_importance, plot_parallel, plot_slice
from tests.support.searches import plain, record, result, space, two_arms


def test_parallel_lines_pass_below_what_a_trial_does_not_have(tmp_path: Path) -> None:
    trials = []
    for number, arm in enumerate(("AUCMLoss", "CrossEntropyLoss"), start=1):
        trials.append(({"loss": arm, "width": 8, f"{arm}:optimizer_kwargs:lr": 0.01}, result(number, 0.6 + number / 10)))
    figure = plot_parallel(record(tmp_path / "a", trials, two_arms()))
    assert [len(each.y) for each in figure.data] == [4, 4]
    assert not any("not used" in (note.text or "") for note in figure.layout.annotations)
    other = space(kind=["a", "b"], x={"low": 0.0, "high": 1.0})
    figure = plot_parallel(
        record(tmp_path / "b", [({"kind": "a", "x": 0.5}, result(1, 0.7)), ({"kind": "b"}, result(2, 0.8))], other)
    )
    assert sorted(each.y[1] for each in figure.data) == [-0.16, 0.5]
    assert any("not used" in (note.text or "") for note in figure.layout.annotations)


def test_a_slice_has_a_panel_for_each_hyperparameter_and_the_scale_of_the_search(tmp_path: Path) -> None:
    figure = plot_slice(plain(tmp_path))
    assert (figure.layout.xaxis.title.text, figure.layout.xaxis.type) == ("lr", "log")
    assert (figure.layout.xaxis2.title.text, list(figure.layout.xaxis2.ticktext)) == ("size", ["(8)", "(16, 8)"])
    assert len(figure.data[0].x) == 7  # all but the failure


def test_only_the_best_lines_are_drawn_and_the_best_trial_lies_on_top(tmp_path: Path) -> None:
    trials = [({"lr": 0.01, "size": (8,)}, result(number, 0.5 + number / 1000)) for number in range(1, 161)]
    made = plot_parallel(record(tmp_path, trials))
    assert len(made.data) == 150
    assert "trial 160</b>, the best" in made.data[-1].hovertext[0]


def test_equal_scores_have_one_tick_in_the_middle(tmp_path: Path) -> None:
    trials = [({"lr": 0.01 * number, "size": (8,)}, result(number, 0.7)) for number in (1, 2)]
    made = plot_parallel(record(tmp_path, trials))
    assert {each.y[-1] for each in made.data} == {0.5}


def test_importance_is_a_bar_for_each_hyperparameter_and_says_how_it_was_measured(tmp_path: Path) -> None:
    made = plot_importance(plain(tmp_path, 12))
    shares = {label: share for each in made.data for label, share in zip(each.y, each.x, strict=True)}
    assert sum(shares.values()) == pytest.approx(1.0, abs=0.01)
    assert max(shares, key=lambda label: shares[label]).startswith("lr")
