from __future__ import annotations

from pathlib import Path

import plotly.io
import pytest

from automax_lightning.errors import ReportError
from automax_lightning.report.figures.scores import plot_pr, plot_roc
from automax_lightning.report.figures.space import plot_importance, plot_parallel, plot_slice
from automax_lightning.report.figures.trials import plot_curves, plot_history
from automax_lightning.trial.records import Status
from tests.support.searches import keep, plain, record, result

ALL = (plot_history, plot_curves, plot_parallel, plot_slice, plot_importance, plot_roc, plot_pr)


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
