"""From a recipe to a search: what was written reaches the network, the loss, the optimizer and the callback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits

from automax_lightning import AUROC
from automax_lightning.errors import AutoMAXError, ConfigError
from automax_lightning.models import MLP
from automax_lightning.recipes.building import LoadedRecipe, build
from automax_lightning.recipes.reading import from_mapping
from automax_lightning.trial.fit import Fit


def recipe(tmp_path: Path, flags: Any = None, **sections: Any) -> LoadedRecipe:
    given: dict[str, Any] = {
        "dataset": {"name": "digits", "eval_splits": ["val", "test"]},
        "model": {"name": "mlp", "hidden": [8]},
        "training": {"epochs": 2, "batch_size": 64, "verbose": 0},
        "automax": {"name": "s", "n_trials": 2, "output_directory": str(tmp_path)},
    }
    for name, section in sections.items():
        is_whole = name == "model" and "name" in section
        given[name] = {**given[name], **section} if name in given and not is_whole else section
    return build(from_mapping(given, flags))


def default(loaded: LoadedRecipe) -> Fit:
    fit: Fit = loaded.factory(loaded.factory.cs.get_default_configuration())
    return fit


def test_every_setting_reaches_the_fit(tmp_path: Path) -> None:
    loaded = recipe(
        tmp_path,
        model={"name": "mlp", "hidden": [8, 4], "dropout": 0.25},
        metrics=["AUROC", "AUPRC"],
        metric_kwargs=[{"max_fpr": 0.3, "min_tpr": 0.7}],
        training={
            "loss": "pAUCLoss", "loss_kwargs": {"mode": "2w", "gammas": [0.5, 0.5], "tau": 1.0}, "optimizer": "SOTAs",
            "optimizer_kwargs": {"lr": 0.01, "mode": "adam"}, "decay_epochs": [0.5], "decay_factor": 5.0, "batch_size": 32,
            "eval_batch_size": 17, "sampling_rate": 0.25, "num_workers": 1, "experiment_name": "mine",
        },
        trainer={"gradient_clip_val": 1.5},
    )  # fmt: skip
    fit = default(loaded)
    settings = fit.module.hparams
    assert settings["loss_kwargs"]["gammas"] == (0.5, 0.5)
    assert settings["loss_kwargs"]["tau"] == 1.0
    assert (settings["optimizer"], settings["optimizer_kwargs"]["lr"], settings["optimizer_kwargs"]["mode"]) == (
        "SOTAs",
        0.01,
        "adam",
    )
    assert (settings["decay_epochs"], settings["decay_factor"]) == ((0.5,), 5.0)
    data: Any = fit.datamodule
    assert (data.batch_size, data.eval_batch_size, data.sampling_rate, data.num_workers) == (32, 17, 0.25, 1)
    callback = next(callback for callback in fit.callbacks if isinstance(callback, AUROC))
    assert (callback.metrics, callback.metric_kwargs) == (("AUROC", "AUPRC"), {"max_fpr": 0.3, "min_tpr": 0.7})
    network: Any = fit.module.model
    assert isinstance(network, MLP)
    assert [layer.out_features for layer in network.layers if hasattr(layer, "out_features")] == [8, 4, 1]
    assert (fit.epochs, fit.trainer.gradient_clip_val, fit.experiment_name, loaded.target) == (2, 1.5, "mine", "AUROC")
    assert {"loss_kwargs:margin", "loss_kwargs:Lambda"} <= {n for n, h in loaded.factory.cs.items() if getattr(h, "size", 2) > 1}


@pytest.mark.parametrize(
    "training",
    [
        {"loss": "AUCMLoss", "loss_kwargs": {"margin": 1.0}, "optimizer": "PESG",
         "optimizer_kwargs": {"lr": 0.1, "epoch_decay": 0.002, "weight_decay": 1e-5, "momentum": 0.9}},
        {"loss": "BCELoss", "loss_kwargs": {}, "optimizer": "Adam", "optimizer_kwargs": {"lr": 1e-3, "weight_decay": 1e-4}},
        {"loss": "CrossEntropyLoss", "optimizer": "SGD", "optimizer_kwargs": {"lr": 0.1, "momentum": 0.9}},
        {"loss": "CompositionalAUCLoss", "loss_kwargs": {"margin": 1.0, "k": 1}, "optimizer": "PDSCA",
         "optimizer_kwargs": {"lr": 0.1, "beta1": 0.9, "beta2": 0.9, "epoch_decay": 0.002, "weight_decay": 1e-4}},
        {"loss": "APLoss", "loss_kwargs": {"margin": 0.6, "gamma": 0.1}, "optimizer": "SOAP", "optimizer_kwargs": {"lr": 1e-3}},
        {"loss": "pAUC_CVaR_Loss", "loss_kwargs": {"beta": 0.3}, "optimizer": "SOPA"},
        {"loss": "pAUCLoss", "loss_kwargs": {"margin": 0.6, "gamma": 0.1, "mode": "1w"}, "optimizer": "SOPAs",
         "optimizer_kwargs": {"lr": 1e-3, "mode": "adam", "weight_decay": 2e-4}},
        {"loss": "pAUCLoss", "loss_kwargs": {"Lambda": 0.5, "tau": 1.0, "gammas": [0.5, 0.5], "mode": "2w"}, "optimizer": "SOTAs",
         "optimizer_kwargs": {"lr": 1e-3, "mode": "adam", "weight_decay": 2e-4}},
        {"loss": "tpAUC_CVaR_loss", "loss_kwargs": {"surr_loss": "squared_hinge"}, "optimizer": "STACO"},
    ],
    ids=lambda training: f"{training['loss']}-{training['optimizer']}",
)  # fmt: skip
def test_settings_of_libaucs_own_recipes_train(tmp_path: Path, training: dict[str, Any]) -> None:
    shared = {"epochs": 1, "num_workers": 0, "decay_epochs": [0.5, 0.75], "decay_factor": 10.0,
              "output_path": "./output", "resume_from_checkpoint": False, "save_checkpoint_every": 10, "verbose": 0}  # fmt: skip
    loaded = recipe(tmp_path, training={**shared, **training})
    result = default(loaded).run(seed=0)
    assert result.error is None, result.error
    assert result.status.has_score
    assert [note.split(":")[0] for note in loaded.notes] == [
        "training.save_checkpoint_every", "training.resume_from_checkpoint", "training.output_path"
    ]  # fmt: skip


def test_specs_are_searched_and_the_two_number_list_of_yaml_is_a_range(tmp_path: Path) -> None:
    loaded = recipe(
        tmp_path,
        model={"name": "mlp", "hidden": {"choices": [[8], [16, 8]]}},
        training={
            "batch_size": [32, 64], "sampling_rate": {"low": 0.2, "high": 0.5, "default": 0.3},
            "optimizer_kwargs": {"lr": {"val": [0.0001, 0.1], "log": True, "default": 0.01}, "momentum": 0.5},
            "loss_kwargs": {"margin": {"val": [0.8, 1.0], "default": 1.0}},
        },
    )  # fmt: skip
    space = loaded.factory.cs
    assert (space["optimizer_kwargs:lr"].lower, space["optimizer_kwargs:lr"].upper) == (0.0001, 0.1)
    assert space["loss_kwargs:margin"].choices == (0.8, 1.0)
    assert space["optimizer_kwargs:momentum"].value == 0.5
    assert space["model_kwargs:hidden"].choices == ((8,), (16, 8))
    assert {"batch_size", "sampling_rate"} <= set(space)


def test_trials_and_proposals_have_the_seeds_of_their_sections(tmp_path: Path) -> None:
    loaded = recipe(tmp_path, training={"SEED": 2026}, automax={"SEED": 42})
    tuner = loaded.tuner()
    tuner.optimize()
    assert [spec.seed for spec in tuner.history.asks] == [2026, 2026]
    assert tuner.settings()["seed"] == 42
    assert tuner.settings()["trial_seed"] == 2026


def test_another_network_or_other_data_under_the_same_name_are_refused(tmp_path: Path) -> None:
    recipe(tmp_path, automax={"n_trials": 1}).tuner().optimize()
    with pytest.raises(AutoMAXError, match="imratio"):
        recipe(tmp_path, dataset={"kwargs": {"imratio": 0.2}}).tuner()
    with pytest.raises(AutoMAXError, match="hidden"):
        recipe(tmp_path, model={"hidden": [9]}).tuner()
    with pytest.raises(AutoMAXError, match="seed"):
        recipe(tmp_path, {"seed": 5}).tuner()
    assert recipe(tmp_path, {"num_workers": 0}).tuner().finished == 1


def test_factories_travel_to_other_processes_and_several_labels_have_losses_of_their_own(tmp_path: Path) -> None:
    digits = load_digits()
    images = (digits.images[:200] * 15).astype(np.uint8)
    labels = np.stack([digits.target[:200] % 2, digits.target[:200] > 6], axis=1)
    np.savez(tmp_path / "d.npz", X=images, y=labels)
    loaded = recipe(
        tmp_path, dataset={"name": str(tmp_path / "d.npz"), "kwargs": {"augment": "crop"}}, model={"name": "resnet20"}
    )
    factory = cloudpickle.loads(cloudpickle.dumps(loaded.factory))
    fit = factory(factory.cs.get_default_configuration())
    assert fit.module.pair.name == "MultiLabelAUCMLoss"
    assert any("MultiLabelAUCMLoss" in note for note in loaded.notes)
    assert fit.run(seed=0).status.has_score


def test_overwrite_is_obeyed_where_it_is_given(tmp_path: Path) -> None:
    first = recipe(tmp_path, automax={"n_trials": 1}).tuner()
    first.optimize()
    assert recipe(tmp_path).tuner().finished == 1
    assert recipe(tmp_path, automax={"overwrite": True}).tuner().finished == 0
    assert recipe(tmp_path, {"resume": True}, automax={"overwrite": True}).tuner().finished == 1


def test_no_resume_deletes_this_search_only(tmp_path: Path) -> None:
    recipe(tmp_path, automax={"n_trials": 1}).tuner().optimize()
    (tmp_path / "s" / "mine.txt").write_text("kept")
    (tmp_path / "other").mkdir()
    tuner = recipe(tmp_path, {"resume": False, "epochs": 1}).tuner()
    tuner.optimize()
    assert [result.epochs for result in tuner.history.final().values()] == [1, 1]
    assert (tmp_path / "other").is_dir()
    assert (tmp_path / "s" / "mine.txt").read_text() == "kept"


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"dataset": {"name": "cifar"}}, "dataset.name: .*cifar10"),
        ({"dataset": {"kwargs": {"imration": 0.1}}}, "dataset.kwargs.imration: .*Did you mean 'imratio'"),
        ({"dataset": {"kwargs": {"imratio": 0.7}}}, "share in"),
        ({"model": {"name": "resnet21"}}, "model.name: .*resnet20"),
        ({"model": {"name": "mlp", "hiden": [3]}}, "model.hiden: .*Did you mean 'hidden'"),
        ({"model": {"name": "resnet20", "activations": "gelu"}}, "model.activations: expected one of .*found 'gelu'"),
        ({"model": {"name": "densenet121", "drop_rate": "much"}}, "model: expected .*much"),
        ({"model": {"name": "mlp", "hidden": 8}}, "MLP.hidden: expected integers of at least 1, found 8"),
        (
            {"dataset": {"kwargs": {"image_size": "big"}}},
            "DigitsDataModule.image_size: expected an integer of at least 0, found 'big'",
        ),
        ({"model": {"name": "mlp", "num_classes": 2}}, "model.num_classes: expected 1"),
        ({"model": {"name": "mlp", "pretrained_remote": True}}, "model.pretrained_remote"),
        ({"model": {"name": "mlp", "pretrained": True, "pretrained_path": "no.pt"}}, "no.pt: expected a file of weights"),
        ({"training": {"loss": "AUCLoss"}}, "loss: expected a loss of the catalogue.*AUCMLoss"),
        ({"training": {"optimizer": "SOAP"}}, "optimizer of AUCMLoss: expected one of .*PESG"),
        ({"training": {"loss_kwargs": {"margn": 1}}}, "loss_kwargs of AUCMLoss: margn"),
        ({"training": {"optimizer_kwargs": {"lr": {"val": [0.1, 0.2], "default": 0.5}}}}, "lr"),
        ({"metric_kwargs": [{"max_fpr": 0}]}, "max_fpr"),
        ({"training": {"loss": "NDCGLoss"}}, "training.loss: expected a loss of classification, found NDCGLoss"),
        ({"training": {"loss": "MultiLabelAUCMLoss"}}, "num_labels: expected at least 2"),
        ({"trainer": {"max_epoch": 3}}, "trainer.max_epoch: "),
        ({"trainer": {"max_epochs": 3}}, "Write training.epochs"),
        ({"trainer": {"acelerator": "cpu"}}, "trainer.acelerator: .*Did you mean 'accelerator'"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_trained_or_written(tmp_path: Path, sections: Any, message: str) -> None:
    with pytest.raises(AutoMAXError, match=message):
        recipe(tmp_path, **sections)
    assert not list(tmp_path.iterdir())


def test_a_network_that_does_not_fit_the_data_is_named_before_training(tmp_path: Path) -> None:
    X, y = load_breast_cancer(return_X_y=True)
    np.savez(tmp_path / "d.npz", X=X, y=1 - y)
    with pytest.raises(ConfigError, match=r"model: expected a network that takes the samples of the data, of shape \(30,\)"):
        recipe(tmp_path, dataset={"name": str(tmp_path / "d.npz")}, model={"name": "resnet20"})
