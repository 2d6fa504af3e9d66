"""What is known to be wrong before the first trial: found without training, and only where it is ours."""

from __future__ import annotations

from typing import Any

import lightning as L
import pytest

from automax_lightning import Objective
from automax_lightning.errors import ConfigError, TargetError
from automax_lightning.factory.checks import check
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
