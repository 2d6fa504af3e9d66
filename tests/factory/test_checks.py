"""What is known to be wrong before the first trial: found without training, and only where it is ours."""

from __future__ import annotations

from typing import Any

import lightning as L
import pytest

from automax_lightning import Objective
from automax_lightning.errors import ConfigError, TargetError
from automax_lightning.factory.checks import check
from automax_lightning.factory.fit_factory import factory_of
from tests.support.fits import make
from tests.support.searching import factory


class Theirs(L.Callback):
    """May log anything."""


def fit_of(**changes: Any) -> Any:
    made = factory(**changes)
    return made(made.cs.get_default_configuration())


def test_a_target_that_nothing_computes_is_named_with_those_that_are() -> None:
    check(fit_of(metrics=("AUROC", "AUPRC")), Objective("AUPRC"))
    with pytest.raises(TargetError, match=r"one of \['AUPRC', 'AUROC', 'train/loss'\].*Did you mean 'AUROC'"):
        check(fit_of(metrics=("AUROC", "AUPRC")), Objective("AUROCC"))


def test_ranks_are_refused_only_in_the_process_of_the_search() -> None:
    fit = fit_of(trainer_kwargs={"accelerator": "cpu", "devices": 2})
    with pytest.raises(ConfigError, match="trainer_kwargs.strategy: expected one process"):
        check(fit, Objective("AUROC"), inline=True)
    check(fit, Objective("AUROC"), inline=False)


def test_what_is_not_ours_speaks_for_itself() -> None:
    check(make(), Objective("anything"))
    check(object(), Objective("anything"))
    check(fit_of(callbacks=[Theirs()]), Objective("anything"))


@pytest.mark.parametrize("loss", ["AUCMLoss", ["AUCMLoss", "CrossEntropyLoss"]])
def test_a_batch_is_no_larger_than_the_training_split(loss: Any) -> None:
    for size in (2, 474):
        made = factory(loss=loss, batch_size=size)
        factory_of(made).check(made(made.cs.get_default_configuration()), Objective("AUROC"), inline=True)
    made = factory(loss=loss, batch_size=475)
    with pytest.raises(ConfigError, match="trainer_factory.batch_size: expected at most the 474 samples .* found 475"):
        factory_of(made).check(made(made.cs.get_default_configuration()), Objective("AUROC"), inline=True)
