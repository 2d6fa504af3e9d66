"""ROC and precision-recall curves of the best trial, from its scores on disk, with bootstrap bands and intervals."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import plotly.graph_objects as go
from sklearn.metrics import precision_recall_curve, roc_curve

from automax_lightning.errors import ReportError
from automax_lightning.report.bootstrap import GRID, Bands, Ranking, area, bands
from automax_lightning.report.figures.style import BLUE, COLOURS, MUTED, RED, figure
from automax_lightning.report.intervals import FEWEST, interval, of_rarest, rarest
from automax_lightning.search.record import SearchRecord
from automax_lightning.trial.score_file import SplitScores, has_both

_SPLITS = {"val": ("validation", BLUE, "0, 114, 178"), "test": ("test", RED, "213, 94, 0")}
_MOST_POINTS, _MOST_LABELS = 800, 8


def plot_roc(record: SearchRecord) -> go.Figure:
    """The ROC curve of the best trial on validation and on test, with pointwise 95 % bands.

    Args:
        record: the search; the scores are read from the trial's directory.

    Returns:
        A plotly figure; with several labels a curve each, without bands. There is no band either where a class has fewer
        than `FEWEST` samples.

    Raises:
        ReportError: if no scores with both classes are on disk.
    """
    plot = _square("false-positive rate", "true-positive rate")
    plot.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": MUTED, "width": 1, "dash": "dot"}, name="chance",
                     hoverinfo="skip", showlegend=False)  # fmt: skip
    return _fill(plot, record, "plot_roc", is_roc=True)


def plot_pr(record: SearchRecord) -> go.Figure:
    """The precision-recall curve of the best trial on validation and on test, with pointwise 95 % bands.

    Args:
        record: the search; the scores are read from the trial's directory.

    Returns:
        A plotly figure; a dotted line is the precision of chance, the share of positives.

    Raises:
        ReportError: if no scores with both classes are on disk.
    """
    return _fill(_square("recall", "precision"), record, "plot_pr", is_roc=False)


@lru_cache(maxsize=2)
def best_bands(record: SearchRecord) -> dict[str, Bands]:
    """Bootstrap bands of the best trial's curves; both figures of one record share them.

    Args:
        record: the search; compared by identity, so a later record is drawn anew.

    Returns:
        Split -> bands, of the splits with one label and at least `FEWEST` samples of each class.
    """
    splits = record.scores_of(record.best).splits
    whole = {name: held for name, held in splits.items() if held.scores.ndim == 1 and held.is_usable}
    return {name: bands(held) for name, held in whole.items() if rarest(held.labels) >= FEWEST}


def _square(x: str, y: str) -> go.Figure:
    axis = {"range": [-0.01, 1.01], "constrain": "domain"}
    legend = {"orientation": "v", "bgcolor": "rgba(255,255,255,0.7)"}
    return figure(470, xaxis={"title": x, **axis}, yaxis={"title": y, **axis}, legend=legend, margin={"t": 64})


def _fill(plot: go.Figure, record: SearchRecord, where: str, *, is_roc: bool) -> go.Figure:
    splits = {split: held for split, held in record.scores_of(record.best).splits.items() if held.is_usable}
    if not splits:
        raise ReportError(where, "scores of the best trial with both classes", record.why_no_scores(record.best, "val"),
                          "A trial keeps them where the AUROC callback evaluates a split.")  # fmt: skip
    for split, held in splits.items():
        if held.scores.ndim == 1:
            _add_with_band(plot, split, held, best_bands(record).get(split), is_roc=is_roc)
        elif split == next(reversed(splits)):  # the test split where there is one: two splits of many labels are a tangle
            _add_labels(plot, split, held, is_roc=is_roc)
    return plot


def _add_with_band(plot: go.Figure, split: str, held: SplitScores, uncertainty: Bands | None, *, is_roc: bool) -> None:
    name, colour, rgb = _SPLITS.get(split, (split, MUTED, "95, 108, 123"))
    if uncertainty is not None:
        band = uncertainty.roc if is_roc else uncertainty.pr
        plot.add_scatter(
            x=[*GRID, *GRID[::-1]], y=[*band[1], *band[0][::-1]], fill="toself", fillcolor=f"rgba({rgb}, 0.13)", mode="lines",
            line={"width": 0}, hoverinfo="skip", showlegend=False, legendgroup=split,
        )  # fmt: skip
    x, y = _points(held.scores, held.labels, is_roc=is_roc)
    plot.add_scatter(
        x=x, y=y, mode="lines", line={"color": colour, "width": 2.2, "shape": "linear" if is_roc else "vh"}, legendgroup=split,
        name=f"{name}: {_area(held, 'AUROC' if is_roc else 'AUPRC')}", hovertemplate="(%{x:.3f}, %{y:.3f})<extra></extra>",
    )  # fmt: skip
    if not is_roc:
        share = float(np.mean(held.labels == 1))
        plot.add_scatter(x=[0, 1], y=[share, share], mode="lines", line={"color": colour, "width": 1, "dash": "dot"},
                         hoverinfo="skip", showlegend=False, legendgroup=split)  # fmt: skip


def _add_labels(plot: go.Figure, split: str, held: SplitScores, *, is_roc: bool) -> None:
    usable = [k for k in range(held.labels.shape[1]) if has_both(held.labels[:, k])][:_MOST_LABELS]
    for position, k in enumerate(usable):
        x, y = _points(held.scores[:, k], held.labels[:, k], is_roc=is_roc)
        colour = COLOURS[position % len(COLOURS)]
        plot.add_scatter(x=x, y=y, mode="lines", line={"color": colour, "width": 1.8, "shape": "linear" if is_roc else "vh"},
                         name=f"{_SPLITS.get(split, (split,))[0]}, label {k}")  # fmt: skip


def _points(scores: np.ndarray, labels: np.ndarray, *, is_roc: bool) -> tuple[np.ndarray, np.ndarray]:
    """The curve, thinned where it has more points than pixels; its corners and its ends stay."""
    if is_roc:
        x, y, _ = roc_curve(labels, scores)
    else:
        x, y = _steps(scores, labels)
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST_POINTS)).round().astype(int))
    return x[kept].round(5), y[kept].round(5)


def _steps(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Recall and the precision at which it is first reached: the steps whose area is the average precision."""
    precision, recall, _ = precision_recall_curve(labels, scores)
    reached, first = np.unique(recall[::-1], return_index=True)
    heights = precision[::-1][first]
    return np.append(0.0, reached[1:]), np.append(heights[1], heights[1:])


def _area(held: SplitScores, metric: str) -> str:
    known = interval(held, metric)
    if known is not None:
        return f"{metric} {known.value:.3f} ({known.low:.3f} to {known.high:.3f})"
    value = area(metric, *Ranking(held.scores, held.labels).counts(np.arange(len(held.labels))))
    return f"{metric} {value:.3f} (no interval: {of_rarest(held.labels)})"
