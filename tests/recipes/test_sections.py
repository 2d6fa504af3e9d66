from __future__ import annotations

from typing import Any

import pytest

from automax_lightning.errors import ConfigError
from automax_lightning.recipes.sections import DatasetSection, ModelSection, TrainingSection, check_mapping


@pytest.mark.parametrize(("splits", "has_test"), [(("val",), False), (("val", "test"), True), (("test", "val"), True)])
def test_the_test_split_is_scored_where_it_is_asked_for(splits: tuple[str, ...], has_test: bool) -> None:
    assert DatasetSection("digits", eval_splits=splits).has_test is has_test


@pytest.mark.parametrize("splits", [(), ("test",), ("val", "train"), ("valid",)])
def test_the_search_needs_a_validation_split(splits: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match=r"dataset.eval_splits: expected \[val\] or \[val, test\]"):
        DatasetSection("digits", eval_splits=splits)


@pytest.mark.parametrize(
    ("name", "least", "bad"),
    [
        ("epochs", 1, [0, -1, 1.5, True, "3"]), ("batch_size", 2, [1, 0, 2.5]), ("eval_batch_size", 1, [0, "8"]),
        ("num_workers", 0, [-1, True]), ("SEED", 0, [-1, 0.5]),
    ],
)  # fmt: skip
def test_numbers_are_checked_just_inside_and_just_outside(name: str, least: int, bad: list[Any]) -> None:
    assert getattr(TrainingSection(**{name: least}), name) == least
    for value in bad:
        with pytest.raises(ConfigError, match=rf"training.{name}: expected an integer of at least {least}, found {value!r}"):
            TrainingSection(**{name: value})


def test_a_number_may_be_a_search_spec() -> None:
    spec = {"low": 16, "high": 64}
    assert TrainingSection(batch_size=spec, epochs=[1, 2]).batch_size == spec


@pytest.mark.parametrize("name", ["a/b", "a\\b", 3, None])
def test_names_become_directories(name: Any) -> None:
    with pytest.raises(ConfigError, match=r"training.experiment_name: expected a name without slashes"):
        TrainingSection(experiment_name=name)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DatasetSection(""), r"dataset.name: .* Write name: digits"),
        (lambda: DatasetSection(3), r"dataset.name: .*found 3"),
        (lambda: DatasetSection("digits", ["a"]), r"dataset.kwargs: expected keys with values, found \['a'\]"),
        (lambda: ModelSection(""), r"model.name: .* Write name: resnet20"),
        (lambda: ModelSection(pretrained=True), r"model.pretrained_path: expected a file of weights"),
        (lambda: ModelSection(in_channels=2), r"model.in_channels: expected 1 \(grey\) or 3 \(RGB\), found 2"),
        (lambda: TrainingSection(loss_kwargs=3), r"training.loss_kwargs: .* Write loss_kwargs: \{key: value\}"),
        (lambda: TrainingSection(verbose=3), r"training.verbose: expected 0, 1 or 2, found 3"),
        (lambda: check_mapping("a.b", None), r"a.b: expected keys with values, found None. Write b: \{key: value\}"),
    ],
)
def test_a_mistake_is_told_with_its_place(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()
