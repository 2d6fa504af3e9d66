from __future__ import annotations

import gc
import sqlite3
import warnings
from pathlib import Path

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from automax_lightning.errors import ReportError
from automax_lightning.report.importance import importances
from automax_lightning.report.optuna_study import to_study
from automax_lightning.trial.records import Status
from tests.support.searches import plain, record, result, space, two_arms

pytestmark = pytest.mark.lowest


def test_every_trial_has_its_state_its_curve_and_its_origin(tmp_path: Path) -> None:
    reading = plain(tmp_path)
    study = to_study(reading)
    states = [trial.state for trial in study.trials]
    assert states == [TrialState.COMPLETE, TrialState.COMPLETE, TrialState.FAIL, TrialState.PRUNED, *[TrialState.COMPLETE] * 4]
    assert reading.best is not None
    assert study.best_trial.user_attrs["trial"] == reading.best.number
    assert study.best_value == reading.best.score
    first = study.trials[0]
    assert first.params == {"lr": reading.specs[1].configuration["lr"], "size": "(16, 8)"}
    assert first.distributions == {
        "lr": FloatDistribution(0.001, 0.1, log=True),
        "size": CategoricalDistribution(["(8)", "(16, 8)"]),
    }
    assert first.intermediate_values == pytest.approx({1: reading.results[1].score - 0.1, 2: reading.results[1].score})  # type: ignore[operator]
    assert (first.user_attrs["seed"], first.user_attrs["origin"]) == (7, "default")
    assert first.user_attrs["test/AUROC"] == reading.results[1].test["AUROC"]
    assert study.trials[2].user_attrs["reason"] == "ValueError: <b>mine</b>"


def test_conditional_and_integer_hyperparameters_and_minimising(tmp_path: Path) -> None:
    name = "AUCMLoss:optimizer_kwargs:lr"
    trials = [
        ({"loss": "AUCMLoss", "width": 8, name: 0.1 + 1e-12}, result(1, 0.5, curve=(float("nan"), 0.5))),
        ({"loss": "CrossEntropyLoss", "width": 64}, result(2, 0.4)),
    ]
    study = to_study(record(tmp_path, trials, two_arms(), mode="min"))
    assert study.direction.name == "MINIMIZE"
    assert study.best_trial.number == 1
    assert study.trials[0].params == {"loss": "AUCMLoss", "width": 8, name: 0.1}
    assert study.trials[0].distributions["width"] == IntDistribution(4, 64)
    assert set(study.trials[1].params) == {"loss", "width"}
    assert study.trials[0].intermediate_values == {2: 0.5}


def test_a_study_can_be_stored_for_the_dashboard_once(tmp_path: Path) -> None:
    reading = plain(tmp_path / "mine")
    url = f"sqlite:///{tmp_path / 'study.db'}"
    to_study(reading, storage=url)
    loaded = optuna.load_study(study_name="mine", storage=url)
    assert [trial.value for trial in loaded.trials] == [trial.value for trial in to_study(reading).trials]
    with pytest.raises(ReportError, match="no study named 'mine' yet, found one. Pass another name="):
        to_study(reading, storage=url)
    assert to_study(reading, storage=url, name="again").study_name == "again"


def open_connections() -> list[sqlite3.Connection]:
    gc.collect()
    connections = [thing for thing in gc.get_objects() if type(thing) is sqlite3.Connection]
    return [connection for connection in connections if not is_closed(connection)]


def is_closed(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("select 1")
    except sqlite3.ProgrammingError as error:  # also that of a connection of another thread, which nobody opens here
        return "closed" in str(error)
    return False


def test_no_connection_is_left_open(tmp_path: Path) -> None:
    reading, url = plain(tmp_path / "mine"), f"sqlite:///{tmp_path / 'study.db'}"
    before = open_connections()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)  # Python 3.13 warns of each one that is collected open
        study = to_study(reading, storage=url)
        assert len(study.trials) == len(reading.results)
        with pytest.raises(ReportError, match="no study named 'mine' yet"):
            to_study(reading, storage=url)
        assert len(open_connections()) == len(before)


def test_a_study_in_memory_of_sqlite_keeps_its_connection(tmp_path: Path) -> None:
    reading = plain(tmp_path)
    study = to_study(reading, storage="sqlite://")
    assert len(study.trials) == len(reading.results)
    study._storage._backend.engine.dispose()


def test_what_alone_moves_the_score_is_what_mattered(tmp_path: Path) -> None:
    (found,) = importances(plain(tmp_path, 16))
    assert (found.group, found.n_trials) == ("", 14)
    assert next(iter(found.shares)) == "lr"
    assert found.shares["lr"] > 0.8
    assert sum(found.shares.values()) == pytest.approx(1.0)
    assert importances(plain(tmp_path / "b", 16))[0].shares == pytest.approx(dict(found.shares))


def test_conditional_hyperparameters_are_compared_within_their_arm(tmp_path: Path) -> None:
    trials = []
    for number in range(1, 17):
        arm = ["AUCMLoss", "CrossEntropyLoss"][number % 2]
        lr = 0.001 * 100 ** (number / 17)
        score = 0.5 + (0.3 if arm == "AUCMLoss" else 0.0) + lr
        trials.append(({"loss": arm, "width": 4 + (number * 7) % 60, f"{arm}:optimizer_kwargs:lr": lr}, result(number, score)))
    everyone, *arms = importances(record(tmp_path, trials, two_arms()))
    assert set(everyone.shares) == {"loss", "width"}
    assert everyone.shares["loss"] > 0.8
    assert sorted(each.group for each in arms) == ["loss = AUCMLoss", "loss = CrossEntropyLoss"]
    assert [set(each.shares) for each in arms] == [{f"{each.group[7:]}:optimizer_kwargs:lr"} for each in arms]


@pytest.mark.parametrize(
    ("scores", "message"),
    [([0.5, 0.6, 0.7], "found 3 whole trials"), ([0.5] * 6, "all equal"), ([0.5, None, 0.6, None, 0.7], "found 3 whole trials")],
)
def test_too_little_to_compare_is_said(tmp_path: Path, scores: list[float | None], message: str) -> None:
    trials = [
        ({"lr": 0.001 * n, "size": (8,)}, result(n, score) if score else result(n, None, Status.CRASHED))
        for n, score in enumerate(scores, start=1)
    ]
    with pytest.raises(ReportError, match=message):
        importances(record(tmp_path, trials))
    four = [({"lr": 0.001 * n, "size": (8,)}, result(n, 0.5 + n / 10)) for n in range(1, 5)]
    assert importances(record(tmp_path / "four", four))[0].shares == {"lr": 1.0}
    with pytest.raises(ReportError, match="all equal"):
        importances(
            record(tmp_path / "same", [({"x": 1.0}, result(n, 0.5 + n / 10)) for n in range(1, 6)], space(x={"value": 1.0}))
        )


def test_many_trials_are_compared_by_a_cheaper_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from automax_lightning.report import importance

    reading = plain(tmp_path, 40)
    assert importances(reading)[0].method == "fANOVA"
    monkeypatch.setattr(importance, "_MOST_FOR_FANOVA", 30)
    (found,) = importances(reading)
    assert found.method == "PED-ANOVA"
    assert next(iter(found.shares)) == "lr"
