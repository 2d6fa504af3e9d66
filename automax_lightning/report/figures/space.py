"""Figures of a search over its space: parallel coordinates, slices, and the importance of hyperparameters."""

from __future__ import annotations

import math
from typing import Any

import plotly.graph_objects as go
from plotly.colors import sample_colorscale
from plotly.subplots import make_subplots

from automax_lightning.errors import ReportError
from automax_lightning.report.figures.axes import Axis, axes
from automax_lightning.report.figures.style import (
    BETTER,
    COLOURS,
    GRID_LINE,
    INK,
    MUTED,
    ORANGE,
    RED,
    TEMPLATE,
    escape,
    figure,
    hover,
    marks,
    score_title,
)  # fmt: skip
from automax_lightning.report.importance import importances
from automax_lightning.search.record import SearchRecord
from automax_lightning.space.description import Parameter
from automax_lightning.trial.records import Status, TrialResult
from automax_lightning.utils.formatting import show, show_score

_MOST_LINES, _MOST_PANELS, _COLUMNS = 150, 24, 3
_UNUSED = -0.16


def plot_parallel(record: SearchRecord) -> go.Figure:
    """Each trial as a line through its hyperparameters to its score; dark is good.

    Args:
        record: the search. Of many trials the best 150 are drawn.

    Returns:
        A plotly figure; a hyperparameter that a trial does not have is passed below its axis, at "not used".

    Raises:
        ReportError: if no trial has a score, or nothing was searched.
    """
    drawn = _by_role(record, _ranked(record)[-_MOST_LINES:])
    shown = axes(record)
    _need(bool(drawn and shown), "plot_parallel")
    plot = figure(430, showlegend=False, hovermode="closest", margin={"l": 56, "r": 72, "t": 64, "b": 16})
    scores = [float(result.score) for result in drawn]  # type: ignore[arg-type]
    low, high = min(scores), max(scores)
    has_unused = False
    for rank, result in enumerate(drawn):
        configuration = record.specs[result.number].configuration
        places = [axis.position(configuration) for axis in shown]
        has_unused |= None in places
        score = (float(result.score) - low) / (high - low) if high > low else 0.5  # type: ignore[arg-type]
        y = [_UNUSED if place is None else place for place in places]
        plot.add_trace(_line(record, result, [*y, score], rank / max(1, len(drawn) - 1)))
    _draw_axes(plot, shown, record, (low, high), has_unused=has_unused)
    return plot


def _ranked(record: SearchRecord) -> list[TrialResult]:
    """From the worst to the best, so that the good ones lie on top."""
    return sorted(record.scored, key=lambda result: -record.objective.cost(float(result.score)))  # type: ignore[arg-type]


def _by_role(record: SearchRecord, results: list[TrialResult]) -> list[TrialResult]:
    """The default and the best on top of their equals."""
    return sorted(results, key=lambda result: ("", "default", "best").index(record.role(result.number)))


def _line(record: SearchRecord, result: TrialResult, y: list[float], rank: float) -> go.Scatter:
    role = record.role(result.number)
    shade = sample_colorscale([list(stop) for stop in BETTER], [rank])[0]
    colour = {"best": RED, "default": ORANGE}.get(role, shade)
    dash = "solid" if result.status is Status.SUCCESS else "dot"
    return go.Scatter(
        x=list(range(len(y))), y=y, mode="lines+markers", line={"color": colour, "width": 3 if role else 1.6, "dash": dash},
        marker={"size": 6 if role else 4, "color": colour}, hovertext=[hover(record, result)] * len(y), hoverinfo="text",
        opacity=1.0 if role else 0.85,
    )  # fmt: skip


def _draw_axes(plot: go.Figure, shown: list[Axis], record: SearchRecord, ends: tuple[float, float], *, has_unused: bool) -> None:
    bottom, last = _UNUSED if has_unused else 0.0, len(shown)
    ticks = [axis.parameter.ticks() for axis in shown]
    ticks.append([(0.0, show_score(ends[0])), (1.0, show_score(ends[1]))] if ends[1] > ends[0] else [(0.5, show_score(ends[0]))])
    titles = [*(axis.parameter.label for axis in shown), f"val {record.objective.target}"]
    for x, title in enumerate(titles):
        plot.add_shape(type="line", x0=x, x1=x, y0=bottom, y1=1, line={"color": GRID_LINE, "width": 2}, layer="below")
        # Crowded titles stand on two levels.
        font, shift = {"size": 12, "color": INK}, 28 + 16 * (x % 2 if last > 6 else 0)
        plot.add_annotation(x=x, y=1.0, yshift=shift, text=f"<b>{escape(_fit(title))}</b>", showarrow=False, font=font)
        for y, text in ticks[x]:
            plot.add_annotation(
                x=x, y=y, text=escape(_fit(text, 13 if last > 6 else 18)), showarrow=False, xanchor="left", xshift=6,
                bgcolor="rgba(255,255,255,0.85)", font={"size": 11, "color": MUTED},
            )  # fmt: skip
    if has_unused:
        font = {"size": 11, "color": MUTED}
        plot.add_annotation(x=-0.02, y=_UNUSED, text="not used", showarrow=False, xanchor="right", font=font)
    plot.update_xaxes(visible=False, range=[-0.25, last + 0.1], fixedrange=True)
    plot.update_yaxes(visible=False, range=[bottom - 0.05, 1.06], fixedrange=True)


def _fit(text: str, width: int = 18) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def plot_slice(record: SearchRecord) -> go.Figure:
    """The score against each hyperparameter by itself.

    Args:
        record: the search. Of many hyperparameters the first 24 are drawn.

    Returns:
        A plotly figure with one panel per hyperparameter; a trial that does not have it is not in its panel.

    Raises:
        ReportError: if no trial has a score, or nothing was searched.
    """
    shown = [axis for axis in axes(record) if _points(record, axis)][:_MOST_PANELS]
    _need(bool(record.scored and shown), "plot_slice")
    columns = min(_COLUMNS, len(shown))
    rows = math.ceil(len(shown) / columns)
    plot = make_subplots(rows, columns, shared_yaxes="all", horizontal_spacing=0.05, vertical_spacing=0.32 / rows)
    plot.update_layout(template=TEMPLATE, height=90 + 240 * rows, showlegend=False, hovermode="closest")
    for number, axis in enumerate(shown):
        _add_panel(plot, record, axis, {"row": number // columns + 1, "col": number % columns + 1})
    _add_arm_legend(plot, record)
    for row in range(1, rows + 1):
        plot.update_yaxes(title=score_title(record), row=row, col=1)
    return plot


def _points(record: SearchRecord, axis: Axis) -> dict[int, tuple[Any, float]]:
    points = {}
    for result in record.scored:
        configuration = record.specs[result.number].configuration
        name = axis.name_in(configuration)
        if name is not None:
            value = configuration[name]
            x = value if axis.parameter.is_range else axis.parameter.index(value)
            points[result.number] = (x, float(result.score))  # type: ignore[arg-type]
    return points


def _colour(record: SearchRecord, result: TrialResult) -> str:
    """By the arm of a trial, where the space has one."""
    chosen = record.specs[result.number].configuration
    arm = record.arms[0] if record.arms else None
    return COLOURS[0] if arm is None or arm.name not in chosen else COLOURS[arm.index(chosen[arm.name]) % len(COLOURS)]


def _add_arm_legend(plot: go.Figure, record: SearchRecord) -> None:
    if not record.arms:
        return
    for index, choice in enumerate(record.arms[0].choices):
        marker = {"color": COLOURS[index % len(COLOURS)], "size": 8}
        plot.add_scatter(x=[None], y=[None], mode="markers", marker=marker, name=escape(show(choice)), row=1, col=1)
    plot.update_layout(showlegend=True)


def _add_panel(plot: go.Figure, record: SearchRecord, axis: Axis, where: dict[str, int]) -> None:
    points = _points(record, axis)
    results = [record.results[number] for number in points]
    plot.add_scatter(
        x=[points[each.number][0] for each in results], y=[points[each.number][1] for each in results], mode="markers",
        marker={
            "size": 7, "opacity": 0.8, "color": [_colour(record, each) for each in results],
            "symbol": ["circle" if each.status is Status.SUCCESS else "circle-open" for each in results],
        },
        hovertext=[hover(record, each) for each in results], hoverinfo="text", showlegend=False, **where,
    )  # fmt: skip
    for mark in marks(record, go.Scatter, points):
        plot.add_trace(mark.update(showlegend=False), **where)
    parameter = axis.parameter
    scale: dict[str, Any] = {"type": "log", "dtick": 1} if parameter.log else {"nticks": 4}
    scale |= {"exponentformat": "power", "tickfont": {"size": 11}, "range": _padded(parameter)}
    if not parameter.is_range:
        texts = [escape(_fit(text, 14)) for _, text in parameter.ticks()]
        scale |= {"tickvals": list(range(len(texts))), "ticktext": texts, "range": [-0.5, len(texts) - 0.5]}
    plot.update_xaxes(title={"text": escape(_fit(parameter.label, 30)), "standoff": 4}, **scale, **where)


def _padded(parameter: Parameter) -> list[float] | None:
    """The whole range that was searched, so that a corner that was never tried shows."""
    if parameter.low is None or parameter.high is None:
        return None
    ends = [math.log10(end) if parameter.log else float(end) for end in (parameter.low, parameter.high)]
    margin = 0.06 * (ends[1] - ends[0])
    return [ends[0] - margin, ends[1] + margin]


def plot_importance(record: SearchRecord) -> go.Figure:
    """How much each hyperparameter has moved the score: its share of the score's variance, by functional ANOVA.

    Args:
        record: the search; needs 4 whole trials.

    Returns:
        A plotly figure; with conditional hyperparameters a group of bars for each arm.

    Raises:
        ReportError: if there are too few trials, their scores are all equal, or nothing was searched.
    """
    groups = importances(record)
    rows = [(each, name, share) for each in groups for name, share in each.shares.items()]
    axis = {"title": f"importance ({groups[0].method})", "tickformat": ".0%"}
    plot = figure(120 + 28 * len(rows) + 10 * len(groups), xaxis=axis, bargap=0.35, showlegend=len(groups) > 1)
    labels = {parameter.name: parameter.label for parameter in record.parameters}
    for position, each in enumerate(groups):
        plot.add_bar(
            y=[f"{escape(_fit(labels[name], 32))}{chr(0x200B) * position}" for name in each.shares], x=list(each.shares.values()),
            orientation="h", name=escape(f"{each.group or 'all trials'} ({each.n_trials} trials)"),
            marker={"color": COLOURS[position % len(COLOURS)]}, texttemplate="%{x:.0%}", textposition="outside",
            textfont={"color": INK}, hovertemplate="%{x:.1%}<extra></extra>", cliponaxis=False,
        )  # fmt: skip
    plot.update_yaxes(autorange="reversed", gridcolor="rgba(0,0,0,0)", ticks="", ticksuffix="  ")
    plot.update_layout(barmode="overlay")
    return plot


def _need(is_there: bool, where: str) -> None:
    if not is_there:
        raise ReportError(where, "a searched hyperparameter and a trial with a score", "none", "Search over something.")
