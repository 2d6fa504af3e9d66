"""Figures, the page and the Optuna study of a search; all of them need the extra ``report``, and are imported late."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from automax_lightning.search.record import SearchRecord
from automax_lightning.search.storage.ownership import claim_file
from automax_lightning.utils.imports import need_extra

if TYPE_CHECKING:
    import optuna
    from plotly.graph_objects import Figure

Kind = Literal["history", "curves", "parallel", "slice", "importance", "roc", "pr"]


def plot(record: SearchRecord, kind: Kind) -> Figure:
    """A figure of a search.

    Args:
        record: what is recorded of it.
        kind: which figure.

    Raises:
        ReportError: if the figure needs trials that are not there, or the extra ``report`` is not installed.
    """
    need_extra(f"AutoMAX.plot_{kind}")
    from automax_lightning.report.figures import scores, space, trials

    figures = {
        "history": trials.plot_history,
        "curves": trials.plot_curves,
        "parallel": space.plot_parallel,
        "slice": space.plot_slice,
        "importance": space.plot_importance,
        "roc": scores.plot_roc,
        "pr": scores.plot_pr,
    }
    return figures[kind](record)


def report(record: SearchRecord, path: str | Path | None) -> Path:
    """As `AutoMAX.report`.

    Args:
        record: what is recorded of the search.
        path: of the file; None for ``report.html`` in the search's directory.
    """
    need_extra("AutoMAX.report")
    from automax_lightning.report.page.page import write_report

    if path is None and record.directory is not None:
        claim_file(record.directory, "report.html")
    return write_report(record, None if path is None else Path(path))


def to_optuna(record: SearchRecord, storage: Any, name: str | None) -> optuna.Study:
    """As `AutoMAX.to_optuna`.

    Args:
        record: what is recorded of the search.
        storage: an Optuna storage or its URL; None keeps the study in memory.
        name: of the study; None for the search's.
    """
    need_extra("AutoMAX.to_optuna", ("optuna",))
    from automax_lightning.report.optuna_study import to_study

    return to_study(record, storage=storage, name=name)
