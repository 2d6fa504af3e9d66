from __future__ import annotations

from pathlib import Path

import plotly.graph_objects as go
import pytest

from automax_lightning.report.figures.style import COLOURS, TEMPLATE, counted, escape, figure, hover, marks, score_title
from automax_lightning.report.figures.trials import plot_history
from automax_lightning.trial.records import Status
from tests.support.figures import trace
from tests.support.searches import plain, record, result


def test_the_hover_text_tells_the_configuration(tmp_path: Path) -> None:
    text = trace(plot_history(plain(tmp_path)), "default").hovertext
    assert "trial 1</b>, the default" in str(text)
    assert "lr = 0.001668" in str(text)
    assert "size = (16, 8)" in str(text)


def test_a_partial_score_says_after_which_epoch_and_user_text_is_escaped(tmp_path: Path) -> None:
    made = record(tmp_path, [({"lr": 0.01, "kind": "<b>"}, result(1, 0.7, Status.PAUSED))])
    text = hover(made, made.results[1])
    assert "paused after epoch 2" in text
    assert "&lt;b&gt;" in text
    assert ", test" not in text
    assert escape("a < b & 'c'") == "a &lt; b &amp; 'c'"


def test_the_default_that_is_the_best_has_one_mark(tmp_path: Path) -> None:
    config = {"lr": 0.01, "size": (8,)}
    alone = record(tmp_path / "a", [(config, result(1, 0.9)), (config, result(2, 0.7))])
    assert [each.name for each in marks(alone, go.Scatter, {1: (1, 0.9), 2: (2, 0.7)})] == ["best (trial 1)"]
    both = record(tmp_path / "b", [(config, result(1, 0.7)), (config, result(2, 0.9))])
    points = {1: (1, 0.7), 2: (2, 0.9)}
    assert [each.name for each in marks(both, go.Scatter, points)] == ["default (trial 1)", "best (trial 2)"]
    assert [each.name for each in marks(both, go.Scatter, {1: (1, 0.7)})] == ["default (trial 1)"]


@pytest.mark.parametrize("most", [1, 10, 11, 400])
def test_an_axis_that_counts_has_whole_numbers(most: int) -> None:
    axis = counted(most)
    assert (axis["tickformat"], axis["range"]) == ("d", [0.5, most + 0.5])
    assert ("dtick" in axis) == (most <= 10)


def test_colours_differ_and_the_template_is_the_houses(tmp_path: Path) -> None:
    assert len(set(COLOURS)) == len(COLOURS)
    assert figure(123).layout.height == 123
    assert figure().layout.template == TEMPLATE
    assert score_title(record(tmp_path, [], target="<i>")) == "validation &lt;i&gt;"
