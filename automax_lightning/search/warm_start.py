"""What an earlier search has found out, for a new one over another range or with other settings."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace

from automax_lightning.errors import AutoMAXError, JournalError, SpaceError
from automax_lightning.search.planning.results import observations
from automax_lightning.search.storage.history import Observation
from automax_lightning.search.storage.journal import read
from automax_lightning.space.configurations import configuration
from automax_lightning.trial.records import Objective


def known_from(source: Any, space: ConfigurationSpace, objective: Objective) -> tuple[Observation, ...]:
    """The configurations of another search that are configurations of this one too, with their costs.

    Args:
        source: the directory of another search, or a DataFrame with a column ``score`` (or named like the target) and
            one for each hyperparameter, as `AutoMAX.trials_dataframe` makes it.
        space: of the new search.
        objective: of the new search.

    Raises:
        JournalError: if the directory holds no search, or one for another target.
        SpaceError: if nothing in it is a configuration of `space`.

    Example:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"lr": [0.1, 0.9], "score": [0.8, 0.7]})
        >>> known_from(frame, ConfigurationSpace({"lr": (0.01, 0.5)}), Objective("AUROC"))
        (Observation(values={'lr': 0.1}, cost=-0.8, failed=False),)
    """
    is_path = isinstance(source, (str, os.PathLike))
    found = _from_directory(Path(source), objective) if is_path else _from_frame(source, space, objective)
    usable = tuple(each for each in found if each.cost is not None and _is_legal(space, each.values))
    if not usable:
        example = dict(found[0].values) if found else "no trial with a score"
        raise SpaceError(
            "AutoMAX.warm_start", f"trials that are configurations of the new space {sorted(space)}",
            f"{len(found)} trials, none of which is: {example}", "Widen the ranges, or leave warm_start out.",
        )  # fmt: skip
    return usable


def _from_directory(directory: Path, objective: Objective) -> list[Observation]:
    history = read(directory)
    if not history.asks:
        raise JournalError(str(directory), "the directory of a search, with its journal.jsonl", "none", "Check the path.")
    theirs = Objective(history.settings.get("target", objective.target), history.settings.get("mode", objective.mode))
    if theirs != objective:
        raise JournalError(str(directory), f"a search for {objective}", f"one for {theirs}", "Start without warm_start.")
    return [each for each in observations(history, objective) if each.cost is not None]


def _from_frame(frame: Any, space: ConfigurationSpace, objective: Objective) -> list[Observation]:
    columns = list(getattr(frame, "columns", ()))
    names = ("score", *objective.keys)
    scores = next((name for name in names if name in columns), None)
    if scores is None:
        raise SpaceError(
            "AutoMAX.warm_start", f"a directory, or a DataFrame with one of the columns {list(names)}",
            f"{type(frame).__name__} with {columns}",
            "Pass tuner.trials_dataframe() of the earlier search.",
        )  # fmt: skip
    rows: Sequence[Mapping[str, Any]] = frame.to_dict("records")
    return [
        Observation({name: _plain(row[name]) for name in space if name in row and not _is_missing(row[name])},
                    objective.cost(float(row[scores])))
        for row in rows if not _is_missing(row[scores])
    ]  # fmt: skip


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, (float, np.floating)) and bool(np.isnan(value)))


def _is_legal(space: ConfigurationSpace, values: Mapping[str, Any]) -> bool:
    try:
        configuration(space, values)
    except AutoMAXError:
        return False
    return True
