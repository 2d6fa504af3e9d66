"""Figures of a search over time: the best score so far, and the learning curves of its trials."""

from __future__ import annotations

import math

import plotly.graph_objects as go

from automax_lightning.errors import ReportError
from automax_lightning.report.figures.style import (
    BLUE,
    MUTED,
    ORANGE,
    QUIET,
    RED,
    counted,
    escape,
    figure,
    hover,
    marks,
    score_title,
)
from automax_lightning.search.record import SearchRecord
from automax_lightning.trial.records import Status, TrialResult
from automax_lightning.utils.formatting import show_score

_HIDDEN = {Status.STOPPED: "triangle-down-open", Status.PAUSED: "circle-open", Status.TIMEOUT: "square-open"}
_NAMES = {Status.SUCCESS: "trial", Status.STOPPED: "stopped early", Status.PAUSED: "paused", Status.TIMEOUT: "out of time"}
_MOST_CURVES = 200


def plot_history(record: SearchRecord) -> go.Figure:
    """The score of every trial in order, and the best one so far.

    Args:
        record: the search.

    Returns:
        A plotly figure: filled marks for whole trials, hollow ones for partial scores, crosses for failures.

    Raises:
        ReportError: if no trial has a score.
    """
    _need_scores(record, "plot_history")
    plot = figure(xaxis={"title": "trial", **counted(max(record.results))}, yaxis={"title": score_title(record)})
    _add_best_so_far(plot, record)
    for status, name in _NAMES.items():
        chosen = [result for result in record.scored if result.status is status]
        if chosen:
            marker = {"color": BLUE, "size": 8, "opacity": 0.75, "symbol": _HIDDEN.get(status, "circle")}
            plot.add_scatter(
                x=[each.number for each in chosen], y=[each.score for each in chosen], mode="markers", name=name,
                marker=marker, hovertext=[hover(record, each) for each in chosen], hoverinfo="text",
            )  # fmt: skip
    _add_failures(plot, record)
    plot.add_traces(marks(record, go.Scatter, {each.number: (each.number, each.score) for each in record.scored}))
    return plot


def _add_best_so_far(plot: go.Figure, record: SearchRecord) -> None:
    x: list[int] = []
    y: list[float] = []
    for result in record.whole:
        if record.objective.is_better(result.score, y[-1] if y else None):
            x.append(result.number)
            y.append(float(result.score))  # type: ignore[arg-type]
    if x:
        x.append(max(record.results))
        y.append(y[-1])
    plot.add_scatter(
        x=x, y=y, mode="lines", name="best so far", line={"color": BLUE, "shape": "hv", "width": 2}, hoverinfo="skip"
    )


def _add_failures(plot: go.Figure, record: SearchRecord) -> None:
    failed = [result for result in record.results.values() if not result.is_scored]
    if not failed:
        return
    scores = [float(result.score) for result in record.scored]  # type: ignore[arg-type]
    low, high = min(scores), max(scores)
    below = low - 0.08 * (high - low if high > low else abs(high) or 1.0)
    texts = [f"<b>trial {each.number}</b><br>{escape((each.reason or each.status.value)[:160])}" for each in failed]
    plot.add_scatter(
        x=[each.number for each in failed], y=[below] * len(failed), mode="markers", name="failed (no score)",
        marker={"symbol": "x", "size": 8, "color": MUTED}, hovertext=texts, hoverinfo="text",
    )  # fmt: skip


def plot_curves(record: SearchRecord) -> go.Figure:
    """The score of every trial after each of its epochs.

    Args:
        record: the search; trials that are running are drawn as far as they are.

    Returns:
        A plotly figure: the best and the default in colour, the others in grey; a hollow mark ends a partial curve.

    Raises:
        ReportError: if no epoch has a score.
    """
    curves = {number: curve for number, curve in _curves(record).items() if any(math.isfinite(y) for y in curve)}
    if not curves:
        raise ReportError("plot_curves", "at least one epoch with a score", "none", "Wait for the first epoch.")
    plot = figure(xaxis={"title": "epoch", **counted(max(map(len, curves.values())))}, hovermode="closest")
    plot.update_layout(yaxis={"title": score_title(record)})
    special = {result.number: role for role, result in (("default", record.default), ("best", record.best)) if result}
    others = [number for number in curves if number not in special][-_MOST_CURVES:]
    for position, number in enumerate(others):
        plot.add_trace(_curve(record, number, curves[number], "other trials", QUIET, 1.2, show=position == 0))
    for number, role in sorted(special.items(), key=lambda item: item[1] == "best"):
        if number in curves:
            colour = RED if role == "best" else ORANGE
            plot.add_trace(_curve(record, number, curves[number], f"{role} (trial {number})", colour, 2.6, show=True))
    _add_ends(plot, record, curves)
    return plot


def _curves(record: SearchRecord) -> dict[int, tuple[float, ...]]:
    """What is recorded epoch by epoch; a result's own curve is complete where the journal was cut."""
    recorded = {number: tuple(curve[epoch] for epoch in sorted(curve)) for number, curve in record.history.curves.items()}
    return {**recorded, **{number: result.curve for number, result in record.results.items() if result.curve}}


def _curve(
    record: SearchRecord, number: int, curve: tuple[float, ...], name: str, colour: str, width: float, *, show: bool
) -> go.Scatter:
    result = record.results.get(number)
    text = f"<b>trial {number}</b>, running" if result is None else hover(record, result)
    mode = "lines+markers" if len(curve) <= 30 else "lines"
    return go.Scatter(
        x=list(range(1, len(curve) + 1)), y=[y if math.isfinite(y) else None for y in curve], name=name, legendgroup=name,
        showlegend=show, mode=mode, line={"color": colour, "width": width},
        marker={"size": 4 if width < 2 else 6}, hoverinfo="text",
        hovertext=[f"epoch {epoch}: {show_score(y)}<br>{text}" for epoch, y in enumerate(curve, start=1)],
    )  # fmt: skip


def _add_ends(plot: go.Figure, record: SearchRecord, curves: dict[int, tuple[float, ...]]) -> None:
    ends: dict[str, list[TrialResult]] = {}
    for result in record.results.values():
        if result.status in _HIDDEN and result.number in curves and math.isfinite(curves[result.number][-1]):
            ends.setdefault(_NAMES[result.status], []).append(result)
    for name, results in ends.items():
        plot.add_scatter(
            x=[len(curves[each.number]) for each in results], y=[curves[each.number][-1] for each in results], name=name,
            mode="markers", marker={"symbol": _HIDDEN[results[0].status], "size": 9, "color": MUTED}, hoverinfo="text",
            hovertext=[hover(record, each) for each in results],
        )  # fmt: skip


def _need_scores(record: SearchRecord, where: str) -> None:
    if not record.scored:
        raise ReportError(where, "at least one trial with a score", "none", "Wait for a trial that ends with one.")
