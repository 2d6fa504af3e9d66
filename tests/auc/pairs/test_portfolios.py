"""What a search tries right after the default: data of the package, for the spaces of its users."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ConfigSpace import ConfigurationSpace, ForbiddenEqualsClause

from automax_lightning import AutoMAX, AutoMAXCLI, AutoMAXConfig, DigitsDataModule, autopartial, trainer_factory
from automax_lightning.auc.pairs import registry as pairs
from automax_lightning.auc.pairs.portfolios import portfolio
from automax_lightning.cli.config_factory import ConfigFactory
from automax_lightning.errors import ConfigError, JournalError
from automax_lightning.models import MLP
from automax_lightning.space.configurations import configuration, moved_into, values
from automax_lightning.space.parsing import parse_hyperparameters_from_dict
from automax_lightning.trial.records import Objective
from automax_lightning.utils.portfolio import Portfolio

PAIRS = ("AUCMLoss", "CompositionalAUCLoss", "APLoss", "pAUC_DRO_Loss", "tpAUC_KL_Loss", "CrossEntropyLoss")


def factory(**kwargs: Any) -> autopartial:
    return trainer_factory(**{"model": lambda: MLP((8,)), "data": DigitsDataModule(), "epochs": 1, **kwargs})


def search(root: Path, made: autopartial | None = None, n_trials: int = 3, **settings: Any) -> AutoMAX:
    return AutoMAX(
        made or factory(), AutoMAXConfig(n_trials=n_trials, output_directory=root, resampling="holdout", **settings), quiet=True
    )


def test_nothing_but_the_default_where_no_portfolio_is_known() -> None:
    assert portfolio("BCELoss", "Adam") == Portfolio()
    assert portfolio("CrossEntropyLoss", "Adam") == Portfolio()  # it was chosen for SGD


@pytest.mark.parametrize("loss", PAIRS)
def test_each_portfolio_is_four_legal_configurations_that_differ(loss: str) -> None:
    pair = pairs.get(loss)
    spaces = {"loss_kwargs": pair.loss_space, "optimizer_kwargs": pair.optimizer().space}
    space = autopartial(dict, **{
        part: autopartial(dict, **parse_hyperparameters_from_dict(specs)) for part, specs in spaces.items() if specs
    }).cs  # fmt: skip
    found = portfolio(loss, pair.optimizer().name).configs
    assert len(found) == 4
    assert len({tuple(sorted(each.items())) for each in [*found, values(space.get_default_configuration())]}) == 5
    for each in found:
        assert moved_into(space, each) == values(configuration(space, each))


def test_a_narrower_space_gets_the_nearest_values() -> None:
    space = ConfigurationSpace({"lr": (0.1, 0.2), "n": (1, 8), "kind": ["a", "b"]})
    assert moved_into(space, {"lr": 5.0, "n": 2.6, "kind": "c", "foreign": 1}) == {"lr": 0.2, "n": 3, "kind": "a"}
    assert moved_into(space, {"foreign": 1}) is None
    space.add(ForbiddenEqualsClause(space["n"], 3))
    assert moved_into(space, {"n": 3}) is None


def test_the_search_begins_with_the_default_and_then_the_portfolio(tmp_path: Path) -> None:
    tuner = search(tmp_path, initial="portfolio")
    tuner.optimize()
    known = portfolio("AUCMLoss", "PESG").configs
    assert [entry["origin"] for entry in tuner.log] == ["default", "portfolio", "portfolio"]
    assert [entry["space"] for entry in tuner.log[1:]] == [dict(each) for each in known[:2]]


def test_a_search_that_has_begun_keeps_its_portfolio_when_the_package_learns_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search(tmp_path / "whole", initial="portfolio", n_trials=7).optimize()
    search(tmp_path / "cut", initial="portfolio", n_trials=2).optimize()
    monkeypatch.setattr("automax_lightning.factory.auc_factory.portfolio", lambda loss, optimizer: Portfolio())
    continued = search(tmp_path / "cut", initial="portfolio", n_trials=7)
    continued.optimize()
    assert [entry["space"] for entry in continued.log] == [e["space"] for e in search(tmp_path / "whole", n_trials=7).log]
    with pytest.raises(JournalError, match="portfolio"):
        search(tmp_path / "cut", initial="default", n_trials=7)


def test_auto_follows_the_data_unless_the_user_says_how_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for is_default in (True, False):
        known = Portfolio(portfolio("AUCMLoss", "PESG").configs, is_default=is_default)
        monkeypatch.setattr("automax_lightning.factory.auc_factory.portfolio", lambda loss, optimizer, known=known: known)
        assert len(search(tmp_path).portfolio) == (4 if is_default else 0)
        assert search(tmp_path, preset="original").portfolio == []
        assert search(tmp_path, n_configs=3).portfolio == []
        assert search(tmp_path, initial="default").portfolio == []
        mine = values(factory().cs.get_default_configuration())
        assert search(tmp_path, initial_configs=(mine,)).portfolio == []


def test_no_portfolio_where_one_is_asked_for_is_an_error_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"AutoMAXConfig.initial: expected a portfolio .* found none"):
        search(tmp_path / "new", factory(loss="BCELoss"), initial="portfolio")
    with pytest.raises(ConfigError, match=r"AutoMAXConfig.initial: .*'portfolio'"):
        AutoMAXConfig(initial="portfolios")
    assert not (tmp_path / "new").exists()


def test_several_losses_take_turns_and_only_if_asked(tmp_path: Path) -> None:
    made = factory(loss=["AUCMLoss", "CrossEntropyLoss"])
    assert search(tmp_path, made).portfolio == []
    found = search(tmp_path, made, initial="portfolio").portfolio
    assert [each["loss"] for each in found] == ["AUCMLoss", "CrossEntropyLoss"] * 4
    first = portfolio("CrossEntropyLoss", "SGD").configs[0]["optimizer_kwargs:lr"]
    assert found[1]["CrossEntropyLoss:optimizer_kwargs:lr"] == first


def test_what_another_search_has_found_out_takes_its_place(tmp_path: Path) -> None:
    old = search(tmp_path / "old", n_trials=2, initial="default")
    old.optimize()
    config = AutoMAXConfig(n_trials=3, output_directory=tmp_path / "new", initial="portfolio")
    new = AutoMAX(factory(), config, quiet=True, warm_start=old.directory)
    new.optimize()
    assert "portfolio" not in [entry["origin"] for entry in new.log]


@pytest.mark.parametrize("loss", ["pAUC_DRO_Loss", "pAUCLoss"])
def test_a_loss_has_the_same_portfolio_under_libaucs_other_name(loss: str) -> None:
    arguments = {"loss": loss, "loss_kwargs": {"mode": "1w"} if loss == "pAUCLoss" else {}}
    base = {"model": {"class_path": "automax_lightning.AUCModule", "init_args": arguments}}
    found = ConfigFactory(None, base, Objective("AUROC"), "mine").portfolio()  # type: ignore[arg-type]
    assert found == portfolio("pAUC_DRO_Loss", "SOPAs").renamed("model.init_args.", ".")


def test_a_file_for_the_command_line_has_it_under_its_own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(
        "model:\n  class_path: automax_lightning.AUCModule\n  init_args:\n    model:\n"
        "      class_path: automax_lightning.models.MLP\n      init_args: {hidden: [8]}\n"
        "data: {class_path: automax_lightning.DigitsDataModule}\n"
        "trainer: {max_epochs: 1, accelerator: cpu}\n"
        "search:\n  model.init_args.optimizer_kwargs.lr: {low: 0.001, high: 1.0, log: true, default: 0.1}\n"
        "automax: {n_trials: 2, initial: portfolio, resampling: holdout}\n"
    )
    tuner = AutoMAXCLI(args=["tune", "--config", "c.yaml", "--quiet"]).tuner
    wanted = portfolio("AUCMLoss", "PESG").configs[0]["optimizer_kwargs:lr"]
    assert [entry["space"] for entry in tuner.log][1:] == [{"model.init_args.optimizer_kwargs.lr": min(wanted, 1.0)}]
