"""A search as an Optuna study: for optuna-dashboard, and for Optuna's measures of importance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import make_url
from sqlalchemy.pool import NullPool

from automax_lightning.errors import ReportError
from automax_lightning.search.record import SearchRecord
from automax_lightning.space.description import Parameter
from automax_lightning.trial.records import Status, TrialResult
from automax_lightning.utils.formatting import show
from automax_lightning.utils.splits import column_of_test

_PARTIAL = (Status.STOPPED, Status.PAUSED, Status.TIMEOUT)


def to_study(
    record: SearchRecord, *, storage: Any = None, name: str | None = None, results: Sequence[TrialResult] | None = None
) -> optuna.Study:
    """The trials that are over as an Optuna study.

    A whole trial is COMPLETE, a partial score (stopped early, paused, out of time) is PRUNED, a failure is FAIL. Intermediate
    values are the learning curve. Inactive hyperparameters are missing; tuples among choices are text. User
    attributes: ``trial, seed, origin, status, reason, epochs, seconds`` and ``test/<metric>``, ``val/<metric>``.

    Args:
        record: the search.
        storage: an Optuna storage or its URL, e.g. ``"sqlite:///mine.db"``; None keeps the study in memory.
        name: name of the study; None for the search's.
        results: those to export; None for all.

    Returns:
        The study, whose direction is the objective's.

    Raises:
        ReportError: if the storage has a study of that name already.
    """
    called = name or record.name
    direction = "maximize" if record.objective.mode == "max" else "minimize"
    with _quiet():
        try:
            study = optuna.create_study(study_name=called, storage=_opened(storage), direction=direction)
        except optuna.exceptions.DuplicatedStudyError as error:
            raise ReportError(
                "to_optuna.storage", f"no study named {called!r} yet", "one", "Pass another name=, or delete the old study."
            ) from error
        by_name = {parameter.name: parameter for parameter in record.parameters}
        study.add_trials([_trial(record, result, by_name) for result in results or record.results.values()])
    return study


def _opened(storage: Any) -> Any:
    """A file of SQLite is opened without a pool of connections, which nothing would ever close."""
    if not (isinstance(storage, str) and storage.startswith("sqlite")):
        return storage
    in_memory = make_url(storage).database in (None, "", ":memory:")  # lives as long as its connection
    return optuna.storages.RDBStorage(storage, engine_kwargs=None if in_memory else {"poolclass": NullPool})


def _trial(record: SearchRecord, result: TrialResult, parameters: dict[str, Parameter]) -> FrozenTrial:
    spec = record.specs[result.number]
    state = _state(result)
    chosen = {name: value for name, value in spec.configuration.items() if name in parameters}
    attributes: dict[str, Any] = {
        "trial": result.number, "seed": spec.seed, "origin": spec.origin, "status": result.status.name, "reason": result.reason,
        "epochs": result.epochs, "seconds": result.seconds,
    }  # fmt: skip
    attributes |= {f"val/{name}": value for name, value in result.val.items()}
    attributes |= {column_of_test(name): value for name, value in result.test.items()}
    return optuna.trial.create_trial(
        state=state,
        value=None if state is TrialState.FAIL else result.score,
        params={name: _value(parameters[name], value) for name, value in chosen.items()},
        distributions={name: distribution(parameters[name]) for name in chosen},
        user_attrs=attributes,
        intermediate_values={epoch: y for epoch, y in enumerate(result.curve, start=1) if math.isfinite(y)},
    )


def _state(result: TrialResult) -> TrialState:
    if not result.is_scored:
        return TrialState.FAIL
    return TrialState.PRUNED if result.status in _PARTIAL else TrialState.COMPLETE


def distribution(parameter: Parameter) -> BaseDistribution:
    """A hyperparameter's range or choices in Optuna's terms.

    Args:
        parameter: a searched hyperparameter.
    """
    if not parameter.is_range:
        return CategoricalDistribution(list(dict.fromkeys(_category(choice) for choice in parameter.choices)))
    assert parameter.low is not None
    assert parameter.high is not None
    if parameter.is_integer:
        return IntDistribution(int(parameter.low), int(parameter.high), log=parameter.log)
    return FloatDistribution(float(parameter.low), float(parameter.high), log=parameter.log)


def _value(parameter: Parameter, value: Any) -> Any:
    if not parameter.is_range:
        return _category(value)
    # An end of a logarithmic range may come back from its logarithm a rounding error outside.
    held = min(max(value, parameter.low), parameter.high)
    return int(held) if parameter.is_integer else float(held)


def _category(value: Any) -> Any:
    """A choice of a type that Optuna can store; any other as text."""
    return value if value is None or isinstance(value, (bool, int, float, str)) else show(value)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's line about the new study, which is not the user's."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)
