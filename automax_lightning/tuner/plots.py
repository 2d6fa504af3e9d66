"""The showing side of `AutoMAX`: figures, the page, the Optuna study, and how a search looks in a notebook."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automax_lightning.config import AutoMAXConfig
from automax_lightning.search.record import SearchRecord
from automax_lightning.search.storage.history import History
from automax_lightning.search.storage.journal import read
from automax_lightning.trial.records import Objective
from automax_lightning.utils.imports import need_extra

if TYPE_CHECKING:
    import optuna
    from plotly.graph_objects import Figure


class SearchShow:
    """What `AutoMAX` shows of itself. Figures, page and study need the extra ``report``."""

    history: History
    objective: Objective
    directory: Path
    config: AutoMAXConfig
    target: str

    def reading(self) -> SearchRecord:
        """Everything that is recorded so far, as figures and pages take it."""
        is_ours = bool(self.history.asks) or not self.config.overwrite  # what is there may be about to be overwritten
        history = read(self.directory) if is_ours else History()
        history = history if history.settings else dataclasses.replace(history, settings=self.settings())
        return SearchRecord(history, self.objective, self.directory, {**self.config.as_mapping(), "target": self.target})

    def settings(self) -> dict[str, Any]:
        """What makes this search this search."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        from automax_lightning.report.page.search_card import search_card

        return search_card(self.reading(), self.config.n_trials)

    def report(self, path: str | Path | None = None) -> Path:
        """Write one HTML file that shows the search, and needs no network to be looked at.

        Args:
            path: of the file; None for ``report.html`` in the search's directory.

        Returns:
            The path.

        Raises:
            ReportError: if no trial was started yet, or the extra ``report`` is not installed.
        """
        need_extra("AutoMAX.report")
        from automax_lightning.report.page.page import write_report

        return write_report(self.reading(), None if path is None else Path(path))

    def to_optuna(self, storage: Any = None, name: str | None = None) -> optuna.Study:
        """The trials that are over as an Optuna study.

        Args:
            storage: an Optuna storage or its URL, e.g. ``"sqlite:///mine.db"`` for ``optuna-dashboard``; None keeps
                the study in memory.
            name: of the study; None for the search's.

        Raises:
            ReportError: if the storage has a study of that name, or the extra ``report`` is not installed.
        """
        need_extra("AutoMAX.to_optuna", ("optuna",))
        from automax_lightning.report.optuna_study import to_study

        return to_study(self.reading(), storage=storage, name=name)

    def plot_history(self) -> Figure:
        """The score of every trial in order, and the best one so far."""
        return self._plot("figures", "plot_history")

    def plot_curves(self) -> Figure:
        """The score of every trial after each of its epochs."""
        return self._plot("figures", "plot_curves")

    def plot_parallel(self) -> Figure:
        """Each trial as a line through its hyperparameters to its score."""
        return self._plot("space_figures", "plot_parallel")

    def plot_slice(self) -> Figure:
        """The score against each hyperparameter by itself."""
        return self._plot("space_figures", "plot_slice")

    def plot_importance(self) -> Figure:
        """How much of the score's variance each hyperparameter explains."""
        return self._plot("space_figures", "plot_importance")

    def plot_roc(self) -> Figure:
        """The ROC curves of the best trial, with bootstrap bands."""
        return self._plot("score_figures", "plot_roc")

    def plot_pr(self) -> Figure:
        """The precision-recall curves of the best trial, with bootstrap bands."""
        return self._plot("score_figures", "plot_pr")

    def _plot(self, module: str, name: str) -> Any:
        need_extra(f"AutoMAX.{name}")
        from automax_lightning.report.figures import scores as score_figures
        from automax_lightning.report.figures import space as space_figures
        from automax_lightning.report.figures import trials as figures

        home = {"figures": figures, "score_figures": score_figures, "space_figures": space_figures}[module]
        return getattr(home, name)(self.reading())
