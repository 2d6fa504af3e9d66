"""`Parser` makes the objects of every trial, and the user's own CLI object is left alone."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import cloudpickle
import pytest
import torch

from automax_lightning import AutoMAXCLI, Objective
from automax_lightning.cli.automax_cli import search_of
from automax_lightning.cli.config_factory import ConfigFactory, Parser
from automax_lightning.factory.fit_factory import factory_of
from tests.support.stranger import make_project


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    make_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["main.py"])
    sys.modules.pop("net", None)
    yield importlib.import_module("net")
    sys.modules.pop("net", None)


class Mine(AutoMAXCLI):
    """A constructor of its own, with arguments of its own, and hooks that read what it has set."""

    made: ClassVar[list[Any]] = []

    def __init__(self, factor: float) -> None:
        self.factor = factor
        net = importlib.import_module("net")
        super().__init__(net.Net, net.Data, args=["tune", "--config", "c.yaml", "--quiet", "--automax.n_trials=2"])

    def before_instantiate_classes(self) -> None:
        self.config.model.lr *= self.factor

    def after_instantiate_classes(self) -> None:
        self.made.append(self.model)


def parser_of(net: Any, cls: Any = AutoMAXCLI) -> Parser:
    cli = cls.__new__(cls)
    return Parser(cli, net.Net, net.Data, ["--config", "c.yaml"], {})


def test_hooks_see_what_the_users_constructor_has_set_and_nothing_is_made_before_the_first_trial(net: Any) -> None:
    cli = Mine(2.0)
    assert len(Mine.made) >= 2
    assert set(vars(cli)) == {"factor", "tuner"}  # neither hooks nor a parser were hung on it
    fit = cli.tuner.trainer(dict(cli.tuner.history.asks[0].configuration))
    assert fit.module.hparams["lr"] == 2 * cli.tuner.history.asks[0].configuration["model.lr"]
    assert Mine.before_instantiate_classes is vars(Mine)["before_instantiate_classes"]


def test_parsing_makes_no_objects(net: Any) -> None:
    class Silent(AutoMAXCLI):
        def before_instantiate_classes(self) -> None:
            raise AssertionError("before the first trial")

    parser = parser_of(net, Silent)
    assert parser.config.automax.target == "val_loss"
    with pytest.raises(AssertionError, match="before the first trial"):
        parser.make(parser.plain(parser.config))


def test_each_trial_has_fresh_objects_with_its_own_hyperparameters(net: Any) -> None:
    parser = parser_of(net)
    base = parser.plain(parser.config)
    assert not {"search", "automax", "quiet", "config"} & set(base)
    one, two = parser.make(base), parser.make({**base, "model": {**base["model"], "lr": 0.02}})
    assert one.module is not two.module
    assert (one.module.hparams["lr"], two.module.hparams["lr"]) == (0.05, 0.02)
    assert one.trainer_kwargs["accelerator"] == "cpu"
    assert not {"devices", "max_epochs", "callbacks"} & set(one.trainer_kwargs)
    assert one.random_state is not None


def test_the_factory_survives_the_way_into_another_process(net: Any) -> None:
    tuner = search_of(parser_of(net))
    factory = factory_of(tuner.trainer)
    assert isinstance(factory, ConfigFactory)
    again = cloudpickle.loads(cloudpickle.dumps(factory))
    values = {"model.lr": 0.01, "data.batch_size": 10}
    fits = factory(**values), again(**values)
    first, second = (fit.build(5).module.state_dict() for fit in fits)
    assert fits[1].objective == Objective("val_loss", "min")
    assert fits[1].datamodule.batch_size == 10  # type: ignore[union-attr]
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
