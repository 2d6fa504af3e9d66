"""What is fixed over a search: read from the trainer once, and written where it is compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ConfigSpace import ConfigurationSpace

from automax_lightning import AutoMAXConfig, DigitsDataModule
from automax_lightning.errors import ConfigError
from automax_lightning.factory.fit_factory import PlainFactory
from automax_lightning.tuner.setup import SearchSetup
from tests.support.fits import make
from tests.support.searching import factory


def setup(trainer: Any, recorded: Any = None, **settings: Any) -> SearchSetup:
    return SearchSetup.of(trainer, AutoMAXConfig(**settings), "AUROC", recorded or {})


class OfOnesOwn:
    """A trainer that is no autopartial, but brings its space."""

    cs = ConfigurationSpace({"lr": (0.1, 0.5)})

    def __call__(self, configuration: Any, /) -> Any:
        return make(epochs=3)


def test_anything_with_a_space_can_be_tuned(tmp_path: Path) -> None:
    found = setup(OfOnesOwn(), min_budget=1, name="s", output_directory=tmp_path)
    assert isinstance(found.factory, PlainFactory)
    assert found.plan.ladder is not None
    assert (tuple(found.plan.ladder.rungs), found.experiment_name) == ((1, 3), "s")
    assert found.journal_settings["rungs"] == [1, 3]
    assert found.make({"lr": 0.2}).epochs == 3  # type: ignore[attr-defined]


@pytest.mark.parametrize("trainer", [lambda configuration: None, type("T", (), {"cs": {}, "__call__": print})(), None])
def test_what_brings_none_is_refused(trainer: Any) -> None:
    with pytest.raises(ConfigError, match=r"AutoMAX.trainer: expected an autopartial"):
        setup(trainer)


def test_a_searched_number_of_epochs_cannot_be_divided() -> None:
    with pytest.raises(ConfigError, match="max_budget: .* found epochs is searched"):
        setup(factory(epochs=(2, 9)), min_budget=1)


def test_the_data_are_read_once_for_the_journal() -> None:
    calls = []

    def data() -> DigitsDataModule:
        calls.append(1)
        return DigitsDataModule()

    found = setup(factory(data=data), resampling="holdout")
    assert found.journal_settings["fit"]["factory"] == "AUCFitFactory"
    assert found.journal_settings is found.journal_settings
    assert len(calls) == 1


def test_a_search_that_has_begun_keeps_its_portfolio() -> None:
    recorded = {"portfolio": [{"optimizer_kwargs:lr": 0.5}]}
    assert setup(factory(), recorded).portfolio == ({"optimizer_kwargs:lr": 0.5},)
    assert setup(factory(), {"seed": 0}).portfolio == ()
