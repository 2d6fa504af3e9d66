"""Which trials a search delivers together: a function of its record, with one rule for each way of resampling."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from automax_lightning.errors import CheckpointError
from automax_lightning.search.planning.racing import one_per_fold
from automax_lightning.search.planning.results import cost_of
from automax_lightning.search.ranking import quantiles as quantiles_of
from automax_lightning.search.ranking import ranking_score, weighted_mean
from automax_lightning.search.record import SearchRecord
from automax_lightning.search.storage.ensemble_folder import FOLDER, EnsembleTable, Member
from automax_lightning.search.storage.history import configuration_key
from automax_lightning.trial.checkpoint import TrialFiles, is_of_fit
from automax_lightning.trial.records import TrialResult
from automax_lightning.trial.score_file import SplitScores

CANDIDATES = 25
"""Greedy selection looks at so many of the best trials at most: its time grows with them."""


@dataclasses.dataclass(frozen=True)
class EnsembleRule:
    """How the members of an ensemble are chosen.

    Args:
        size: members at most; with 0 or 1 there is no ensemble.
        selection: ``"half"``, the better half of the trials; ``"greedy"``, those that help the mean most on validation
            rows, one after the other and perhaps repeatedly (Caruana).
    """

    size: int = 10
    selection: str = "half"

    @property
    def is_wanted(self) -> bool:
        """Whether there is to be an ensemble at all."""
        return self.size > 1


def ensemble_of(record: SearchRecord, rule: EnsembleRule) -> EnsembleTable:
    """The ensemble of a search as it stands, see `chosen_trials` and `table_of`.

    Args:
        record: the search.
        rule: how members are chosen. What greedy selection has chosen at the end of the search is read from the disk.
    """
    kept = record.ensemble if rule.is_wanted and rule.selection == "greedy" else None
    if kept is not None and kept.rule == "greedy" and kept.search == record.history.search:
        return kept
    return table_of(record, rule, chosen_trials(record, rule))


def is_delivered(record: SearchRecord, rule: EnsembleRule) -> bool:
    """Whether the folder of a search that is over holds what the rule asks for; what greedy selection has chosen is believed.

    Args:
        record: the search.
        rule: how members are chosen.
    """
    try:
        kept = record.ensemble
    except CheckpointError:  # it is damaged
        return False
    if rule.selection == "greedy" and rule.is_wanted:
        return kept is None or kept.rule in ("greedy", "folds")
    return (() if kept is None else kept.members) == ensemble_of(record, rule).members


def chosen_trials(record: SearchRecord, rule: EnsembleRule) -> dict[int, int]:
    """Trial number -> weight, the best first, of the trials that the rule chooses; whether their files are there is not asked.

    With one split (``"holdout"``) or a split per trial (``"reshuffled"``) the better half of the whole trials, at most
    `rule.size`; with folds (``"cv"``) all trials of the best configuration.

    Args:
        record: the search.
        rule: how members are chosen.
    """
    if not rule.is_wanted:
        return {}
    ranked = ranked_trials(record)
    if record.resampling.has_folds:
        return dict.fromkeys(_folds_of_the_best(record, ranked), 1)
    half = dict.fromkeys((result.number for result in ranked[: min(rule.size, math.ceil(len(ranked) / 2))]), 1)
    if rule.selection == "greedy" and record.resampling.kind == "holdout":  # other splits have other rows
        return greedy(record, [result.number for result in ranked[:CANDIDATES]], rule.size) or half
    return half


def table_of(record: SearchRecord, rule: EnsembleRule, chosen: Mapping[int, int]) -> EnsembleTable:
    """The chosen trials without those whose files are gone, each of which is named with the reason.

    Args:
        record: the search.
        rule: how they were chosen.
        chosen: trial number -> weight.

    Returns:
        A table without members where fewer than two are left.
    """
    left_out = {number: reason for number in chosen if (reason := _why_not(record, number))}
    with_scores = {number for number in chosen if number not in left_out and _has_scores(record, number)}
    if with_scores:  # they are averaged by rank, in which the others cannot take part
        left_out |= {n: "its validation scores were not kept" for n in chosen if n not in {*with_scores, *left_out}}
    members = [_member(record, number, weight) for number, weight in chosen.items() if number not in left_out]
    return EnsembleTable(
        tuple(members) if len(members) > 1 else (), "folds" if record.resampling.has_folds else rule.selection,
        dict(sorted(left_out.items())), record.history.search, record.objective.target, record.objective.mode,
    )  # fmt: skip


def ranked_trials(record: SearchRecord) -> list[TrialResult]:
    """The trials that were trained to their end and keep a checkpoint, the best first; of equal ones the first."""
    costs = {each.number: cost_of(each, record.objective) for each in record.whole if each.checkpoint is not None}
    ranked = sorted((cost, number) for number, cost in costs.items() if cost is not None)
    return [record.results[number] for _, number in ranked]


def _folds_of_the_best(record: SearchRecord, ranked: Sequence[TrialResult]) -> list[int]:
    if record.best is None:
        return []
    group = record.history.groups[configuration_key(record.configuration_of(record.best.number))]
    folds = one_per_fold(group, record.history)
    return [result.number for result in ranked if result.number in folds]


def _why_not(record: SearchRecord, number: int) -> str:
    """Why a chosen trial cannot be a member; an empty text if it can."""
    if record.directory is None:
        return "the search has no files"
    files = TrialFiles.of(record.directory, number)
    path = next((path for path in (files.best, record.directory / FOLDER / f"{number:04d}.ckpt") if path.exists()), None)
    if path is None:
        return "its checkpoint is gone"
    if not _has_scores(record, number) and not is_of_fit(path):
        return "its checkpoint was not written by a Fit"
    return ""


def _has_scores(record: SearchRecord, number: int) -> bool:
    assert record.directory is not None  # whoever asks has looked for the checkpoint there
    member = Member(number, {})
    return TrialFiles.of(record.directory, number).scores.exists() or (record.directory / FOLDER / member.scores).exists()


def _member(record: SearchRecord, number: int, weight: int) -> Member:
    return Member(number, record.configuration_of(number), record.specs[number].seed, record.results[number].score, weight)


def greedy(record: SearchRecord, candidates: Sequence[int], size: int) -> dict[int, int]:
    """Members that help the mean on the validation rows most: `size` draws with replacement, of which the best prefix counts.

    Args:
        record: the search; its target decides where it is AUROC or AUPRC, otherwise AUROC does.
        candidates: trial numbers, the best first.
        size: draws at most.

    Returns:
        Trial number -> how often it was drawn, the most frequent first. Without comparable validation scores, nothing.

    References:
        Caruana et al., Ensemble Selection from Libraries of Models, ICML 2004.
    """
    metric = record.objective.target if record.objective.target in ("AUROC", "AUPRC") else "AUROC"
    library = _comparable({number: record.scores_of(record.results[number]).splits.get("val") for number in candidates})
    scaled = {number: quantiles_of(held.scores, held.scores) for number, held in library.items()}
    labels = next(iter(library.values())).labels if library else np.zeros(0)
    drawn: list[int] = []
    values: list[float] = []
    for _ in range(size if library else 0):
        gains = {n: _score_of([*drawn, n], scaled, labels, metric) for n in scaled}
        best = max(gains, key=lambda number: gains[number])  # of equal ones the first, which is the better trial
        drawn, values = [*drawn, best], [*values, gains[best]]
    return dict(Counter(drawn[: int(np.argmax(values)) + 1] if values else []).most_common())


def _score_of(numbers: Sequence[int], scaled: dict[int, np.ndarray], labels: np.ndarray, metric: str) -> float:
    counts = Counter(numbers)
    mean = weighted_mean([scaled[number] for number in counts], list(counts.values()))
    return ranking_score(metric, mean, labels) or 0.0


def _comparable(held: dict[int, SplitScores | None]) -> dict[int, SplitScores]:
    """Those that were scored on the rows of the first, with finite scores."""
    usable = {number: each for number, each in held.items() if each is not None and each.is_usable}
    first = next(iter(usable.values()), None)
    return {n: each for n, each in usable.items() if first is not None and np.array_equal(each.labels, first.labels)}
