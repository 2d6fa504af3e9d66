"""The section against a configuration whose parser is a few lines; `test_automax_cli` has LightningCLI's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from automax_lightning import Objective
from automax_lightning.cli.config_factory import ConfigFactory
from automax_lightning.cli.search_section import SearchSection, default_search
from automax_lightning.errors import ConfigError, SpaceError

BASE = {
    "model": {"class_path": "torch.nn.Identity", "init_args": {"width": 8, "lr": 0.1, "momentum": 0.5, "optimizer": "SGD"}},
    "data": {"batch_size": 16, "lr": 1.0},
}


class Numbers:
    """A parser that refuses widths that are no integers, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def check(self, config: Mapping[str, Any]) -> None:
        self.asked += 1
        width = config["model"]["init_args"]["width"]
        if not isinstance(width, int):
            raise TypeError(f"width: expected int, got {width!r}")

    def complete(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return dict(config)


def factory() -> ConfigFactory:
    return ConfigFactory(Numbers(), BASE, Objective("val_loss", "min"), "mine")


def test_keys_without_init_args_are_found_in_their_places() -> None:
    section = SearchSection.read({"model.width": [4, 8], "data.batch_size": {"low": 8, "high": 32}}, factory())
    assert sorted(section.space) == ["data.batch_size", "model.init_args.width"]
    assert section.conditions == {}


def test_conditions_are_found_in_their_places_too_and_say_what_makes_a_key_active() -> None:
    specs = {
        "model.optimizer": ["Adam", "SGD"],
        "model.momentum": {"low": 0.1, "high": 0.9, "when": {"model.optimizer": "SGD"}},
    }
    section = SearchSection.read(specs, factory())
    assert list(section.conditions) == ["model.init_args.momentum"]
    assert section.active_with("model.init_args.momentum") == {"model.init_args.optimizer": "SGD"}
    assert section.active_with("model.init_args.optimizer") == {}


@pytest.mark.parametrize(
    ("specs", "error", "message"),
    [
        ({"model.widht": [4]}, ConfigError, r"search.model.widht: .*width"),
        ({"lr": {"low": 0.1, "high": 0.2}}, ConfigError, r"search.lr"),
        ({"model.lr": [0.1, 0.2], "model.init_args.lr": [0.1]}, ConfigError, r"They both mean model.init_args.lr"),
        ({"model.width": {"low": 4}}, SpaceError, "model.width"),
    ],
)
def test_a_mistake_is_told_with_its_key(specs: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        SearchSection.read(specs, factory())


def test_every_choice_is_shown_to_the_parser_at_once_and_one_by_one_only_to_name_the_culprit() -> None:
    fine = factory()
    SearchSection.read({"model.width": [4, 8, 16], "data.batch_size": [8, 32]}, fine).check(fine)
    assert fine.parser.asked == 3  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match=r"search.model.init_args.width: expected values of the type of this key, found 'many'"):
        SearchSection.read({"data.batch_size": [8], "model.width": [4, "many"]}, factory()).check(factory())


def test_what_to_search_in_a_model_of_ones_own_is_for_its_owner_to_say() -> None:
    with pytest.raises(ConfigError, match=r"search: expected what to search, because the model is no AUCModule"):
        default_search(factory())
    with pytest.raises(ConfigError, match="what to search"):
        SearchSection.read({}, factory())


def test_the_default_space_of_an_auc_module_lacks_what_the_file_fixes() -> None:
    model = {"class_path": "automax_lightning.AUCModule", "init_args": {"loss": "AUCMLoss", "optimizer_kwargs": {"lr": 0.5}}}
    specs = default_search(ConfigFactory(Numbers(), {"model": model}, Objective(), "mine"))
    assert "model.init_args.loss_kwargs.margin" in specs
    assert "model.init_args.optimizer_kwargs.momentum" in specs
    assert "model.init_args.optimizer_kwargs.lr" not in specs
