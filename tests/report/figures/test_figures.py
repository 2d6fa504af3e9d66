from __future__ import annotations

from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import plotly.io
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from automax_lightning.errors import ReportError
from automax_lightning.report.figures.scores import plot_pr, plot_roc
from automax_lightning.report.figures.space import plot_importance, plot_parallel, plot_slice
from automax_lightning.report.figures.trials import plot_curves, plot_history
from automax_lightning.trial.records import Status
from automax_lightning.trial.score_file import FILE, read_scores
from tests.support.searches import keep, plain, record, result, space, two_arms

ALL = (plot_history, plot_curves, plot_parallel, plot_slice, plot_importance, plot_roc, plot_pr)


def trace(figure: go.Figure, name: str) -> go.Scatter:
    return next(each for each in figure.data if (each.name or "").startswith(name))


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


def test_the_hover_text_tells_the_configuration(tmp_path: Path) -> None:
    text = trace(plot_history(plain(tmp_path)), "default").hovertext
    assert "trial 1</b>, the default" in str(text)
    assert "lr = 0.001668" in str(text)
    assert "size = (16, 8)" in str(text)


def test_curves_are_those_of_the_journal_with_gaps_for_nan(tmp_path: Path) -> None:
    config = {"lr": 0.01, "size": (8,)}
    ended = result(1, 0.8, curve=(0.7, float("nan"), 0.8), epochs=3, best_epoch=3)
    figure = plot_curves(record(tmp_path, [(config, ended), (config, None), (config, result(3, 0.6, Status.PAUSED))]))
    assert trace(figure, "best (").y == (0.7, None, 0.8)
    assert [list(each.y) for each in figure.data if each.name == "other trials"] == [[0.5], [0.5, 0.6]]
    assert list(trace(figure, "paused").x) == [2]


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


def test_the_areas_in_the_legend_are_those_of_the_kept_scores(tmp_path: Path) -> None:
    reading = plain(tmp_path)
    assert reading.best is not None
    held = read_scores(tmp_path / "trials" / f"{reading.best.number:04d}" / "checkpoints" / FILE).splits["test"]
    assert trace(plot_roc(reading), f"test: AUROC {roc_auc_score(held.labels, held.scores):.3f}")
    figure = plot_pr(reading)
    curve = trace(figure, f"test: AUPRC {average_precision_score(held.labels, held.scores):.3f}")
    x, y = np.asarray(curve.x), np.asarray(curve.y)
    assert np.sum(np.diff(x) * y[1:]) == pytest.approx(average_precision_score(held.labels, held.scores), abs=1e-3)
    assert curve.line.shape == "vh"  # the step up to a recall has the precision at which it is reached


def test_several_labels_have_a_curve_each(tmp_path: Path) -> None:
    from types import SimpleNamespace

    from automax_lightning.trial.score_file import keep_scores

    reading = record(tmp_path, [({"lr": 0.01, "size": (8,)}, result(1, 0.8))])
    labels = np.stack([np.arange(40) % 2, np.arange(40) % 3 == 0, np.zeros(40)], axis=1).astype(int)
    scores = np.random.default_rng(0).normal(size=(40, 3))
    path = tmp_path / "trials" / "0001" / "checkpoints" / FILE
    path.parent.mkdir(parents=True)
    keep_scores(path, [SimpleNamespace(evaluated={"val": (scores, labels)})], "val", epoch=2)
    assert [each.name for each in plot_roc(reading).data][1:] == ["validation, label 0", "validation, label 1"]


@pytest.mark.parametrize("plot", ALL)
def test_figures_are_valid_and_carry_their_own_style(tmp_path: Path, plot) -> None:  # type: ignore[no-untyped-def]
    before = plotly.io.templates.default
    figure = plot(plain(tmp_path))
    figure.to_json(validate=True)
    assert "system-ui" in figure.layout.template.layout.font.family
    assert plotly.io.templates.default == before


@pytest.mark.parametrize("plot", ALL)
def test_nothing_to_draw_is_said(tmp_path: Path, plot) -> None:  # type: ignore[no-untyped-def]
    reading = record(tmp_path, [({"lr": 0.01, "size": (8,)}, result(1, None, Status.CRASHED, reason="x"))])
    with pytest.raises(ReportError, match=f"{plot.__name__}: expected"):
        plot(reading)


def test_a_single_trial_is_drawn_by_all_but_importance(tmp_path: Path) -> None:
    reading = record(tmp_path, [({"lr": 0.01, "size": (8,)}, result(1, 0.7))])
    keep(tmp_path, 1, 1.0)
    for plot in ALL:
        if plot is plot_importance:
            with pytest.raises(ReportError, match="found 1 whole trial"):
                plot(reading)
        else:
            assert plot(reading).data


def test_scores_of_another_epoch_are_not_drawn(tmp_path: Path) -> None:
    reading = record(tmp_path, [({"lr": 0.01, "size": (8,)}, result(1, 0.7))])
    keep(tmp_path, 1, 1.0, epoch=1)
    with pytest.raises(ReportError, match="none that were kept: they belong to another epoch"):
        plot_roc(reading)
