"""One HTML file that shows a search: it carries everything in itself, and asks no network for anything."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import plotly.io
from markupsafe import Markup
from plotly.graph_objects import Figure
from plotly.offline import get_plotlyjs

from automax_lightning.errors import ReportError
from automax_lightning.report.figures.scores import plot_pr, plot_roc
from automax_lightning.report.figures.space import plot_importance, plot_parallel, plot_slice
from automax_lightning.report.figures.trials import plot_curves, plot_history
from automax_lightning.report.notes import notes
from automax_lightning.report.page import blocks
from automax_lightning.report.page.templates import render
from automax_lightning.report.verdict import verdict
from automax_lightning.search.record import SearchRecord
from automax_lightning.utils.files import write_atomically

_PLOTS: tuple[Callable[[SearchRecord], Figure], ...] = (
    plot_history, plot_curves, plot_parallel, plot_importance, plot_slice, plot_roc, plot_pr,
)  # fmt: skip
_WIDE = (plot_parallel, plot_slice)
# Without a button bar, which would lie on the legends of a narrow screen; dragging zooms, a double click goes back.
_CONFIG = {"displayModeBar": False, "responsive": True}


@dataclasses.dataclass(frozen=True)
class Drawn:
    """A figure of the page.

    Args:
        html: the figure; empty where there is none.
        missing: the sentence that says why there is none.
        min_width: in pixels, below which it scrolls sideways; 0 for a figure that shrinks.
    """

    html: str = ""
    missing: str = ""
    min_width: int = 0


def write_report(record: SearchRecord, path: Path | None = None) -> Path:
    """Write the page that shows a search.

    Args:
        record: the search; it may still be running.
        path: the file to write; None for ``report.html`` in the search's directory.

    Returns:
        The path. The file is replaced by rename, so that whoever has it open sees the old page or the new one.

    Raises:
        ReportError: if no trial was started yet.
    """
    if not record.history.asks:
        raise ReportError("report", "at least one trial that was started", "none", "Run optimize() first.")
    target = path or (record.directory or Path()) / "report.html"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, page(record).encode())
    return target


def page(record: SearchRecord) -> str:
    """The whole page as text.

    Args:
        record: the search.
    """
    result = verdict(record)
    return render(
        "page.html.j2", name=record.name, target=record.objective.target, plotly=Markup(get_plotlyjs()),
        written=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"), verdict=result,
        notes=[note for note in notes(record) if note not in result.warnings],
        data=record.data_lines, cards=blocks.figures_of_merit(record), marks=_marks_of(record), figures=_figures(record),
        configurations=blocks.configurations(record), comparisons=blocks.comparisons(record),
        failures=blocks.failures(record), trials=blocks.trials(record), rerun=blocks.rerun(record),
    )  # fmt: skip


def _marks_of(record: SearchRecord) -> str:
    note = "Hollow marks are partial scores; they are not compared with whole trials."
    if record.repetitions == 1:
        return note
    return f"{note} The best configuration is the one with the best mean over its {record.repetition}s."


def _figures(record: SearchRecord) -> dict[str, Drawn | None]:
    drawn: dict[str, Drawn | None] = {plot.__name__: _draw(plot, record) for plot in _PLOTS}
    if not record.scores_of(record.best).splits:
        drawn["plot_pr"] = None  # one sentence, that of plot_roc, says for both why they are missing
    return drawn


def _draw(plot: Callable[[SearchRecord], Figure], record: SearchRecord) -> Drawn:
    try:
        figure = plot(record)
    except ReportError as error:
        return Drawn(missing=f"No figure: it needs {error.expected}, and there is {error.found}. {error.fix}")
    html = plotly.io.to_html(figure, config=_CONFIG, include_plotlyjs=False, full_html=False, div_id=plot.__name__)
    # Parallel coordinates draw one shape per axis, which needs some room.
    return Drawn(Markup(html), min_width=max(720, 104 * len(figure.layout.shapes)) if plot in _WIDE else 0)
