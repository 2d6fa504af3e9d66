"""What a search has brought, in honest sentences: best against default, on validation and, with an interval, on test."""

from __future__ import annotations

import dataclasses

import numpy as np

from automax_lightning.report.ensemble import ensemble_scores, is_partial, metric_of
from automax_lightning.report.intervals import FEWEST, Interval, difference, is_alike, is_comparable, of_rarest, rarest
from automax_lightning.search.planning.racing import mean_and_spread
from automax_lightning.search.record import SearchRecord
from automax_lightning.trial.records import Status, TrialResult
from automax_lightning.trial.score_file import SplitScores
from automax_lightning.utils.formatting import show_score
from automax_lightning.utils.splits import column_of_test, score_on_test

FEW_POSITIVES = 50


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The result of a search in words.

    Args:
        headline: one sentence.
        sentences: what stands beside it, in order.
        warnings: what a reader should not overlook.
    """

    headline: str
    sentences: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def verdict(record: SearchRecord) -> Verdict:
    """Best against default, and how far to believe it.

    Args:
        record: the search.

    Returns:
        Plain text; whoever shows it escapes it.
    """
    best = record.best
    if best is None:
        failed = len(record.results) - len(record.scored)
        return Verdict("No trial has a score." if failed else "No trial is over yet.")
    sentences = [_on_test(record, best), *_of_the_ensemble(record)]
    headline = _headline(record, best) if record.repetitions == 1 else _headline_of_means(record, best)
    return Verdict(headline, tuple(sentences), tuple(_warnings(record, best)))


def _headline(record: SearchRecord, best: TrialResult) -> str:
    target, default = record.objective.target, record.default
    count = len(record.scored)
    lower = " (lower is better)" if record.objective.mode == "min" else ""
    of = f"the best of {count} trials with a score" if count > 1 else "the only trial with a score"
    if default is not None and default.number == best.number:
        return f"The default configuration (trial {best.number}) is {of}: validation {target} {show_score(best.score)}{lower}."
    against = ""
    if default is not None and default.is_scored:
        against = f" against {show_score(default.score)} of the default"
    return f"Trial {best.number} is {of}: validation {target} {show_score(best.score)}{against}{lower}."


def _headline_of_means(record: SearchRecord, best: TrialResult) -> str:
    """With several seeds or folds the best configuration is the one with the best mean, and trials are its runs."""
    default, target = record.default, record.objective.target
    mean = _mean(record, best)
    is_default = default is not None and record.specs[default.number].configuration == record.specs[best.number].configuration
    if is_default:
        return (
            f"The default configuration has the best mean: validation {target} {mean}. Its {_run(record)} is trial {best.number}."
        )
    against = f" against {_mean(record, default)} of the default" if default is not None and default.is_scored else ""
    return f"The configuration of trial {best.number} has the best mean: validation {target} {mean}{against}."


def _mean(record: SearchRecord, result: TrialResult) -> str:
    mean, spread, seeds = mean_and_spread(record.history, record.objective, result.number)
    one = record.repetition
    return f"{show_score(mean)} (one {one})" if spread is None else f"{show_score(mean)} ± {show_score(spread)} ({seeds} {one}s)"


def _run(record: SearchRecord) -> str:
    return "first fold" if record.resampling.has_folds else "best run"


def _on_test(record: SearchRecord, best: TrialResult) -> str:
    target, default = record.objective.target, record.default
    own = score_on_test(best.test, target)
    who = "it has" if record.repetitions == 1 else f"trial {best.number} has"
    same = "" if record.repetitions == 1 else _runs(record, best)
    if own is None and best.test:
        shown = ", ".join(f"{column_of_test(name)} {show_score(value)}" for name, value in best.test.items())
        return f"On the test split {who} {shown}; none of these names answers the target {target}."
    if own is None:
        return "There is no test score, so nothing tells how much of the validation score is luck."
    other = None if default is None or default.number == best.number else score_on_test(default.test, target)
    if other is None:
        return f"On the test split {who} {target} {show_score(own)}."
    both = f"{show_score(own)} against {show_score(other)}"
    return f"On the test split {who} {target} {both}{same}, a difference of {own - other:+.4f}{_interval(record)}"


def _runs(record: SearchRecord, best: TrialResult) -> str:
    """Which run of the default a run is compared with."""
    if record.default is None:
        return ""
    one, other = record.specs[best.number], record.specs[record.default.number]
    is_same = one.split == other.split if record.resampling.has_folds else one.seed == other.seed
    return f" of the default's run on {'the same' if is_same else 'another'} {record.repetition} (trial {record.default.number})"


def _interval(record: SearchRecord) -> str:
    pair = _pair_on_test(record)
    if pair is None:
        return "; without the scores of both on disk there is no interval for it."
    if rarest(pair[0].labels) < FEWEST:
        return f"; with {of_rarest(pair[0].labels)} nothing can be said about it."
    metric, gap = gap_on_test(record)
    assert gap is not None  # the pair can be compared, and no class is too rare
    what = "" if metric == record.objective.target and not is_partial(record) else f"of the whole {metric} {gap.value:+.4f}, "
    text = f" ({what}95 % interval {gap.low:+.4f} to {gap.high:+.4f})."
    if is_alike(*pair):
        return f"{text} Both rank this test split alike."
    if gap.low <= 0 <= gap.high:
        return f"{text} The interval holds zero: this test split cannot tell the two apart."
    return f"{text} The interval does not hold zero: the two differ on this test split."


def _of_the_ensemble(record: SearchRecord) -> list[str]:
    """What the ensemble is worth, where there is one."""
    scores = ensemble_scores(record)
    if scores is None:
        return []
    val = "" if scores.val is None else f" of validation {scores.metric} {show_score(scores.val)}, which is optimistic"
    who = f"The ensemble of {len(scores.members)} trials{val}"
    why = ", because its members were chosen there," if val else ""
    if scores.test is None:
        return [f"{who}{why} has no test score."]
    gap = scores.gap
    interval = f" (95 % interval {gap.low:+.4f} to {gap.high:+.4f})" if gap else ""
    against = f", {gap.value:+.4f} against the best trial{interval}" if gap else ""
    return [f"{who}{why} has test {scores.metric} {show_score(scores.test)}{against}. It is what `predict` uses."]


def gap_on_test(record: SearchRecord) -> tuple[str, Interval | None]:
    """The metric, and the paired difference of best and default on the test split.

    Args:
        record: the search.

    Returns:
        No difference without the scores of both on disk, and with fewer than `FEWEST` samples of a class.
    """
    metric, pair = metric_of(record), _pair_on_test(record)
    return metric, None if pair is None else difference(*pair, metric)


def _pair_on_test(record: SearchRecord) -> tuple[SplitScores, SplitScores] | None:
    """The test scores of best and default, if they can be compared."""
    if record.best is None or record.default is None or record.best.number == record.default.number:
        return None
    one, other = (record.scores_of(result).splits.get("test") for result in (record.best, record.default))
    return None if one is None or other is None or not is_comparable(one, other) else (one, other)


def _warnings(record: SearchRecord, best: TrialResult) -> list[str]:
    warnings = []
    if len(record.scored) > 1:
        warnings.append(f"The validation score was selected among {len(record.scored)}, so it flatters: read the test column.")
    if best.status is not Status.SUCCESS:
        warnings.append(f"The best score is partial: its trial was {best.status.name.lower()} after epoch {best.epochs}.")
    return [*warnings, *small_splits(record)]


def small_splits(record: SearchRecord) -> list[str]:
    """A sentence for each split on which the best trial was scored with few samples of a class.

    Args:
        record: the search; labels are read from the best trial's directory.
    """
    held = record.scores_of(record.best).splits
    small = [_smallness(name, held[split].labels) for split, name in (("val", "validation"), ("test", "test")) if split in held]
    return [sentence for sentence in small if sentence]


def _smallness(split: str, labels: np.ndarray) -> str:
    """What is to be said of a split with few samples of a class; empty where there are enough."""
    if 0 < rarest(labels) < FEWEST:
        return f"The {split} split has only {of_rarest(labels)}: with fewer than {FEWEST} nothing can be said."
    positives = int(np.sum(labels == 1))
    if labels.ndim == 1 and positives < FEW_POSITIVES:
        return f"The {split} split has only {positives} positive samples: small differences mean nothing."
    return ""
