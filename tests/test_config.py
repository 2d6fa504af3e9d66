from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from automax_lightning import AutoMAXConfig, AutoMAXConfigration
from automax_lightning.errors import ConfigError


def test_the_original_spelling_is_the_same_class() -> None:
    assert AutoMAXConfigration is AutoMAXConfig


def test_defaults_and_directory() -> None:
    config = AutoMAXConfig()
    assert (config.n_trials, config.SEED, config.overwrite, config.deterministic) == (5, 0, False, True)
    assert AutoMAXConfig(name="a", output_directory="out").directory == Path("out/a")


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ({"n_trials": 1}, {"n_trials": 0}, "n_trials: expected an integer of at least 1, or None, found 0"),
        ({"n_trials": 2}, {"n_trials": 2.0}, "n_trials"),
        ({"n_trials": 2}, {"n_trials": True}, "n_trials"),
        ({"n_configs": 1}, {"n_configs": 0}, "n_configs"),
        ({"SEED": 0}, {"SEED": -1}, "SEED"),
        ({"SEED": 2**32 - 1}, {"SEED": 2**32}, "SEED"),
        ({"patience": 1}, {"patience": 0}, "patience"),
        ({"max_failures": 1}, {"max_failures": 0}, "max_failures"),
        ({"walltime_limit": 0.1}, {"walltime_limit": 0}, "walltime_limit: expected a number of seconds above 0"),
        ({"trial_time_limit": 1}, {"trial_time_limit": -1}, "trial_time_limit"),
        ({"mode": "min"}, {"mode": "least"}, "mode"),
        ({"preset": "original"}, {"preset": "orignal"}, "Did you mean 'original'"),
        ({"name": "a.b"}, {"name": "a/b"}, "without slashes"),
        ({"name": "a"}, {"name": ""}, "non-empty"),
        ({"overwrite": True}, {"overwrite": "yes"}, "true or false"),
        ({"name": "x" * 200}, {"name": "x" * 300}, r"name: .* found 'x+\.\.\. \(str, 302 characters\)"),
        ({"name": "a b"}, {"name": 3}, "name: expected a non-empty name"),
        ({"SEED": 10}, {"SEED": 2**32}, r"Pass SEED=0\."),
        ({"SEED": 10}, {"SEED": 1.5}, r"expected an integer in \[0, 4294967295\], found 1\.5\. Pass SEED=0\."),
        ({"target_score": 0.9}, {"target_score": "0.9"}, r"target_score: expected a number, or None, found '0\.9'"),
        ({"target_score": 1}, {"target_score": float("nan")}, "target_score"),
        ({"walltime_limit": 3}, {"walltime_limit": float("inf")}, "walltime_limit"),
        ({"output_directory": Path("a")}, {"output_directory": None}, "output_directory: expected a path"),
        ({"initial_configs": ({"lr": 1},)}, {"initial_configs": {"lr": 1}}, "initial_configs: expected a sequence"),
        ({"early_stop_epochs": (1,)}, {"early_stop_epochs": 3}, "early_stop_epochs: expected epochs"),
        ({"scheduler": "tcp://host:8786"}, {"scheduler": 8786}, "scheduler"),
        ({"eta": 2}, {"eta": 1}, r"eta: expected an integer of at least 2, found 1\. Pass eta=3"),
    ],
)
def test_each_setting_just_inside_and_just_outside(good: dict[str, Any], bad: dict[str, Any], message: str) -> None:
    AutoMAXConfig(**good)
    with pytest.raises(ConfigError, match=message):
        AutoMAXConfig(**bad)


def test_an_unknown_key_names_the_closest() -> None:
    with pytest.raises(ConfigError, match=r"automax.n_trails: .* Did you mean 'n_trials'"):
        AutoMAXConfig.from_mapping({"n_trails": 3})


def test_a_mapping_and_back_is_the_same_config() -> None:
    config = AutoMAXConfig(name="a", initial_configs=({"lr": 0.1},))
    assert AutoMAXConfig.from_mapping(yaml.safe_load(yaml.safe_dump(config.as_mapping()))) == config


def test_it_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match="name"):
        AutoMAXConfig().name = "b"  # type: ignore[misc]


def test_trials_may_have_a_seed_of_their_own() -> None:
    assert AutoMAXConfig(SEED=3).seed_of_trials == 3
    assert AutoMAXConfig(SEED=3, trial_seed=0).seed_of_trials == 0
    assert AutoMAXConfig.from_mapping(AutoMAXConfig(trial_seed=5).as_mapping()) == AutoMAXConfig(trial_seed=5)
    for seed in (-1, 2**32, 1.0, True):
        with pytest.raises(ConfigError, match="AutoMAXConfig.trial_seed: expected an integer in"):
            AutoMAXConfig(trial_seed=seed)  # type: ignore[arg-type]
    assert AutoMAXConfig(trial_seed=2**32 - 1).trial_seed == 2**32 - 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_trials": None}, r"n_trials: expected a budget in trials, or n_fits="),
        ({"resampling": "cv", "min_budget": 2}, r"resampling: expected 'holdout' with min_budget, found 'cv'"),
        ({"resampling": "cv", "n_seeds": 2}, r"resampling: expected 'holdout' with n_seeds"),
        ({"resampling": "reshuffled", "early_stop": True}, r"early_stop: expected None where each trial"),
        ({"resampling": "folds"}, r"resampling: expected one of .*'cv'"),
    ],
)
def test_settings_that_do_not_go_together(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AutoMAXConfig(**settings)


def test_numbers_of_numpy_are_numbers() -> None:
    config = AutoMAXConfig(n_trials=np.int64(3), target_score=np.float32(0.5), SEED=np.uint32(7))
    assert yaml.safe_load(yaml.safe_dump(config.as_mapping()))["n_trials"] == 3
    assert type(config.SEED) is int
    with pytest.raises(ConfigError, match="n_trials"):
        AutoMAXConfig(n_trials=np.float64(3.0))


@pytest.mark.parametrize(
    "target", ["val_loss", "loss", "valid/RMSE", "valLoss", "test_error", "val.mae", "val-nll", "perplexity"]
)
def test_a_target_that_sounds_like_a_cost_needs_a_mode(target: str) -> None:
    with pytest.raises(ConfigError, match=rf"mode: expected 'min' or 'max' for the target '{target}'.* Pass mode='min'"):
        AutoMAXConfig().mode_for(target)
    assert [AutoMAXConfig(mode=mode).mode_for(target) for mode in ("min", "max")] == ["min", "max"]


@pytest.mark.parametrize("target", ["AUROC", "val_acc", "lossless", "glossy", "floss_f1", "val/score"])
def test_other_targets_are_maximised(target: str) -> None:
    assert AutoMAXConfig().mode_for(target) == "max"
