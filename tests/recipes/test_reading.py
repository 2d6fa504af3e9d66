"""What a recipe may say, and what is said of one that is wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from automax_lightning.errors import ConfigError
from automax_lightning.recipes.reading import from_mapping, read

DATA = {"dataset": {"name": "digits"}}


def test_the_defaults_are_the_originals() -> None:
    recipe = from_mapping(DATA)
    training, config = recipe.training, recipe.config
    assert (training.epochs, training.batch_size, training.eval_batch_size, training.sampling_rate) == (50, 128, 128, 0.5)
    assert (training.loss, training.decay_epochs, training.SEED, training.loss_kwargs) == ("AUCMLoss", (), 42, {})
    assert (config.n_trials, config.n_configs, config.SEED, config.deterministic) == (5, 1, 42, True)
    assert config.directory.as_posix() == "automax_output/run_auto"
    assert not config.overwrite  # the one that is not: the original deletes the search that it should continue
    assert (recipe.model.name, recipe.dataset.eval_splits, recipe.metrics.target) == ("resnet18", ("val",), "AUROC")


def test_flags_override_the_file_and_none_leaves_it() -> None:
    given = {**DATA, "training": {"epochs": 9, "SEED": 3, "batch_size": 32}, "automax": {"overwrite": True}}
    recipe = from_mapping(given, {"epochs": 2, "seed": 8, "batch_size": None, "resume": None})
    assert (recipe.training.epochs, recipe.training.SEED, recipe.training.batch_size) == (2, 8, 32)
    assert recipe.config.trial_seed == 8
    assert recipe.config.SEED == 42
    assert recipe.config.overwrite
    assert not from_mapping(given, {"resume": True}).config.overwrite
    assert from_mapping(DATA, {"resume": False}).config.overwrite
    assert given["training"] == {"epochs": 9, "SEED": 3, "batch_size": 32}


def test_numbers_and_references_are_read_as_the_originals_reader_does(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(
        "dataset: {name: digits, eval_splits: [val, test]}\n"
        "training: {experiment_name: mine, SEED: 7, optimizer_kwargs: {lr: 1e-3}, decay_epochs: [0.5, 30]}\n"
        "automax: {name: '${training.experiment_name}_5', SEED: '${training.SEED}', output_path: there}\n"
    )
    recipe = read(path)
    assert recipe.training.optimizer_kwargs["lr"] == 0.001
    assert recipe.training.decay_epochs == (0.5, 30)
    assert recipe.config.directory.as_posix() == "there/mine_5"
    assert recipe.config.SEED == 7


@pytest.mark.parametrize(
    ("training", "automax", "expected"),
    [
        ({}, {}, "automax_output"),
        ({"output_path": "a"}, {}, "a"),
        ({"output_path": "a"}, {"output_path": "b"}, "b"),
        ({"output_path": "a"}, {"output_path": "b", "output_directory": "c"}, "c"),
    ],
)
def test_the_search_lies_where_the_nearest_setting_says(training: Any, automax: Any, expected: str) -> None:
    config = from_mapping({**DATA, "training": training, "automax": automax}).config
    assert config.directory.parent.as_posix() == expected


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"dataset": {"name": "digits"}, "modle": {}}, "modle: expected a key that a recipe has.*Did you mean 'model'"),
        ({"dataset": {"nam": "digits"}}, "dataset.nam: .*Did you mean 'name'"),
        ({"dataset": {}}, "dataset.name: expected the name of a data set"),
        ({"dataset": {"name": 3}}, "dataset.name: .*found 3"),
        ({"dataset": "digits"}, "dataset: expected keys with values, found 'digits'"),
        ({"dataset": {"name": "d", "eval_splits": ["test"]}}, "dataset.eval_splits: .*found \\['test'\\]"),
        ({"dataset": {"name": "d", "eval_splits": ["val", "tset"]}}, "dataset.eval_splits"),
        ({"dataset": {"name": "d", "kwargs": [1]}}, "dataset.kwargs: expected keys with values"),
        ({**DATA, "model": {"pretrained": True}}, "model.pretrained_path: expected a file of weights"),
        ({**DATA, "model": {"in_channels": 4}}, "model.in_channels: expected 1"),
        ({**DATA, "model": {"name": None}}, "model.name"),
        ({**DATA, "training": {"epoch": 3}}, "training.epoch: .*Did you mean 'epochs'"),
        ({**DATA, "training": {"epochs": 0}}, "training.epochs: expected an integer of at least 1, found 0"),
        ({**DATA, "training": {"epochs": "many"}}, "training.epochs: .*found 'many'"),
        ({**DATA, "training": {"batch_size": 1}}, "training.batch_size: expected an integer of at least 2"),
        ({**DATA, "training": {"num_workers": -1}}, "training.num_workers"),
        ({**DATA, "training": {"experiment_name": "a/b"}}, "training.experiment_name: expected a name without slashes"),
        ({**DATA, "training": {"verbose": 3}}, "training.verbose: expected 0, 1 or 2"),
        ({**DATA, "training": {"loss_kwargs": 1}}, "training.loss_kwargs: expected keys with values"),
        ({**DATA, "automax": {"n_trails": 3}}, "automax.n_trails: .*Did you mean 'n_trials'"),
        ({**DATA, "automax": {"n_trials": 0}}, "n_trials: expected an integer of at least 1"),
        ({**DATA, "metrics": ["AUC"]}, "metrics: expected one of"),
    ],
)
def test_every_mistake_is_named_with_its_place(sections: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        from_mapping(sections)


@pytest.mark.parametrize(
    ("content", "message"), [("a: [", "expected YAML"), ("- 1", "the sections"), ("a: ${b}", "expected YAML")]
)
def test_a_file_that_is_none_is_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=re.escape(str(path)) + f".*{message}"):
        read(path)
    with pytest.raises(ConfigError, match="no such file"):
        read(tmp_path / "other.yaml")


def test_reading_a_recipe_is_light(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("dataset: {name: digits}")
    code = f"import sys; from automax_lightning.recipes.reading import read; read({str(path)!r}); "
    code += "print(sorted({'torch', 'smac', 'pandas', 'lightning'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
