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


def test_a_version_has_a_default_learning_rate_of_its_own_unless_it_is_searched() -> None:
    sgd = dataclasses.replace(SGD, space={"lr": {"val": (0.1, 1.0), "default": 0.5}, "momentum": 0.9})
    pair = dataclasses.replace(PAIR, optimizers=(sgd, ADAM), version_lr={"v2": 0.2})
    assert pair.optimizer(None, {"version": "v2"}).space == {"lr": {"val": (0.1, 1.0), "default": 0.2}, "momentum": 0.9}
    for kwargs in (None, {}, {"version": "v1"}, {"version": ["v1", "v2"]}, {"version": {"choices": ["v1", "v2"]}}):
        assert pair.optimizer(None, kwargs) is sgd


def test_scores_may_be_logits_where_the_loss_takes_them() -> None:
    assert PAIR.with_scores(None) is PAIR.with_scores("sigmoid") is PAIR
    assert PAIR.with_scores("logits") == dataclasses.replace(PAIR, scores="logits")
    with pytest.raises(PairError, match=r"scores of Mine: expected 'sigmoid', what this loss is defined for, found 'logits'"):
        dataclasses.replace(PAIR, needs_probabilities=True).with_scores("logits")
    with pytest.raises(PairError, match=r"scores of Mine: expected 'logits', .* found 'sigmoid'. Leave scores out"):
        dataclasses.replace(PAIR, scores="logits").with_scores("sigmoid")


def test_a_pair_is_a_frozen_value() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match="name"):
        PAIR.name = "Yours"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(PAIR)) == PAIR
    assert dataclasses.replace(PAIR, multi_label=True) != PAIR
