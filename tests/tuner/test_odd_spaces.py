"""Spaces that are finite, tiny, empty, or made with NumPy: a whole search over each, its files, and the same call again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from ConfigSpace import Categorical, Constant, Float, Normal, OrdinalHyperparameter
from ConfigSpace.hyperparameters import Hyperparameter

from automax_lightning import AutoMAX, AutoMAXConfig, Status, TrialResult, autopartial, parse_hyperparameters_from_dict
from automax_lightning.search import session
from automax_lightning.search.storage.state_file import read_state


class Scored:
    """A trial that only reads its values."""

    def __init__(self, **chosen: Any) -> None:
        self.chosen, self.epochs = chosen, 1

    def run(self, seed: int = 0, *, spec: Any = None, **kwargs: Any) -> TrialResult:
        score = 0.5 + (spec.number % 4) / 100
        return TrialResult(spec.number, Status.SUCCESS, score, {"score": score}, epochs=1, curve=(score,))


def tuner(folder: Path, specs: dict[str, Any], n_trials: int, **settings: Any) -> AutoMAX:
    made = {
        name: spec if isinstance(spec, Hyperparameter) else parse_hyperparameters_from_dict({name: spec})[name]
        for name, spec in specs.items()
    }
    config = AutoMAXConfig(name="odd", n_trials=n_trials, output_directory=folder, **settings)
    return AutoMAX(autopartial(Scored, **made), config, "score", quiet=True)


@pytest.mark.parametrize(
    ("specs", "size"),
    [
        ({}, 1),
        ({"a": 1}, 1),
        ({"a": [3], "b": "x"}, 1),
        ({"a": (1, 4), "b": [None, "x"]}, 8),
        ({"n": {"low": 1, "high": 9, "log": True}}, 9),
        ({"a": (1, 3), "b": (1, 2)}, 6),
        ({"flag": [np.bool_(True), np.bool_(False)], "n": [np.int64(1), np.int64(2)]}, 4),
        ({"t": Categorical("t", [(np.int64(1),), (np.float64(0.5),)]), "c": Constant("c", np.float64(1))}, 2),
        ({"o": OrdinalHyperparameter("o", [np.int64(1), np.int64(8)]), "s": Categorical("s", [np.str_("u"), np.str_("v")])}, 4),
        ({"x": [float("inf"), 1.0], "t": [(8,), (16, 8)]}, 4),
    ],
)
def test_a_finite_space_is_searched_to_its_last_configuration(tmp_path: Path, specs: dict[str, Any], size: int) -> None:
    for n_trials in (size + 3, size + 4):  # the second call finds nothing left
        search = tuner(tmp_path, specs, n_trials)
        search.optimize()
    assert len({json.dumps(entry["space"], default=str, sort_keys=True) for entry in search.log}) == len(search.log) == size
    assert {type(value) for entry in search.log for value in entry["space"].values()} <= {
        int,
        float,
        str,
        bool,
        tuple,
        type(None),
    }
    assert (search.directory / "smac" / "runhistory.json").exists()
    assert read_state(search.directory / "state.pkl") == search.log
    assert len(search.trials_dataframe()) == size
    assert len(search.to_optuna().trials) == size
    assert search.report().exists()


@pytest.mark.parametrize(
    "specs",
    [
        {"x": Float("x", (0, 1), distribution=Normal(np.float64(0.5), np.float64(0.1)))},
        {"a": Categorical("a", [1, 2], weights=[np.float64(0.2), np.float64(0.8)]), "x": (0.0, 1.0)},
        {"o": OrdinalHyperparameter("o", [np.float64(0.5), np.float64(0.9)]), "x": (np.float64(0.0), np.float64(1.0))},
    ],
)
def test_numpy_in_priors_weights_and_bounds(tmp_path: Path, specs: dict[str, Any]) -> None:
    for n_trials in (5, 6):
        search = tuner(tmp_path, specs, n_trials)
        search.optimize()
    assert len(search.log) == 6
    assert (search.directory / "smac" / "configspace.json").exists()


def test_initial_configurations_with_numpy_scalars_are_kept_as_plain_values(tmp_path: Path) -> None:
    initial = ({"a": np.int64(2), "x": np.float64(0.5), "f": np.bool_(True)},)
    for n_trials in (2, 3):
        search = tuner(tmp_path, {"a": (1, 4), "x": (0.0, 1.0), "f": [True, False]}, n_trials, initial_configs=initial)
        search.optimize()
    assert search.log[1]["space"] == {"a": 2, "f": True, "x": 0.5}
    kept = yaml.safe_load((search.directory / "config.yaml").read_text())
    assert kept["initial_configs"] == [{"a": 2, "x": 0.5, "f": True}]


def test_a_search_is_not_failed_by_files_that_smac_cannot_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*args: Any) -> None:
        raise ValueError("as asked")

    monkeypatch.setattr(session, "export", refuses)
    search = tuner(tmp_path, {"x": (0.0, 1.0)}, 2)
    with pytest.warns(UserWarning, match="SMAC's files in smac/ are not written: ValueError: as asked"):
        search.optimize()
    assert search.history.settled
    assert len(search.log) == 2
