"""The `lr_scheduler` section alone schedules an `AUCModule`; for everything else it is left to Lightning."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from jsonargparse import Namespace

from automax_lightning import AUCModule
from automax_lightning.cli.scheduler_section import give_to_module
from automax_lightning.errors import ConfigError

STEP = {"class_path": "torch.optim.lr_scheduler.StepLR", "init_args": {"step_size": 1}}
AUC = {"class_path": "automax_lightning.AUCModule", "init_args": {"loss": "APLoss"}}


class Own(AUCModule):
    def __init__(self, width: int = 3) -> None:
        super().__init__(torch.nn.Linear(width, 1))


class Passing(AUCModule):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(torch.nn.Linear(3, 1), **kwargs)


def test_the_section_becomes_an_argument_of_the_module() -> None:
    config: dict[str, Any] = {"model": copy.deepcopy(AUC), "lr_scheduler": STEP}
    give_to_module(config, None)
    assert config == {"model": {**AUC, "init_args": {"loss": "APLoss", "lr_scheduler": STEP}}}
    parsed = Namespace(model=Namespace(loss="APLoss", lr_scheduler=None), lr_scheduler=Namespace(class_path="x"))
    give_to_module(parsed, Passing)
    assert parsed.model.lr_scheduler == {"class_path": "x"}
    assert "lr_scheduler" not in parsed


@pytest.mark.parametrize(
    ("config", "module_class"),
    [
        ({"model": AUC, "lr_scheduler": None}, None),
        ({"model": AUC, "lr_scheduler": STEP, "optimizer": {"class_path": "torch.optim.Adam"}}, None),
        ({"model": {"class_path": "lightning.LightningModule"}, "lr_scheduler": STEP}, None),
        ({"model": {"width": 3}, "lr_scheduler": STEP}, torch.nn.Module),
        ({"lr_scheduler": STEP}, AUCModule),
    ],
)
def test_what_is_lightnings_affair_stays(config: dict[str, Any], module_class: Any) -> None:
    before = copy.deepcopy(config)
    give_to_module(config, module_class)
    assert config == before


def test_a_module_that_cannot_take_it_or_has_one_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"lr_scheduler: expected a module that takes it, .*; Own has no argument"):
        give_to_module({"model": {"width": 3}, "lr_scheduler": STEP}, Own)
    with pytest.raises(ConfigError, match=r"lr_scheduler: expected one scheduler"):
        give_to_module(
            {"model": {"class_path": AUC["class_path"], "init_args": {"lr_scheduler": STEP}}, "lr_scheduler": STEP}, None
        )
