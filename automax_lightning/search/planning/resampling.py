"""Which rows a trial trains on and which it is judged by: the data's own division, another draw, or folds."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Mapping
from typing import Any

from automax_lightning.trial.records import Split
from automax_lightning.utils.row_counts import RowCounts

FEW = 40
"""Rows of the rarer class in a validation split up to which folds win on new data: on 25 tables with 20 trials, test AUROC
+.011 for up to 12 of them, +.011 for 13 to 40, +.005 above, and +.001 +- .004 on ten larger tables."""


@dataclasses.dataclass(frozen=True)
class Resampling:
    """How validation rows are chosen, as a function of the search's seed and the trial alone.

    Args:
        kind: ``"holdout"``, the datamodule's own validation split in every trial; ``"reshuffled"``, a draw of its size in each
            trial anew; ``"cv"``, each configuration on one fold after the other.
        n_folds: folds of ``"cv"``, at least 2.
        seed: of the search, 0 .. 2**32 - 1.

    Example:
        >>> Resampling("cv", 4, seed=7).split(number=9, repetition=2)
        Split(seed=7, fold=2, n_folds=4)
    """

    kind: str = "holdout"
    n_folds: int = 4
    seed: int = 0

    @property
    def has_folds(self) -> bool:
        """Whether a configuration is judged by several folds."""
        return self.kind == "cv"

    def split(self, number: int, repetition: int) -> Split | None:
        """The split of a trial; None for the datamodule's own.

        Args:
            number: of the trial, from 1.
            repetition: how many folds of its configuration come before it.
        """
        if self.kind == "holdout":
            return None
        if self.kind == "cv":
            return Split(self.seed, repetition % self.n_folds, self.n_folds)
        return Split(zlib.crc32(f"{self.seed} {number}".encode()))

    @property
    def settings(self) -> dict[str, Any]:
        """What the journal compares; nothing for ``"holdout"``."""
        if self.kind == "holdout":
            return {}
        return {"resampling": self.kind, **({"n_folds": self.n_folds} if self.has_folds else {})}

    @classmethod
    def recorded(cls, settings: Mapping[str, Any], seed: int = 0) -> Resampling:
        """The resampling of a search, from the settings in its journal.

        Args:
            settings: of the journal; before there is one, of the configuration, where ``"auto"`` is not decided yet.
            seed: of the search.
        """
        kind = settings.get("resampling", "holdout")
        return cls("holdout" if kind == "auto" else kind, settings.get("n_folds", 4), seed)

    @classmethod
    def suited(cls, counts: RowCounts | None, n_folds: int = 4, seed: int = 0) -> Resampling:
        """Folds where the validation split alone says little of new data, and there are rows enough for each fold.

        Args:
            counts: of the data; None where their rows cannot be divided anew.
            n_folds: at least 2.
            seed: of the search.

        Example:
            >>> Resampling.suited(RowCounts(validation=12, both=48)).kind, Resampling.suited(RowCounts(90, 360)).kind
            ('cv', 'holdout')
        """
        is_cv = counts is not None and counts.validation <= FEW and counts.both >= n_folds
        return cls("cv" if is_cv else "holdout", n_folds, seed)
