"""`Reading`: everything that a search's directory tells, as one frozen value that figures and pages are made from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from automax_lightning.report.bootstrap import Bands, bands
from automax_lightning.search.planning.racing import incumbent
from automax_lightning.search.storage.history import History
from automax_lightning.search.storage.journal import read_search
from automax_lightning.space.description import Parameter, parameters
from automax_lightning.trial.checkpoint import TrialFiles
from automax_lightning.trial.records import Objective, Status, TrialResult, TrialSpec
from automax_lightning.trial.score_file import TrialScores, read_scores
from automax_lightning.utils.formatting import short_names


@dataclasses.dataclass(frozen=True)
class Reading:
    """A search as it was recorded; nothing of it needs torch, the factory or the data.

    Args:
        history: what the journal tells.
        objective: names the score, and says which way it is better.
        directory: the search's, where trials keep their scores; None for a history without files.
        config: the settings of the search, as its ``config.yaml`` has them.
    """

    history: History
    objective: Objective
    directory: Path | None = None
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, directory: Path) -> Reading:
        """Read a search's directory; it may be running.

        Args:
            directory: where ``journal.jsonl`` lies.

        Raises:
            JournalError: if there is no journal, or it holds no settings yet.
        """
        history = read_search(directory)
        file = directory / "config.yaml"
        config: dict[str, Any] = (yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else None) or {}
        settings = config.get("automax", config)  # the whole file of a search that was started from one
        return cls(history, Objective(history.settings["target"], history.settings["mode"]), directory, settings)

    @property
    def name(self) -> str:
        """The search's name."""
        return str(self.config.get("name") or (self.directory.name if self.directory else "search"))

    @property
    def n_trials(self) -> int:
        """Trials that were wanted in all."""
        return int(self.history.settings.get("n_trials", len(self.history.asks)))

    @property
    def n_seeds(self) -> int:
        """Seeds of a promising configuration."""
        return int(self.history.settings.get("n_seeds", 1))

    @cached_property
    def results(self) -> dict[int, TrialResult]:
        """Trial number -> result, of the trials that are over or paused, in order."""
        return dict(sorted(self.history.final().items()))

    @cached_property
    def specs(self) -> dict[int, TrialSpec]:
        """Trial number -> what was asked."""
        return {spec.number: spec for spec in self.history.asks}

    @cached_property
    def scored(self) -> list[TrialResult]:
        """The results that have a score, partial ones too, in order."""
        return [result for result in self.results.values() if result.status.has_score and result.score is not None]

    @cached_property
    def whole(self) -> list[TrialResult]:
        """The results of trials that were trained to their end, in order."""
        return [result for result in self.scored if result.status is Status.SUCCESS]

    @cached_property
    def best(self) -> TrialResult | None:
        """The incumbent's result."""
        return incumbent(self.history, self.objective, self.n_seeds)

    @cached_property
    def default(self) -> TrialResult | None:
        """The result of the space's default configuration: of its runs the one on the best trial's seed, or the first."""
        first = next((spec for spec in self.history.asks if spec.origin == "default"), None)
        if first is None:
            return None
        runs = [spec for spec in self.history.asks if spec.configuration == first.configuration and spec.number in self.results]
        seed = None if self.best is None else self.specs[self.best.number].seed
        chosen = next((spec for spec in runs if self.n_seeds > 1 and spec.seed == seed), first)
        return self.results.get(chosen.number)

    @cached_property
    def parameters(self) -> list[Parameter]:
        """The searched hyperparameters, without constants."""
        seen = [spec.configuration for spec in self.history.asks]
        return [each for each in parameters(self.history.settings.get("space", {}), seen) if not each.is_constant]

    @cached_property
    def names(self) -> dict[str, str]:
        """Hyperparameter -> its shortest unique name."""
        return short_names(name for spec in self.history.asks for name in spec.configuration)

    @cached_property
    def arms(self) -> list[Parameter]:
        """The choices on which other hyperparameters depend, such as that of the loss."""
        conditions = [each.condition for each in self.parameters if each.condition]
        chosen = [each for each in self.parameters if not each.is_range]
        return [each for each in chosen if any(condition.startswith(f"{each.name} ==") for condition in conditions)]

    def role(self, number: int) -> str:
        """``"best"``, ``"default"`` or nothing special."""
        if self.best is not None and self.best.number == number:
            return "best"
        return "default" if self.default is not None and self.default.number == number else ""

    def scores_of(self, result: TrialResult | None) -> TrialScores:
        """Scores and labels of a trial's best epoch; empty where none were kept."""
        if result is None or self.directory is None:
            return TrialScores()
        kept = read_scores(TrialFiles.of(self.directory, result.number).scores)
        is_same = kept.epoch in (0, result.best_epoch)
        return kept if is_same else TrialScores(notes=dict.fromkeys(kept.splits, "they belong to another epoch"))

    @cached_property
    def bands(self) -> dict[str, Bands]:
        """Split -> bootstrap bands of the best trial's curves, where it has one label and both classes."""
        splits = self.scores_of(self.best).splits
        return {name: bands(held) for name, held in splits.items() if held.scores.ndim == 1 and held.is_usable}

    def why_no_scores(self, result: TrialResult | None, split: str) -> str:
        """What is there instead of a trial's scores on a split, as part of a sentence."""
        note = self.scores_of(result).notes.get(split)
        return f"none that were kept: {note}" if note else "none on disk"
