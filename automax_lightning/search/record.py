"""`SearchRecord`: what a search's journal tells, as the one frozen value that `AutoMAX`, status, figures and pages read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from automax_lightning.search.planning.plan import Plan
from automax_lightning.search.planning.racing import incumbent, mean_and_spread
from automax_lightning.search.planning.resampling import Resampling
from automax_lightning.search.storage.ensemble_folder import FOLDER, EnsembleTable, Member, read_table
from automax_lightning.search.storage.history import History
from automax_lightning.search.storage.journal import read_search
from automax_lightning.search.storage.ownership import DATA_FILE
from automax_lightning.search.storage.state_file import log
from automax_lightning.space.description import Parameter, parameters
from automax_lightning.trial.checkpoint import TrialFiles
from automax_lightning.trial.records import Objective, Status, TrialResult, TrialSpec
from automax_lightning.trial.score_file import TrialScores, read_scores
from automax_lightning.utils.formatting import short_names


@dataclasses.dataclass(frozen=True, eq=False)
class SearchRecord:
    """A search as it was recorded; nothing of it needs torch, ConfigSpace, the factory or the data.

    Everything is derived once, so a later history needs a new record: see `with_history`. Records are compared by
    identity; compare their histories instead.

    Args:
        history: what the journal tells.
        objective: names the score, and says which way it is better.
        directory: the search's directory, in which trials keep their scores; None for a history without files.
        config: the settings of the search, as its ``config.yaml`` has them. What the journal records is asked first.

    Example:
        >>> history = History(results={1: TrialResult(1, Status.SUCCESS, 0.8), 2: TrialResult(2, Status.CRASHED)})
        >>> record = SearchRecord(history, Objective("AUROC"))
        >>> record.best.number, record.best_score, len(record.failed)
        (1, 0.8, 1)
    """

    history: History
    objective: Objective
    directory: Path | None = None
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, directory: Path) -> SearchRecord:
        """Read a search's directory; it may be running.

        Args:
            directory: where ``journal.jsonl`` lies.

        Raises:
            JournalError: if there is no journal, or it holds no settings yet.
        """
        history = read_search(directory)
        file = directory / "config.yaml"
        document: dict[str, Any] = (yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else None) or {}
        settings = document.get("automax", document)  # the whole file of a search that was started from one
        return cls(history, Objective(history.settings["target"], history.settings["mode"]), directory, settings)

    def with_history(self, history: History) -> SearchRecord:
        """The same search with another history, usually a longer one."""
        return dataclasses.replace(self, history=history)

    @property
    def data_lines(self) -> list[str]:
        """What was read before the first trial, one sentence each; none of a search that has not recorded it."""
        file = None if self.directory is None else self.directory / DATA_FILE
        return [] if file is None or not file.is_file() else file.read_text(encoding="utf-8").splitlines()

    # The settings -----------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The search's name."""
        return str(self.config.get("name") or (self.directory.name if self.directory else "search"))

    @property
    def n_trials(self) -> int:
        """The budget of the search, in trials; of folds, as many as there may be at most."""
        trials, fits = self._setting("n_trials", len(self.history.asks)), self._setting("n_fits", None)
        given = [limit for limit in (trials, fits) if limit is not None]
        if not self.resampling.has_folds:
            return int(min(given))
        return int(fits or max(given) * self.resampling.n_folds)

    @property
    def n_configurations(self) -> int | None:
        """The budget of the search, in configurations, where folds make more trials of each; None without such a budget."""
        return self._setting("n_trials", None) if self.resampling.has_folds else None

    @property
    def plan(self) -> Plan:
        """What a search without epochs as budget has planned."""
        return Plan(self.n_trials, self.objective, n_seeds=self.n_seeds, resampling=self.resampling,
                    n_configurations=self.n_configurations)  # fmt: skip

    @property
    def n_seeds(self) -> int:
        """Seeds per promising configuration, at least 1."""
        return int(self._setting("n_seeds", 1))

    @property
    def resampling(self) -> Resampling:
        """Which rows a configuration is judged by."""
        settings = {name: self._setting(name, otherwise) for name, otherwise in (("resampling", "holdout"), ("n_folds", 4))}
        return Resampling.recorded(settings)

    @property
    def repetitions(self) -> int:
        """Seeds or folds of a promising configuration, at least 1."""
        return self.resampling.n_folds if self.resampling.has_folds else self.n_seeds

    @property
    def repetition(self) -> str:
        """What a configuration is repeated on: ``"fold"`` or ``"seed"``."""
        return "fold" if self.resampling.has_folds else "seed"

    def _setting(self, name: str, otherwise: Any) -> Any:
        """A setting from the journal, or, before the journal has any, from the configuration."""
        return self.history.settings.get(name, otherwise if self.history.settings else self.config.get(name, otherwise))

    @cached_property
    def parameters(self) -> list[Parameter]:
        """The searched hyperparameters, without constants."""
        tried = [spec.configuration for spec in self.history.asks]
        return [each for each in parameters(self.history.settings.get("space", {}), tried) if not each.is_constant]

    @cached_property
    def names(self) -> dict[str, str]:
        """Hyperparameter -> its shortest unique name."""
        return short_names(name for spec in self.history.asks for name in spec.configuration)

    @cached_property
    def arms(self) -> list[Parameter]:
        """The choices on which other hyperparameters depend, such as that of the loss."""
        conditions = [each.condition for each in self.parameters if each.condition]
        choices = [each for each in self.parameters if not each.is_range]
        return [each for each in choices if any(condition.startswith(f"{each.name} ==") for condition in conditions)]

    # The trials -------------------------------------------------------------------------------------------------------

    @cached_property
    def results(self) -> dict[int, TrialResult]:
        """Trial number -> result, of the trials that are over or paused, in order."""
        return dict(sorted(self.history.final().items()))

    @cached_property
    def specs(self) -> dict[int, TrialSpec]:
        """Trial number -> what was asked."""
        return {spec.number: spec for spec in self.history.asks}

    @cached_property
    def running(self) -> list[TrialSpec]:
        """The trials that were started and are not over, in order; a killed search leaves some too."""
        return [spec for spec in self.history.pending() if spec.number in self.history.started]

    @cached_property
    def scored(self) -> list[TrialResult]:
        """The results that have a score, partial ones too, in order."""
        return [result for result in self.results.values() if result.is_scored]

    @cached_property
    def whole(self) -> list[TrialResult]:
        """The results of trials that were trained to their end, in order."""
        return [result for result in self.scored if result.status is Status.SUCCESS]

    @cached_property
    def failed(self) -> list[TrialResult]:
        """The results without a score, in order."""
        return [result for result in self.results.values() if not result.is_scored]

    @cached_property
    def log(self) -> list[dict[str, Any]]:
        """One dictionary per finished trial, in order: what ``state.pkl`` holds."""
        return log(self.history)

    def configuration_of(self, number: int) -> dict[str, Any]:
        """The plain values of a trial's configuration.

        Args:
            number: a trial of this search, from 1.
        """
        return dict(self.specs[number].configuration)

    # The best ---------------------------------------------------------------------------------------------------------

    @cached_property
    def best(self) -> TrialResult | None:
        """The incumbent's result; None before the first score."""
        return incumbent(self.history, self.objective, self.repetitions)

    @property
    def best_score(self) -> float:
        """The incumbent's validation score, ``-inf`` before the first; with several seeds or folds, the mean over them."""
        if self.best is None or self.best.score is None:
            return float("-inf")
        return self.best.score if self.repetitions == 1 else mean_and_spread(self.history, self.objective, self.best.number)[0]

    @cached_property
    def default(self) -> TrialResult | None:
        """The result of the space's default configuration: of its runs the one on the best trial's seed, or the first."""
        first = next((spec for spec in self.history.asks if spec.origin == "default"), None)
        if first is None:
            return None
        runs = [spec for spec in self.history.asks if spec.configuration == first.configuration and spec.number in self.results]
        seed = None if self.best is None else self.specs[self.best.number].seed
        comparable = next((spec for spec in runs if self.n_seeds > 1 and spec.seed == seed), first)
        return self.results.get(comparable.number)

    def role(self, number: int) -> str:
        """``"best"``, ``"default"``, or an empty text for every other trial."""
        if self.best is not None and self.best.number == number:
            return "best"
        return "default" if self.default is not None and self.default.number == number else ""

    @cached_property
    def ensemble(self) -> EnsembleTable | None:
        """The models that the search delivers together, as they lie on the disk; None where there are none.

        Raises:
            CheckpointError: if ``ensemble.json`` is damaged.
        """
        return None if self.directory is None else read_table(self.directory)

    # Their scores on disk ---------------------------------------------------------------------------------------------

    def scores_of(self, result: TrialResult | None) -> TrialScores:
        """Scores and labels of a trial's best epoch; empty where none were kept."""
        if result is None or self.directory is None:
            return TrialScores()
        kept = read_scores(TrialFiles.of(self.directory, result.number).scores)
        is_same = kept.epoch in (0, result.best_epoch)
        return kept if is_same else TrialScores(notes=dict.fromkeys(kept.splits, "they belong to another epoch"))

    def scores_of_member(self, member: Member) -> TrialScores:
        """Scores and labels of a member of the ensemble, which are kept beside its checkpoint in ``ensemble/`` too."""
        if self.directory is None:
            return TrialScores()
        kept = self.directory / FOLDER / member.scores
        return read_scores(kept if kept.exists() else TrialFiles.of(self.directory, member.trial).scores)

    def why_no_scores(self, result: TrialResult | None, split: str) -> str:
        """What is there instead of a trial's scores on a split, as part of a sentence."""
        note = self.scores_of(result).notes.get(split)
        return f"none that were kept: {note}" if note else "none on disk"
