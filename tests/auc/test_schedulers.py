"""A scheduler given as an argument changes the steps of every pair's optimizer, is searched, logged and resumed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import lightning as L
import pandas as pd
import pytest
import torch
from lightning.pytorch.callbacks import LearningRateMonitor
from lightning.pytorch.loggers import CSVLogger
from torch.optim import lr_scheduler as torchs

from automax_lightning import AUROC, AUCModule
from automax_lightning.auc.pairs import registry as pairs
from automax_lightning.auc.schedulers import check_scheduler, schedule_of
from automax_lightning.errors import ConfigError
from tests.support import auc as helpers

PATH = "torch.optim.lr_scheduler."
STEP = {"class_path": f"{PATH}StepLR", "init_args": {"step_size": 1, "gamma": 0.5}}
COSINE = {"class_path": f"{PATH}CosineAnnealingLR", "init_args": {"T_max": 4}}
WARM_UP = {"class_path": f"{PATH}LinearLR", "init_args": {"start_factor": 0.25, "total_iters": 2}}
BOTH = {"class_path": f"{PATH}SequentialLR", "init_args": {"schedulers": [WARM_UP, COSINE], "milestones": [2]}}
PLATEAU = {"class_path": f"{PATH}ReduceLROnPlateau", "init_args": {"mode": "max", "patience": 0, "threshold": 1.0}}


def freezing(optimizer: torch.optim.Optimizer) -> Any:
    """After the first epoch nothing moves."""
    return torchs.LambdaLR(optimizer, lambda epoch: float(epoch == 0))


class Watch(L.Callback):
    """The learning rates, and the weights, at the end of every epoch."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.inner: list[float] = []
        self.weights: list[torch.Tensor] = []

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        group = trainer.optimizers[0].param_groups[0]
        self.rates.append(group["lr"])
        self.inner.append(group.get("lr0", math.nan))
        self.weights.append(torch.nn.utils.parameters_to_vector(pl_module.model.parameters()).detach().clone())


def watched(name: str, schedule: Any, epochs: int = 3, *, callbacks: Any = (), **kwargs: Any) -> Watch:
    watch = Watch()
    made = helpers.module(name, lr_scheduler=schedule, **kwargs)
    helpers.fit(made, helpers.datamodule(made.pair), max_epochs=epochs, callbacks=[watch, *callbacks])
    return watch


def one_of_each_optimizer() -> list[str]:
    return list({pairs.get(name).optimizer().name: name for name in reversed(helpers.CLASSIFYING)}.values())


@pytest.mark.parametrize("name", one_of_each_optimizer())
def test_a_scheduler_changes_the_steps_of_every_optimizer(name: str) -> None:
    first, second = watched(name, freezing, 2).weights
    assert torch.equal(first, second)
    assert not torch.equal(*watched(name, None, 2).weights)


def test_pdscas_inner_learning_rate_follows() -> None:
    kwargs = {"loss": "CompositionalAUCLoss", "optimizer_kwargs": {"lr": 0.1, "lr0": 0.4}, "lr_scheduler": STEP}
    watch, made = Watch(), AUCModule(helpers.network(1), **kwargs)
    helpers.fit(made, helpers.datamodule(made.pair), max_epochs=3, callbacks=[watch])
    # Lightning steps the scheduler before this callback, and the optimizer takes the new rate with its next step.
    assert watch.rates == pytest.approx([0.05, 0.025, 0.0125])
    assert watch.inner == pytest.approx([0.4, 0.2, 0.1])


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (STEP, [0.05, 0.025, 0.0125]),
        (lambda optimizer: torchs.ExponentialLR(optimizer, 0.1), [0.01, 0.001, 0.0001]),
        ({"scheduler": STEP, "interval": "epoch", "frequency": 2}, [0.1, 0.05, 0.05]),
        (COSINE, [0.1 * (1 + math.cos(math.pi * epoch / 4)) / 2 for epoch in (1, 2, 3)]),
        (WARM_UP, [0.0625, 0.1, 0.1]),
        (BOTH, [0.0625, 0.1, 0.1 * (1 + math.cos(math.pi / 4)) / 2]),
    ],
)
def test_every_form_gives_torchs_own_rates(schedule: Any, expected: list[float]) -> None:
    assert watched("AUCMLoss", schedule).rates == pytest.approx(expected)


def test_steps_and_plateaus_are_lightnings_own() -> None:
    steps = len(helpers.datamodule(pairs.get("AUCMLoss")).train_dataloader())
    a_step = {"scheduler": {**STEP, "init_args": {"step_size": steps, "gamma": 0.1}}, "interval": "step"}
    assert watched("AUCMLoss", a_step, 2).rates == pytest.approx([0.01, 0.001])
    plateau = {"scheduler": PLATEAU, "monitor": "val/AUROC"}
    assert watched("AUCMLoss", plateau, 3, callbacks=[AUROC()]).rates == pytest.approx([0.1, 0.1, 0.01])


@pytest.mark.parametrize("schedule", [STEP, lambda optimizer: torchs.LambdaLR(optimizer, lambda epoch: 0.5**epoch)])
def test_with_a_scheduler_the_decay_moves_the_reference_alone(schedule: Any) -> None:
    """A schedule in closed form would take a decay back, another would keep it; so the rate is the scheduler's."""
    made, watch = helpers.module("AUCMLoss", lr_scheduler=schedule, decay_epochs=(1,)), Watch()
    trainer = helpers.fit(made, helpers.datamodule(made.pair), max_epochs=2, callbacks=[watch])
    assert watch.rates == pytest.approx([0.05, 0.025])
    assert int(trainer.optimizers[0].T) == trainer.num_training_batches


@pytest.mark.parametrize(("name", "schedule"), [("AUCMLoss", BOTH), ("CompositionalAUCLoss", COSINE), ("APLoss", STEP)])
def test_a_resumed_fit_has_the_same_bits(name: str, schedule: Any, tmp_path: Path) -> None:
    def fit(epochs: int, **kwargs: Any) -> tuple[L.Trainer, AUCModule]:
        made = helpers.module(name, lr_scheduler=schedule, decay_epochs=(1, 3))
        return helpers.fit(made, helpers.datamodule(made.pair), max_epochs=epochs, **kwargs), made

    fit(2)[0].save_checkpoint(tmp_path / "two.ckpt")
    (resumed, one), (straight, other) = fit(4, ckpt_path=tmp_path / "two.ckpt"), fit(4)
    assert not helpers.exactly_equal(one.state_dict(), other.state_dict())
    groups = [trainer.optimizers[0].param_groups[0] for trainer in (resumed, straight)]
    assert groups[0]["lr"] == groups[1]["lr"]
    loaded = AUCModule.load_from_checkpoint(tmp_path / "two.ckpt", model=helpers.network(1), weights_only=True)
    assert loaded.hparams["lr_scheduler"] == schedule


def test_the_monitor_logs_the_rate(tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path)
    made = helpers.module("AUCMLoss", lr_scheduler={"scheduler": STEP, "name": "lr"})
    helpers.fit(made, helpers.datamodule(made.pair), logger=logger, callbacks=[LearningRateMonitor("epoch")])
    rows = pd.read_csv(Path(logger.log_dir) / "metrics.csv")
    assert rows["lr"].dropna().tolist() == pytest.approx([0.1, 0.05])


def test_a_scheduler_that_an_override_forgets_is_an_error() -> None:
    class Mine(AUCModule):
        def configure_optimizers(self) -> Any:
            return super().configure_optimizers()["optimizer"]

    with pytest.raises(ConfigError, match=r"AUCModule.lr_scheduler: expected a configure_optimizers that uses it"):
        helpers.fit(Mine(helpers.network(1), lr_scheduler=STEP), helpers.datamodule(pairs.get("AUCMLoss")))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (3, r"AUCModule.lr_scheduler: expected a callable optimizer -> scheduler, or a dictionary, found 3"),
        ({}, r"expected class_path and init_args"),
        ({**STEP, "init_arg": {}}, r"found the keys \['class_path', 'init_arg', 'init_args'\]"),
        ({"class_path": f"{PATH}StepRL"}, r"lr_scheduler.class_path: expected the path of a scheduler class, found '.*StepRL'"),
        ({"class_path": "no.such.Thing"}, r"lr_scheduler.class_path"),
        ({"class_path": "torch.optim.Adam"}, r"lr_scheduler.class_path"),
        ({**STEP, "init_args": {"step_size": 1, "gama": 1}}, r"lr_scheduler.init_args.gama: .* Did you mean 'gamma'"),
        ({"class_path": f"{PATH}StepLR"}, r"lr_scheduler.init_args: .* found no step_size. Pass step_size"),
        ({"scheduler": STEP, "intervall": 1}, r"lr_scheduler.intervall: .* Did you mean 'interval'"),
        ({"scheduler": 3}, r"lr_scheduler.scheduler: expected a callable"),
        ({"scheduler": PLATEAU}, r"lr_scheduler.monitor: expected the logged value"),
        (PLATEAU, r"lr_scheduler.monitor: expected the logged value"),
        ({**BOTH, "init_args": {"schedulers": [{"class_path": "x"}], "milestones": [1]}}, r"init_args.schedulers.class_path"),
    ],
)
def test_what_makes_no_scheduler_is_named_at_once(value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AUCModule(helpers.network(1), lr_scheduler=value)


def test_what_returns_no_scheduler_is_named() -> None:
    check_scheduler(lambda optimizer: None)
    with pytest.raises(ConfigError, match=r"a callable that returns a scheduler of .*, found NoneType"):
        schedule_of(lambda optimizer: None, torch.optim.SGD(helpers.network(1).parameters()))
