"""The best model outside of its trial: layers are there whoever makes them, and weights are those that were scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from ConfigSpace import Float
from lightning.pytorch.callbacks import BackboneFinetuning

from automax_lightning import AUCModule, AutoMAX, AutoMAXConfig, DigitsDataModule, Fit, Objective, TrialSpec, autopartial
from automax_lightning.errors import CheckpointError
from automax_lightning.models import MLP
from automax_lightning.trial.checkpoint import TrialFiles, load_checkpoint
from tests.support.fits import Points, Regression

CPU = {"accelerator": "cpu"}


class Late(L.LightningModule):
    """A regression whose head somebody makes late."""

    def __init__(self) -> None:
        super().__init__()
        self.body = torch.nn.Linear(4, 4)
        self.head: torch.nn.Module | None = None

    def make(self) -> None:
        if self.head is None:
            self.head = torch.nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert self.head is not None
        return self.head(self.body(x))

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        return (self(batch[0])[:, 0] - batch[1]).square().mean()

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val/score", -(self(batch[0])[:, 0] - batch[1]).square().mean())

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.05)


class InSetup(Late):
    def setup(self, stage: str) -> None:
        if stage == "fit":
            self.make()


class InConfigureModel(Late):
    def configure_model(self) -> None:
        self.make()


class AnewInEachSetup(Late):
    def setup(self, stage: str) -> None:
        self.head = torch.nn.Linear(4, 1)


class OnTheFirstBatch(Late):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.make()
        return super().forward(x)

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.body.parameters(), lr=0.05)


class Wraps(L.Callback):
    def setup(self, trainer: L.Trainer, pl_module: Any, stage: str) -> None:
        pl_module.make()


class InTrainingStep(Late):
    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        self.make()
        return super().training_step(batch, batch_idx)

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.body.parameters(), lr=0.05)


def search(root: Path, module: Any, *callbacks: L.Callback) -> AutoMAX:
    def made(lr: float) -> Fit:
        return Fit(module, lambda seed: Points(), epochs=2, objective=Objective("score"), trainer_kwargs=CPU, callbacks=callbacks)

    config = AutoMAXConfig(name="mine", output_directory=root, n_trials=1)
    return AutoMAX(autopartial(made, lr=Float("lr", (0.0, 1.0))), config, "score", quiet=True)


@pytest.mark.parametrize(
    ("module", "callbacks"),
    [(InSetup, ()), (InConfigureModel, ()), (AnewInEachSetup, ()), (OnTheFirstBatch, ()), (Late, (Wraps(),))],
)
def test_layers_that_are_made_late_are_there_with_the_best_weights(tmp_path: Path, module: Any, callbacks: Any) -> None:
    tuner = search(tmp_path, module, *callbacks)
    tuner.optimize()
    assert tuner.best is not None
    data = Points().data
    predicted = tuner.predict(data.tensors[0])
    losses = [(predicted[low : low + 16, 0] - data.tensors[1][low : low + 16]).square().mean() for low in range(0, 60, 16)]
    means = sum(loss * size for loss, size in zip(losses, (16, 16, 16, 12), strict=True)) / 60
    assert tuner.best.score == pytest.approx(-float(means), abs=1e-5)


def test_layers_that_only_training_makes_are_said(tmp_path: Path) -> None:
    tuner = search(tmp_path, InTrainingStep)
    tuner.optimize()
    with pytest.raises(
        CheckpointError, match=r"the layers of InTrainingStep, found AssertionError.*training_step is not run here"
    ):
        tuner.load_best_model()


def test_the_checkpoint_of_an_auc_module_loads_by_lightnings_own_method(tmp_path: Path) -> None:
    from automax_lightning import AUROC

    fit = Fit(lambda: AUCModule(MLP((8,))), DigitsDataModule(), epochs=1, callbacks=[AUROC()], trainer_kwargs=CPU)
    result = fit.run(spec=TrialSpec(1, {}, directory=tmp_path))
    loaded = AUCModule.load_from_checkpoint(result.checkpoint, model=MLP((8,)))
    assert result.checkpoint is not None
    for name, weights in load_checkpoint(result.checkpoint)["state_dict"].items():
        if isinstance(weights, torch.Tensor):
            assert torch.equal(loaded.state_dict()[name], weights)


class Reads(L.Callback):
    """What people do at the end of a fit."""

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths

    def __deepcopy__(self, memo: Any) -> Reads:
        return self

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.paths.append(trainer.checkpoint_callback.best_model_path)  # type: ignore[union-attr]


def test_the_best_path_is_there_for_a_users_callback(tmp_path: Path) -> None:
    paths: list[str] = []
    fit = Fit(Regression, Points(), epochs=2, objective=Objective("score"), trainer_kwargs=CPU, callbacks=[Reads(paths)])
    result = fit.run(spec=TrialSpec(1, {}, directory=tmp_path))
    assert paths == [str(result.checkpoint)]


class WithBackbone(Regression):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = torch.nn.Linear(4, 4)

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        return super().training_step([self.backbone(batch[0]), batch[1]], batch_idx)

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        super().validation_step([self.backbone(batch[0]), batch[1]], batch_idx)


def test_a_trial_whose_callback_would_freeze_again_starts_anew_and_ends_as_if_uncut(tmp_path: Path) -> None:
    def run(name: str, budget: int | None = None) -> Any:
        made = Fit(WithBackbone, lambda seed: Points(), epochs=4, objective=Objective("score"), trainer_kwargs=CPU,
                   callbacks=[BackboneFinetuning(unfreeze_backbone_at_epoch=1, verbose=False)])  # fmt: skip
        return made.run(spec=TrialSpec(1, {}, seed=2, directory=tmp_path / name, budget=budget))

    uncut = run("uncut")
    run("cut", budget=2)
    with pytest.warns(UserWarning, match="starts anew: Lightning does not restore what BackboneFinetuning has unfrozen"):
        resumed = run("cut")
    assert (resumed.curve, resumed.points, resumed.score) == (uncut.curve, uncut.points, uncut.score)
    weights = [load_checkpoint(TrialFiles(tmp_path / name).last)["state_dict"] for name in ("uncut", "cut")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
