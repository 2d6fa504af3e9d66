"""One HTML file that shows a search: it carries everything in itself, and asks no network for anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib.resources import files
from pathlib import Path

import plotly.io
from plotly.graph_objects import Figure
from plotly.offline import get_plotlyjs

from automax_lightning.errors import ReportError
from automax_lightning.report.figures.scores import plot_pr, plot_roc
from automax_lightning.report.figures.space import plot_importance, plot_parallel, plot_slice
from automax_lightning.report.figures.trials import plot_curves, plot_history
from automax_lightning.report.page import blocks as sections
from automax_lightning.search.record import SearchRecord
from automax_lightning.utils.files import write_atomically
from automax_lightning.utils.html import Raw, tag

Plot = Callable[[SearchRecord], Figure]

# The browser itself then refuses whatever would leave the file.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
# Figures are drawn while the page is still being laid out, and narrow screens settle their width late.
_FIT = (
    "<script>addEventListener('load', () => document.querySelectorAll('.js-plotly-plot').forEach(Plotly.Plots.resize))</script>"
)
# Without a button bar, which would lie on the legends of a narrow screen; dragging zooms, a double click goes back.
_CONFIG = {"displayModeBar": False, "responsive": True}


def write_report(record: SearchRecord, path: Path | None = None) -> Path:
    """Write the page that shows a search.

    Args:
        record: of the search; it may still be running.
        path: of the file; None for ``report.html`` in the search's directory.

    Returns:
        The path. The file is replaced by rename, so that whoever has it open sees the old page or the new one.

    Raises:
        ReportError: if nothing was asked yet.
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
        record: of the search.
    """
    title = f"{record.name}: {record.objective.target}"
    css = files("automax_lightning.report.page").joinpath("page.css").read_text(encoding="utf-8")
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"{tag('title', title)}<style>{css}</style><script>{get_plotlyjs()}</script>"
    )
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head><body><main>{"".join(_body(record))}</main>{_FIT}</body></html>\n'
    )


def _body(record: SearchRecord) -> list[Raw]:
    made = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    return [
        tag("header", tag("h1", record.name), tag("p", f"AutoMAX search, page made {made}", cls="quiet")),
        sections.verdict_box(record),
        sections.figures_of_merit(record),
        _section("Score over the search", _marks_of(record),
                 _plot(plot_history, record)),
        _section("ROC and precision-recall of the best trial",
                 "From the scores of its best epoch; bands and intervals are stratified bootstraps, 95 %.",
                 _both_curves(record)),
        _section("Best configuration and default", "", sections.configurations(record), sections.comparisons(record)),
        _section("Learning curves", f"Validation {record.objective.target} after each epoch.", _plot(plot_curves, record)),
        _section("Where the good trials are", "A line is a trial, dark is good; hover shows its configuration.",
                 _plot(plot_parallel, record, wide=True)),
        _section("What mattered", "How much each hyperparameter has moved the score of whole trials.",
                 _plot(plot_importance, record)),
        _section("One hyperparameter at a time", "", _plot(plot_slice, record, wide=True)),
        _section("Failures", "", sections.failures(record)),
        _section("Trials", "", sections.trials(record)),
        _section("Go on, or do it again", "", sections.going_on(record)),
    ]  # fmt: skip


def _marks_of(record: SearchRecord) -> str:
    note = "Hollow marks are partial scores; they are not compared with whole trials."
    return note if record.n_seeds == 1 else f"{note} The best configuration is the one with the best mean over its seeds."


def _both_curves(record: SearchRecord) -> Raw:
    if not record.scores_of(record.best).splits:
        return _plot(plot_roc, record)  # one sentence says for both why they are missing
    return tag("div", _plot(plot_roc, record), _plot(plot_pr, record), cls="pair")


def _section(title: str, note: str, *inside: Raw) -> Raw:
    return tag("section", tag("h2", title), *([tag("p", note, cls="quiet")] if note else []), *inside)


def _plot(plot: Plot, record: SearchRecord, *, wide: bool = False) -> Raw:
    """A figure, or the sentence that says why there is none."""
    try:
        made = plot(record)
    except ReportError as error:
        return tag("p", f"No figure: it needs {error.expected}, and there is {error.found}. {error.fix}", cls="quiet missing")
    drawn = plotly.io.to_html(made, config=_CONFIG, include_plotlyjs=False, full_html=False, div_id=plot.__name__)
    width = f' style="min-width: {max(720, 104 * _columns(made))}px"' if wide else ""
    return Raw(f'<div class="plot{" wide" if wide else ""}"><div{width}>{drawn}</div></div>')


def _columns(made: Figure) -> int:
    """Axes of parallel coordinates, which need some room each; on a narrow screen they scroll."""
    return len(made.layout.shapes)
