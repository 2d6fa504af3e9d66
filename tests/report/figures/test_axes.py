from __future__ import annotations

from pathlib import Path

import pytest

from automax_lightning.report.figures.axes import Axis, axes
from automax_lightning.space.description import Parameter
from tests.support.searches import record, result, two_arms


def test_conditions_belong_to_their_hyperparameter_and_arms_share_an_axis(tmp_path: Path) -> None:
    arm = "AUCMLoss:optimizer_kwargs:lr"
    reading = record(tmp_path, [({"loss": "AUCMLoss", "width": 8, arm: 0.01}, result(1, 0.8))], two_arms())
    found = {each.name: each for each in reading.parameters}
    assert found[arm].condition == "loss == 'AUCMLoss'"
    assert [each.name for each in reading.arms] == ["loss"]
    shown = {axis.parameter.label: axis for axis in axes(reading)}
    assert shown["lr"].names == (arm, "CrossEntropyLoss:optimizer_kwargs:lr")
    assert shown["lr"].position({arm: 0.01}) == pytest.approx(0.5)
    assert shown["lr"].position({"loss": "x"}) is None


def test_hyperparameters_that_one_trial_has_together_do_not_share_an_axis(tmp_path: Path) -> None:
    both = {"loss": "AUCMLoss", "width": 8, "AUCMLoss:optimizer_kwargs:lr": 0.01, "CrossEntropyLoss:optimizer_kwargs:lr": 0.1}
    shown = axes(record(tmp_path, [(both, result(1, 0.8))], two_arms()))
    assert [axis.names for axis in shown if "lr" in axis.parameter.name] == [
        ("AUCMLoss:optimizer_kwargs:lr",), ("CrossEntropyLoss:optimizer_kwargs:lr",)
    ]  # fmt: skip


def test_an_axis_shows_the_hyperparameter_that_is_active() -> None:
    axis = Axis(Parameter("a:x", "x", low=0.0, high=2.0), ("a:x", "b:x"))
    assert (axis.name_in({"b:x": 1.0}), axis.position({"b:x": 1.0})) == ("b:x", 0.5)
    assert (axis.name_in({"c": 1}), axis.position({})) == (None, None)
