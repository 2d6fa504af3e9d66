"""What a search asks of what it tunes, however deep it lies inside autopartials, and of nothing else."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from ConfigSpace import Float

from automax_lightning import AutoMAX, AutoMAXConfig, Fit, FitFactory, autopartial, parse_hyperparameters_from_dict
from automax_lightning.errors import JournalError, TargetError
from automax_lightning.factory.auc_factory import AUCFitFactory, LossChoiceFactory
from automax_lightning.factory.fit_factory import PlainFactory, factory_of
from automax_lightning.utils.portfolio import Portfolio
from tests.support.fits import make
from tests.support.searching import factory, tuner


def own(lr: float) -> Fit:
    return make(epochs=2)


def nested(depth: int, **kwargs: Any) -> autopartial:
    made = factory(**kwargs)
    for _ in range(depth):
        made = autopartial(made)
    return made


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_a_factory_is_found_inside_any_number_of_autopartials(depth: int, tmp_path: Path) -> None:
    made = nested(depth, experiment_name="mine")
    assert isinstance(factory_of(made), AUCFitFactory)
    search = tuner(tmp_path, n_trials=1, made=made)
    search.optimize()
    assert (search.best_directory.name, search.portfolio) == ("mine_best", tuner(tmp_path / "b", made=factory()).portfolio)


@pytest.mark.parametrize("depth", [1, 2])
def test_fits_of_other_lengths_never_meet_in_one_table(depth: int, tmp_path: Path) -> None:
    tuner(tmp_path, n_trials=1, made=nested(depth, epochs=1)).optimize()
    with pytest.raises(JournalError, match=r"fit\.epochs: 1 -> 2"):
        tuner(tmp_path, n_trials=2, made=nested(depth, epochs=2))


def test_a_choice_of_losses_is_one_inside_an_autopartial_too(tmp_path: Path) -> None:
    made = autopartial(factory(loss=["AUCMLoss", "CrossEntropyLoss"], epochs=1))
    found = pickle.loads(pickle.dumps(factory_of(factory(loss=["AUCMLoss", "APLoss"], model=Fit))))
    assert isinstance(found, LossChoiceFactory)
    search = tuner(tmp_path, n_trials=2, made=made)
    search.optimize()
    assert [entry["space"]["loss"] for entry in search.log] == ["AUCMLoss", "CrossEntropyLoss"]


class Theirs:
    """A callable whose other members are nobody's business."""

    arm = "nothing"
    experiment_name = "theirs"

    def __call__(self, lr: float) -> Fit:
        return own(lr)

    def settings(self) -> None:
        raise AssertionError("never called")

    describe = document = portfolio = check = settings


def test_a_callable_may_have_members_of_any_name(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=2, made=autopartial(Theirs(), lr=Float("lr", (0.04, 0.08))), target="score")
    assert isinstance(search.factory, PlainFactory)
    search.optimize()
    assert (len(search.log), search.best_directory.name) == (2, "s_best")


class Mine(FitFactory):
    """A user's own factory."""

    experiment_name = "mine"

    def __call__(self, lr: float) -> Fit:
        return own(lr)

    def describe(self) -> dict[str, Any]:
        return {"noise": 0.1}

    def document(self, settings: Any) -> dict[str, Any]:
        return {**settings, "mine": True}

    def portfolio(self) -> Portfolio:
        return Portfolio(({"lr": 0.06},), is_default=True)

    def check(self, trainable: Any, objective: Any, *, inline: bool) -> None:
        if objective.target != "score":
            raise TargetError("AutoMAX.target", "'score'", repr(objective.target), "Pass target='score'.")


class Louder(Mine):
    def describe(self) -> dict[str, Any]:
        return {"noise": 0.3}


def test_a_factory_of_ones_own_says_what_belongs_to_it(tmp_path: Path) -> None:
    space = parse_hyperparameters_from_dict({"lr": {"low": 0.04, "high": 0.08, "default": 0.05}})
    config = AutoMAXConfig(name="s", n_trials=2, output_directory=tmp_path)
    with pytest.raises(TargetError, match="AutoMAX.target: expected 'score'"):
        AutoMAX(autopartial(Mine(), **space), config, "other", quiet=True).optimize()
    assert list(tmp_path.iterdir()) == []
    search = AutoMAX(autopartial(Mine(), **space), config, "score", quiet=True)
    search.optimize()
    assert [entry["space"]["lr"] for entry in search.log] == [0.05, 0.06]
    assert search.best_directory.name == "mine_best"
    assert "mine: true" in (search.directory / "config.yaml").read_text()
    with pytest.raises(JournalError, match=r"fit\.noise: 0\.1 -> 0\.3"):
        AutoMAX(autopartial(Louder(), **space), config, "score", quiet=True)


def test_what_is_no_factory_asks_for_nothing() -> None:
    plain = factory_of(own)
    assert (plain.experiment_name, plain.arm, plain.describe(), plain.portfolio()) == (None, None, {}, Portfolio())
    assert plain.document({"n_trials": 3}) == {"n_trials": 3}
    assert plain(lr=0.05).epochs == 2
