"""Which hyperparameters mattered, by Optuna's evaluators; in a conditional space, among the trials that had them."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping

from optuna.exceptions import ExperimentalWarning
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator, get_param_importances

from automax_lightning.errors import ReportError
from automax_lightning.report.optuna_study import to_study
from automax_lightning.search.record import SearchRecord
from automax_lightning.trial.records import TrialResult
from automax_lightning.utils.formatting import show

_FEWEST, _MOST_FOR_FANOVA = 4, 500


@dataclasses.dataclass(frozen=True)
class Importance:
    """The importance of hyperparameters among some trials.

    Args:
        group: what these trials have in common, e.g. ``"loss = APLoss"``; empty for all trials.
        n_trials: whole trials that were compared.
        shares: hyperparameter -> its part of the whole importance, largest first; they sum to 1.
        method: ``"fANOVA"``: parts of the score's variance; ``"PED-ANOVA"``: of what tells the best tenth from the rest.
    """

    group: str
    n_trials: int
    shares: Mapping[str, float]
    method: str


def importances(record: SearchRecord) -> list[Importance]:
    """How much each hyperparameter has moved the score.

    Only whole trials count: the score of a trial that was cut says as much about its length. Hyperparameters that
    every trial has are compared among all of them; conditional ones among the trials in which they are active.

    Args:
        record: the search.

    Returns:
        One record for all trials, then one for each set of active hyperparameters; those with too few trials are
        left out.

    Raises:
        ReportError: if there are fewer than 4 whole trials, their scores are all equal, or nothing was searched.
    """
    measured = [each for each in [_among("", record.whole, set(), record)] if each]
    groups = _groups(record)
    for results in groups.values() if len(groups) > 1 else ():
        common = set.intersection(*(set(other) for other in groups))
        one = _among(_describe(results, record), results, common, record)
        measured += [one] if one else []
    if not measured:
        few = len(record.whole) < _FEWEST
        count = len(record.whole)
        reason = f"{count} whole trial{'' if count == 1 else 's'}" if few else "scores or values that are all equal"
        raise ReportError("plot_importance", f"at least {_FEWEST} whole trials that differ", reason, "Run more trials.")
    return measured


def _groups(record: SearchRecord) -> dict[frozenset[str], list[TrialResult]]:
    searched = {parameter.name for parameter in record.parameters}
    groups: dict[frozenset[str], list[TrialResult]] = {}
    for result in record.whole:
        active = frozenset(searched & set(record.specs[result.number].configuration))
        groups.setdefault(active, []).append(result)
    return groups


def _describe(results: list[TrialResult], record: SearchRecord) -> str:
    """The choice that these trials share, and that differs in others."""
    conditions = " ".join(parameter.condition for parameter in record.parameters)
    shared = []
    for parameter in record.parameters:
        values = {show(record.specs[each.number].configuration.get(parameter.name)) for each in results}
        if not parameter.is_range and len(values) == 1 and f"{parameter.name} " in conditions:
            shared.append(f"{parameter.label} = {values.pop()}")
    return ", ".join(shared) or "some trials"


def _among(group: str, results: list[TrialResult], without: set[str], record: SearchRecord) -> Importance | None:
    chosen = [record.specs[each.number].configuration for each in results]
    names = [
        parameter.name
        for parameter in record.parameters
        if parameter.name not in without
        and all(parameter.name in each for each in chosen)
        and len({show(each[parameter.name]) for each in chosen}) > 1
    ]
    if len(results) < _FEWEST or not names or len({each.score for each in results}) == 1:
        return None
    study = to_study(record, results=results)
    # fANOVA's forest takes minutes beyond some hundred trials.
    is_small = len(results) <= _MOST_FOR_FANOVA
    evaluator = FanovaImportanceEvaluator(seed=0) if is_small else _ped_anova()
    shares = get_param_importances(study, evaluator=evaluator, params=names)
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    return (
        Importance(group, len(results), dict(ordered), "fANOVA" if is_small else "PED-ANOVA")
        if sum(shares.values()) > 0
        else None
    )


def _ped_anova() -> PedAnovaImportanceEvaluator:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # of Optuna 4.0; it has the interface of later releases
        return PedAnovaImportanceEvaluator()
