from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from torch.utils.data import DataLoader

from automax_lightning import DigitsDataModule, autopartial, trainer_factory
from automax_lightning.errors import ConfigError, PairError, SpaceError
from automax_lightning.models import MLP
from automax_lightning.space.configurations import configuration, values

DATA = DigitsDataModule()


def factory(**kwargs: Any) -> autopartial:
    return trainer_factory(**{"model": MLP, "data": DATA, "epochs": 2, **kwargs})


def fit_of(made: autopartial, **changes: Any) -> Any:
    default = values(made.cs.get_default_configuration())
    return made(configuration(made.cs, {**default, **changes}))


def test_the_pairs_default_space_is_searched() -> None:
    made = factory()
    assert sorted(made.cs) == [
        "loss_kwargs:margin", "optimizer_kwargs:epoch_decay", "optimizer_kwargs:lr", "optimizer_kwargs:momentum",
        "optimizer_kwargs:weight_decay",
    ]  # fmt: skip
    assert isinstance(made, autopartial)


def test_every_searched_value_reaches_what_is_built() -> None:
    made = factory(
        model_kwargs={"hidden": {"choices": [(8,), (16, 4)]}, "dropout": {"low": 0.0, "high": 0.5}},
        epochs=(2, 9), sampling_rate=[0.5, 0.25], batch_size=[32, 64],
        decay_epochs={"choices": [(0.5,), (0.25, 0.75)]},
        trainer_kwargs={"accelerator": "cpu", "gradient_clip_val": {"choices": [0.5, 1.5]}},
    )  # fmt: skip
    fit = fit_of(made, **{
        "model_kwargs:hidden": (16, 4), "model_kwargs:dropout": 0.25, "epochs": 7, "sampling_rate": 0.25, "batch_size": 32,
        "decay_epochs": (0.25, 0.75), "trainer_kwargs:gradient_clip_val": 1.5, "optimizer_kwargs:lr": 0.05,
        "optimizer_kwargs:momentum": 0.85, "loss_kwargs:margin": 0.6,
    })  # fmt: skip
    module = fit.module
    assert [layer.out_features for layer in module.model.layers if isinstance(layer, torch.nn.Linear)] == [16, 4, 1]
    assert [layer.p for layer in module.model.layers if isinstance(layer, torch.nn.Dropout)] == [0.25, 0.25]
    assert (fit.epochs, fit.datamodule.sampling_rate, fit.datamodule.batch_size) == (7, 0.25, 32)
    assert module.hparams["decay_epochs"] == (0.25, 0.75)
    assert fit.trainer.gradient_clip_val == 1.5
    fit.epochs = 1
    fit.run(seed=0)
    group = fit.trainer.optimizers[0].param_groups[0]
    # Of one epoch, a quarter and three quarters are both its start: one decay.
    assert (group["lr"], group["momentum"]) == (0.05 / 10, 0.85)
    assert module.loss.loss_fn.margin == group["margin"] == 0.6


def test_plain_values_are_fixed_and_specs_replace_the_defaults() -> None:
    made = factory(optimizer_kwargs={"lr": 0.03, "momentum": {"low": 0.1, "high": 0.2}}, loss_kwargs={"version": "v2"})
    default = values(made.cs.get_default_configuration())
    assert default["optimizer_kwargs:lr"] == 0.03
    assert default["optimizer_kwargs:momentum"] == 0.1
    assert default["loss_kwargs:version"] == "v2"
    assert fit_of(made).module.loss.loss_kwargs["version"] == "v2"


def test_each_fit_is_fresh_and_the_data_are_shared() -> None:
    callback = L.Callback()
    model = torch.nn.Sequential(torch.nn.Linear(64, 1))
    made = factory(model=model, callbacks=[callback])
    first, second = fit_of(made), fit_of(made)
    assert first.module is not second.module
    assert first.module.model is not model
    assert first.datamodule is not second.datamodule
    assert first.datamodule.datasets is second.datamodule.datasets
    assert callback not in first.trainer.callbacks


def test_the_wrapped_modes_of_pauc_are_their_pairs() -> None:
    made = factory(loss="pAUCLoss", loss_kwargs={"mode": "2w"})
    assert "loss_kwargs:gammas" in made.cs
    assert "loss_kwargs:mode" not in made.cs
    assert fit_of(made, **{"loss_kwargs:gammas": (0.5, 0.5)}).module.loss.loss_kwargs["gammas"] == (0.5, 0.5)


def test_any_datamodule_is_wrapped() -> None:
    class Theirs(L.LightningDataModule):
        def setup(self, stage: str) -> None:
            self.data = DATA.datasets[0]

        def train_dataloader(self) -> Any:
            return DataLoader(self.data, batch_size=64)

        def val_dataloader(self) -> Any:
            return DataLoader(self.data, batch_size=64)

    result = fit_of(factory(data=Theirs(), loss="APLoss", sampling_rate=0.25)).run(seed=0)
    assert result.status.name == "SUCCESS"
    assert result.test == {}
    assert fit_of(factory(data=Theirs)).run(seed=0).status.name == "SUCCESS"


def test_metrics_and_their_ranges_are_reported(tmp_path: Path) -> None:
    made = factory(metrics=("AUPRC", "AUROC", "pAUROC"), metric_kwargs={"max_fpr": 0.3}, output_path=tmp_path)
    result = fit_of(made).run(seed=1)
    assert set(result.val) == set(result.test) == {"AUPRC", "AUROC", "pAUROC"}
    assert result.score == result.val["AUPRC"]
    assert result.checkpoint == tmp_path / "automax" / "checkpoints" / "best.ckpt"


@pytest.mark.parametrize(
    ("kwargs", "kind", "message"),
    [
        ({"loss": "AUC"}, PairError, "loss: expected a loss of the catalogue"),
        ({"optimizer": "SGD"}, PairError, r"expected one of \['PESG'\]"),
        ({"loss_kwargs": {"margn": 1.0}}, PairError, "Did you mean 'margin'"),
        ({"optimizer_kwargs": {"lrr": 0.1}}, PairError, "Did you mean 'lr'"),
        ({"optimizer_kwargs": {"lr": {"val": (0.1, 0.2), "default": 0.5}}}, SpaceError, "lr.default"),
        ({"model_kwargs": {"hiden": (3,)}}, ConfigError, r"model_kwargs.hiden: .* Did you mean 'hidden'"),
        ({"model": torch.nn.Linear(1, 1), "model_kwargs": {"bias": True}}, ConfigError, "Pass model=TheClass"),
        ({"model": 3}, ConfigError, "trainer_factory.model"),
        ({"metrics": ("AUC",)}, ConfigError, "metrics: expected one of"),
        ({"metrics": ("pAUROC",)}, ConfigError, "a range for pAUROC"),
        ({"data": None}, ConfigError, "trainer_factory.data: expected a LightningDataModule, or a callable"),
        ({"epochs": 1.5}, ConfigError, "trainer_factory.epochs: expected an integer of at least 1, or a search spec, found 1.5"),
        ({"epochs": 0}, ConfigError, "trainer_factory.epochs"),
        ({"loss": None}, ConfigError, "trainer_factory.loss: expected the name of a loss"),
        ({"loss_kwargs": 3}, ConfigError, "trainer_factory.loss_kwargs: expected a dictionary"),
        ({"decay_epochs": 0.5}, ConfigError, "trainer_factory.decay_epochs: expected a sequence"),
        ({"decay_epochs": (-1,)}, ConfigError, "trainer_factory.decay_epochs"),
        ({"decay_factor": 0}, ConfigError, "trainer_factory.decay_factor: expected a number above 0"),
        ({"sampling_rate": 1.0}, ConfigError, r"trainer_factory.sampling_rate: expected a share in \(0, 1\)"),
        ({"batch_size": 1}, ConfigError, "trainer_factory.batch_size: expected an integer of at least 2"),
        ({"eval_batch_size": "9"}, ConfigError, "trainer_factory.eval_batch_size"),
        ({"callbacks": L.Callback()}, ConfigError, "trainer_factory.callbacks: expected a sequence of Lightning callbacks"),
        ({"num_labels": 0}, ConfigError, "trainer_factory.num_labels"),
        ({"verbose": 1}, ConfigError, "trainer_factory.verbose: expected true or false"),
        ({"experiment_name": "a/b"}, ConfigError, "trainer_factory.experiment_name: expected a non-empty name"),
    ],
)
def test_mistakes_are_found_when_the_factory_is_made(kwargs: dict[str, Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        factory(**kwargs)


def test_a_factory_over_importable_parts_can_be_pickled() -> None:
    made = factory()
    twin = pickle.loads(pickle.dumps(made))
    assert sorted(twin.cs) == sorted(made.cs)


def test_a_schedulers_arguments_are_searched_wherever_they_stand() -> None:
    step = {"class_path": "torch.optim.lr_scheduler.StepLR", "init_args": {"step_size": 1, "gamma": {"low": 0.1, "high": 0.9}}}
    for value, name in ((step, "lr_scheduler:init_args:gamma"), ({"scheduler": step}, "lr_scheduler:scheduler:init_args:gamma")):
        made = factory(lr_scheduler=value)
        assert name in made.cs
        fit = fit_of(made, **{name: 0.3})
        described = fit.module.hparams["lr_scheduler"]
        assert described.get("scheduler", described)["init_args"] == {"step_size": 1, "gamma": 0.3}
    fit.run(seed=0)
    assert fit.trainer.optimizers[0].param_groups[0]["lr"] == pytest.approx(0.1 * 0.3**2)
    assert step["init_args"]["gamma"] == {"low": 0.1, "high": 0.9}  # type: ignore[index]


def test_a_scheduler_may_be_a_callable_and_a_wrong_one_is_an_error_before_any_trial() -> None:
    fit = fit_of(factory(lr_scheduler=half_an_epoch))
    fit.run(seed=0)
    assert fit.trainer.optimizers[0].param_groups[0]["lr"] == pytest.approx(0.1 / 4)
    step = {"step_size": 1, "gama": {"low": 0.1, "high": 0.9}}
    with pytest.raises(ConfigError, match=r"lr_scheduler.init_args.gama: .* Did you mean 'gamma'"):
        factory(lr_scheduler={"class_path": "torch.optim.lr_scheduler.StepLR", "init_args": step})
    with pytest.raises(ConfigError, match=r"trainer_factory.lr_scheduler: expected a callable"):
        factory(lr_scheduler="cosine")


def half_an_epoch(optimizer: torch.optim.Optimizer) -> Any:
    return torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)


def test_scores_and_the_default_learning_rate_of_a_version_reach_every_trial() -> None:
    made = factory(scores="logits", loss_kwargs={"version": "v2"})
    assert values(made.cs.get_default_configuration())["optimizer_kwargs:lr"] == 0.03
    assert fit_of(made).module.loss.pair.scores == "logits"
    several = trainer_factory(MLP, DATA, ["AUCMLoss", "APLoss"], loss_kwargs={"version": "v2"})
    assert several.cs["AUCMLoss:optimizer_kwargs:lr"].default_value == 0.03
    with pytest.raises(PairError, match="scores of CompositionalAUCLoss"):
        trainer_factory(MLP, DATA, ["AUCMLoss", "CompositionalAUCLoss"], scores="logits")
