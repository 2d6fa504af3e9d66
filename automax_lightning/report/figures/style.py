"""How figures look: one quiet template, colours that colour-blind readers tell apart, and the same marks everywhere."""

from __future__ import annotations

import html
from typing import Any

import plotly.graph_objects as go

from automax_lightning.search.record import SearchRecord
from automax_lightning.trial.records import Status, TrialResult
from automax_lightning.utils.formatting import configuration_lines, printable, show_score
from automax_lightning.utils.splits import score_on_test

INK, MUTED, GRID_LINE, QUIET = "#1f2933", "#5f6c7b", "#e8ecf1", "#9fb3c8"
BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED)
"""Okabe and Ito's palette, which people with any kind of colour vision tell apart."""
BETTER = ((0.0, "#e3e9f0"), (0.5, "#7fb3d5"), (1.0, "#08457e"))
"""From the worst score to the best; readable in grey as well."""

_AXIS = {
    "title": {"font": {"size": 13, "color": MUTED}, "standoff": 10},
    "gridcolor": GRID_LINE, "zeroline": False, "linecolor": GRID_LINE, "tickcolor": GRID_LINE, "automargin": True,
}  # fmt: skip
_AXIS = {
    "title": {"font": {"size": 13, "color": MUTED}, "standoff": 10},
    "gridcolor": GRID_LINE, "zeroline": False, "linecolor": GRID_LINE, "tickcolor": GRID_LINE, "automargin": True,
}  # fmt: skip
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "size": 13, "color": INK},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": COLOURS,
        "margin": {"l": 64, "r": 24, "t": 24, "b": 56},
        "hoverlabel": {"align": "left", "bgcolor": "white", "bordercolor": GRID_LINE, "font": {"size": 12, "color": INK}},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left", "font": {"color": MUTED}},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
    }
)
MARKS: dict[str, dict[str, Any]] = {
    "best": {"symbol": "star", "size": 15, "color": RED, "line": {"width": 1, "color": "white"}},
    "default": {"symbol": "diamond", "size": 11, "color": ORANGE, "line": {"width": 1, "color": "white"}},
}


def figure(height: int = 380, **layout: Any) -> go.Figure:
    """An empty figure in the style of the report."""
    plot = go.Figure()
    # The template object itself: naming a template would load plotly's own and change what the user has set.
    plot.update_layout(template=TEMPLATE, height=height, **layout)
    return plot


def counted(most: int) -> dict[str, Any]:
    """The ticks of an axis that counts from 1: whole numbers, each of them where there are few."""
    return {"tickformat": "d", "range": [0.5, most + 0.5], **({"dtick": 1} if most <= 10 else {"nticks": 8})}


def score_title(record: SearchRecord) -> str:
    """The axis title of a validation score."""
    return f"validation {escape(record.objective.target)}"


def hover(record: SearchRecord, result: TrialResult) -> str:
    """What is shown over a trial: its score, its state, and its configuration."""
    role = record.role(result.number)
    test = score_on_test(result.test, record.objective.target)
    lines = [f"<b>trial {result.number}</b>{f', the {role}' if role else ''}"]
    lines.append(f"validation {show_score(result.score)}{'' if test is None else f', test {show_score(test)}'}")
    if result.status is not Status.SUCCESS:
        lines.append(f"{result.status.name.lower()} after epoch {result.epochs}")
    lines += [escape(line) for line in configuration_lines(record.specs[result.number].configuration, record.names)]
    return "<br>".join(lines)


def escape(text: str) -> str:
    """Escape HTML in user text shown by plotly, and leave control sequences out."""
    return html.escape(printable(str(text)), quote=False)


def marks(record: SearchRecord, trace: Any, points: dict[int, tuple[Any, Any]], **where: Any) -> list[go.Scatter]:
    """The marks of the default and of the best trial, over a figure's points.

    Args:
        record: says which trials these are.
        trace: the kind of trace, `go.Scatter` or `go.Scattergl`.
        points: trial number -> (x, y).
        where: further arguments of the trace.
    """
    traces = []
    for role, result in (("default", record.default), ("best", record.best)):
        if result is None or result.number not in points or (role == "default" and record.role(result.number) == "best"):
            continue
        x, y = points[result.number]
        text = hover(record, result)
        traces.append(trace(x=[x], y=[y], mode="markers", name=f"{role} (trial {result.number})", marker=MARKS[role],
                           hovertext=text, hoverinfo="text", **where))  # fmt: skip
    return traces
