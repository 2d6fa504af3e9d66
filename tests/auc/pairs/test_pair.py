from __future__ import annotations

import dataclasses
import pickle

import pytest

from automax_lightning.auc.pairs.pair import OptimizerChoice, Pair
from automax_lightning.errors import PairError

SGD = OptimizerChoice("SGD", "torch.optim:SGD", ("lr", "momentum"), {"lr": 0.1})
ADAM = OptimizerChoice("Adam", "torch.optim:Adam", ("lr", "betas"), {"lr": 0.001})
PAIR = Pair("Mine", "my.module:Mine", (SGD, ADAM), ("margin", "gamma"), {"margin": [0.5, 1.0]})


def test_the_first_optimizer_is_the_default() -> None:
    assert PAIR.optimizer() is SGD
    assert PAIR.optimizer("Adam") is ADAM


def test_an_optimizer_of_another_loss_is_named_with_those_of_this_one() -> None:
    with pytest.raises(PairError, match=r"optimizer of Mine: expected one of \['SGD', 'Adam'\], found 'PESG'.* optimizer='SGD'"):
        PAIR.optimizer("PESG")
    with pytest.raises(PairError, match="found 'adam'"):
        PAIR.optimizer("adam")


def test_arguments_that_nobody_takes_are_errors_with_the_nearest_name() -> None:
    PAIR.check_loss_kwargs({"margin": 1.0, "gamma": 0.5})
    PAIR.check_loss_kwargs({})
    SGD.check_kwargs({"lr": 0.1})
    with pytest.raises(PairError, match=r"loss_kwargs of Mine: margn: expected only \['gamma', 'margin'\].*'margin'"):
        PAIR.check_loss_kwargs({"gamma": 1.0, "margn": 1.0})
    with pytest.raises(PairError, match=r"optimizer_kwargs of Adam: momentum: expected only \['betas', 'lr'\]"):
        ADAM.check_kwargs({"momentum": 0.9})


def test_a_pair_is_a_frozen_value() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match="name"):
        PAIR.name = "Yours"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(PAIR)) == PAIR
    assert dataclasses.replace(PAIR, multi_label=True) != PAIR
