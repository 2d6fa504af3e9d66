"""What a factory over AUC losses makes, says of itself, and sends to another process."""

from __future__ import annotations

import pickle

import pytest

from automax_lightning import DigitsDataModule, trainer_factory
from automax_lightning.auc.pairs.portfolios import portfolio
from automax_lightning.factory.auc_factory import AUCFitFactory, LossChoiceFactory
from automax_lightning.factory.fit_factory import factory_of
from automax_lightning.models import MLP


def auc_factory(**changes: object) -> AUCFitFactory:
    found = factory_of(trainer_factory(**{"model": MLP, "data": DigitsDataModule(), "epochs": 2, **changes}))  # type: ignore[arg-type]
    assert isinstance(found, AUCFitFactory)
    return found


def test_searched_values_stand_over_fixed_ones_key_by_key() -> None:
    made = auc_factory(model_kwargs={"hidden": (8,)}, trainer_kwargs={"accelerator": "cpu"}, experiment_name="mine")
    fit = made(
        loss_kwargs={"margin": 0.5}, optimizer_kwargs={"lr": 0.2}, model_kwargs={"dropout": 0.3}, trainer_kwargs={"precision": 32}
    )
    assert (fit.experiment_name, fit.epochs) == ("mine", 2)
    assert fit.trainer_kwargs == {"accelerator": "cpu", "precision": 32}
    assert fit.module.hparams["optimizer_kwargs"] == {"lr": 0.2}
    assert "p=0.3" in repr(fit.module.model)
    assert made.settings["model_kwargs"] == {"hidden": (8,)}


def test_what_it_says_of_itself_is_the_same_in_another_process() -> None:
    made = auc_factory()
    described = made.describe()
    assert pickle.loads(pickle.dumps(made)).describe() == described
    assert described["loss"] == "AUCMLoss"
    assert described["network"]["class"] == "automax_lightning.models.MLP"
    assert made.portfolio() == portfolio("AUCMLoss", "PESG")


def test_a_choice_makes_the_fit_of_the_chosen_loss() -> None:
    made = factory_of(trainer_factory(MLP, DigitsDataModule(), ["AUCMLoss", "APLoss"], epochs=1, experiment_name="two"))
    assert isinstance(made, LossChoiceFactory)
    assert (made.arm, made.experiment_name) == ("loss", "two")
    own = {"loss_kwargs": {}, "optimizer_kwargs": {"lr": 0.1}}
    assert made(loss="APLoss", APLoss=own).module.hparams["loss"] == "APLoss"
    with pytest.raises(KeyError, match="AUC"):
        made(loss="AUC")
    in_turn = [each["loss"] for each in made.portfolio().configs]
    assert in_turn[:4] == ["AUCMLoss", "APLoss", "AUCMLoss", "APLoss"]
