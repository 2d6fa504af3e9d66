"""What the ensemble of a search scores, from what its members have kept: nothing is trained or predicted again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from automax_lightning.errors import CheckpointError
from automax_lightning.report.intervals import Interval, difference, interval
from automax_lightning.search.planning.racing import mean_and_spread
from automax_lightning.search.ranking import Average, averaging, on_one_scale, ranking_score, weighted_mean
from automax_lightning.search.record import SearchRecord
from automax_lightning.trial.records import Objective, TrialResult
from automax_lightning.trial.score_file import SplitScores, TrialScores
from automax_lightning.utils.splits import score_on_test

if TYPE_CHECKING:
    from automax_lightning.search.storage.history import History

_RANKING = ("AUROC", "AUPRC")


@dataclasses.dataclass(frozen=True, eq=False)
class EnsembleScores:
    """The ensemble beside its best member.

    Args:
        members: numbers of the trials, the best first.
        metric: ``"AUROC"`` or ``"AUPRC"``: the target, where it is one of them.
        val: on the validation rows, on which the members were chosen, so it is optimistic; None where they have other rows.
        test: on the test rows, or None.
        gap: test score of the ensemble minus that of the best trial, with its interval; None without both.
        out_of_bag: on all rows for training and validation, each scored by the one member that did not train on it; with an
            interval from five samples of each class on. None unless the members are all folds of one configuration.
    """

    members: tuple[int, ...]
    metric: str
    val: float | None = None
    test: float | None = None
    gap: Interval | None = None
    out_of_bag: OutOfBag | None = None


@dataclasses.dataclass(frozen=True)
class OutOfBag:
    """An ensemble's score on rows that the scoring member has not trained on.

    Args:
        value: of all rows for training and validation together.
        interval: 95 %; None with fewer than five samples of a class.
    """

    value: float
    interval: Interval | None


def ensemble_scores(record: SearchRecord) -> EnsembleScores | None:
    """The scores of the ensemble that lies on the disk.

    Args:
        record: the search.

    Returns:
        None where there is no ensemble, or its members have kept no labels to score it with.
    """
    try:
        table = record.ensemble
    except CheckpointError:  # the next start of the search makes it anew
        return None
    if table is None:
        return None
    held = [record.scores_of_member(member) for member in table.members]
    average = averaging([each.splits.get("val") for each in held])
    if average == "output":
        return None
    metric, weights = metric_of(record), [member.weight for member in table.members]
    val, test = (_averaged(held, weights, average, split) for split in ("val", "test"))
    best = record.scores_of(record.best).splits.get("test")
    gap = None if test is None or best is None else difference(test, best, metric)
    members = tuple(each.trial for each in table.members)
    bag = _out_of_bag(record, members, [each.splits.get("val") for each in held], average, metric)
    return EnsembleScores(members, metric, _score(metric, val), _score(metric, test), gap, bag)


def _out_of_bag(
    record: SearchRecord, members: Sequence[int], held: Sequence[SplitScores | None], average: Average, metric: str
) -> OutOfBag | None:
    """The members' validation rows put together, each member's scores as the ensemble takes them."""
    folds = [record.specs[number].split for number in members]
    validated = [each for each in held if each is not None]
    if not record.resampling.has_folds or len(validated) < len(held):
        return None
    if sorted(split.fold for split in folds if split and split.fold is not None) != list(range(record.resampling.n_folds)):
        return None
    scaled = np.concatenate([on_one_scale(average, each.scores, each.scores) for each in validated])
    pooled = SplitScores(scaled, np.concatenate([each.labels for each in validated]))
    value = _score(metric, pooled)
    return None if value is None else OutOfBag(value, interval(pooled, metric) if pooled.labels.ndim == 1 else None)


def _averaged(held: Sequence[TrialScores], weights: Sequence[int], average: Average, split: str) -> SplitScores | None:
    """The mean of the members on a split; None unless all have scored the same rows of it."""
    kept = [each.splits[split] for each in held if split in each.splits]
    if len(kept) < len(held) or any(not np.array_equal(each.labels, kept[0].labels) for each in kept):
        return None
    scaled = [on_one_scale(average, each.splits["val"].scores, own.scores) for each, own in zip(held, kept, strict=True)]
    return SplitScores(weighted_mean(scaled, weights), kept[0].labels)


def _score(metric: str, held: SplitScores | None) -> float | None:
    return None if held is None or not held.is_usable else ranking_score(metric, held.scores, held.labels)


def metric_of(record: SearchRecord) -> str:
    """The metric that is computed from scores on disk: the target, or the AUROC where the target is none of those."""
    target = record.objective.target
    return target if target in _RANKING and not is_partial(record) else "AUROC"


def is_partial(record: SearchRecord) -> bool:
    """Whether the logged AUROC is a partial one, which a range among the metric's arguments makes of it."""
    return _has_range(record.history.settings.get("fit", {}))


def _has_range(described: Any) -> bool:
    if isinstance(described, Mapping):
        return bool(described.get("metric_kwargs")) or any(map(_has_range, described.values()))
    return isinstance(described, (list, tuple)) and any(map(_has_range, described))


def comparison(record: SearchRecord) -> str:
    """Default, best trial and ensemble side by side, as text; empty where there is no ensemble.

    Args:
        record: the search.
    """
    scores = ensemble_scores(record)
    if scores is None or record.best is None:
        return ""
    target = record.objective.target
    lines = [f"{'':<10}{'validation ' + target:<20}test {target}"]
    roles = (("default", record.default), ("best", record.best))
    lines += [row(name, result, record.objective, record.history) for name, result in roles if result is not None]
    return "\n".join([*lines, *ensemble_lines(scores, target)])


def row(name: str, result: TrialResult, objective: Objective, history: History) -> str:
    """One trial's line of the comparison; with folds, the validation score is the mean over them.

    Args:
        name: what it is.
        result: of the trial.
        objective: names the score.
        history: everything recorded.
    """
    val, split = result.status.value, history.spec(result.number).split
    if result.score is not None and result.is_scored:
        has_folds = split is not None and split.fold is not None
        score = mean_and_spread(history, objective, result.number)[0] if has_folds else result.score
        val = f"{score:.6f}"
    test = score_on_test(result.test, objective.target)
    return f"{name:<10}{val:<20}{'-' if test is None else format(test, '.6f')}"


def ensemble_lines(scores: EnsembleScores, target: str) -> list[str]:
    """The ensemble's line of the comparison, and what to think of it.

    Args:
        scores: of the ensemble.
        target: the metric of the search; another one is named beside the number.
    """
    named = "" if scores.metric == target else f"{scores.metric} "
    shown = scores.val if scores.out_of_bag is None else scores.out_of_bag.value
    val, test = ("-" if value is None else f"{named}{value:.6f}" for value in (shown, scores.test))
    numbers = ", ".join(map(str, scores.members))
    why = "each with validation rows of its own: only the test score is theirs together."
    if scores.out_of_bag is not None:
        limits = _range(scores.out_of_bag.interval)
        why = f"folds of one configuration. Its score is out of bag{limits}: each row is scored by the fold that did not see it."
    if scores.val is not None:
        why = "which were chosen on the validation rows: its score there is optimistic."
    said = f"The ensemble averages trials {numbers}, {why}"
    return [f"{'ensemble':<10}{val:<20}{test}", said]


def _range(limits: Interval | None) -> str:
    return "" if limits is None else f" (95 % interval {limits.low:.4f} to {limits.high:.4f})"
