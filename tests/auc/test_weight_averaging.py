"""Lightning's averages of weights over every pair: the network is averaged, the loss is not, and a fit resumes exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from sklearn.metrics import roc_auc_score

from automax_lightning import AUROC, AUCModule, AutoMAX, AutoMAXConfig, ReproducibleEpochs, trainer_factory
from automax_lightning.auc.pairs import registry as pairs
from automax_lightning.models import MLP
from tests.support import auc as helpers
from tests.support import queries

averaging = pytest.importorskip("lightning.pytorch.callbacks.weight_averaging", reason="of Lightning 2.6")
DECAY = 0.8
FEW = ("AUCMLoss", "APLoss")
pytestmark = pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty")
SWEEP = [
    pytest.param(name, use_buffers, marks=[] if name in FEW else pytest.mark.slow)
    for name in helpers.CLASSIFYING
    for use_buffers in (True, False)
]


class Watcher(L.Callback):
    """The network after each step."""

    def __init__(self) -> None:
        self.seen: list[dict[str, torch.Tensor]] = []

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.seen.append({name: value.clone() for name, value in pl_module.model.state_dict().items()})

    def average(self) -> dict[str, torch.Tensor]:
        kept = {name: value.double() for name, value in self.seen[0].items()}
        for step in self.seen[1:]:
            kept = {name: DECAY * kept[name] + (1 - DECAY) * value for name, value in step.items()}
        return kept


def module(name: str) -> AUCModule:
    made = helpers.module(name, dropout=0.2)
    made.model.insert(1, torch.nn.BatchNorm1d(16))
    return made


def fit(name: str, epochs: int, folder: Path, *, use_buffers: bool | None, resume: bool = False) -> dict[str, Any]:
    """The last checkpoint, with what happened."""
    made, watcher, scored = module(name), Watcher(), AUROC()
    callbacks: list[L.Callback] = [ReproducibleEpochs(1), watcher, scored]
    if use_buffers is not None:
        callbacks.append(averaging.EMAWeightAveraging(decay=DECAY, use_buffers=use_buffers))
    keeper = ModelCheckpoint(dirpath=folder, filename="kept", enable_version_counter=False)
    path = folder / "kept.ckpt"
    data = helpers.datamodule(pairs.get(name))
    trainer = helpers.fit(
        made, data, max_epochs=epochs, callbacks=[*callbacks, keeper], enable_checkpointing=True,
        **({"ckpt_path": path} if resume else {}),
    )  # fmt: skip
    logged = float(trainer.callback_metrics["val/AUROC"])
    return {**torch.load(path, weights_only=True), "watcher": watcher, "logged": logged, "module": made}


@pytest.mark.parametrize(("name", "use_buffers"), SWEEP)
def test_the_network_is_averaged_and_the_loss_is_not(name: str, use_buffers: bool, tmp_path: Path) -> None:
    plain = fit(name, 2, tmp_path / "plain", use_buffers=None)
    found = fit(name, 2, tmp_path / "averaged", use_buffers=use_buffers)
    assert not helpers.exactly_equal(found["current_model_state"], plain["state_dict"])
    losses = {key: value for key, value in plain["state_dict"].items() if key.startswith("loss.")}
    kept = {key: value for key, value in found["state_dict"].items() if key.startswith("loss.")}
    assert not helpers.exactly_equal(kept, losses)
    assert kept["loss._extra_state"] == losses["loss._extra_state"]
    for key, value in found["watcher"].average().items():
        if key.endswith("num_batches_tracked"):
            continue  # a counter, whose mean is no number of batches
        is_weight = "running" not in key
        expected = value if is_weight or use_buffers else plain["state_dict"][f"model.{key}"]
        torch.testing.assert_close(found["state_dict"][f"model.{key}"].double(), expected.double(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("name", "use_buffers"), SWEEP)
def test_the_averaged_weights_are_scored_and_a_fit_resumes_exactly(name: str, use_buffers: bool, tmp_path: Path) -> None:
    straight = fit(name, 2, tmp_path / "straight", use_buffers=use_buffers)
    fit(name, 1, tmp_path / "cut", use_buffers=use_buffers)
    resumed = fit(name, 2, tmp_path / "cut", use_buffers=use_buffers, resume=True)
    for part in ("state_dict", "current_model_state"):
        assert not helpers.exactly_equal(resumed[part], straight[part])
    made = module(name)
    made.load_state_dict(straight["state_dict"])
    x, y = helpers.digits(helpers.num_labels_of(pairs.get(name))).tensors
    expected = roc_auc_score(y.numpy(), made.model.eval()(x).detach().numpy())
    assert straight["logged"] == pytest.approx(expected, abs=1e-6)
    loaded = AUCModule.load_from_checkpoint(tmp_path / "straight" / "kept.ckpt", model=module(name).model, weights_only=True)
    assert not helpers.exactly_equal(loaded.state_dict(), straight["state_dict"])


@pytest.mark.parametrize("loss", ["AUCMLoss", "APLoss"])
def test_lazy_layers_have_their_shapes_when_a_callback_copies_them(loss: str) -> None:
    made = AUCModule(MLP((8,)), loss=loss)
    data = helpers.datamodule(pairs.get(loss))
    trainer = helpers.fit(made, data, max_epochs=1, callbacks=[averaging.EMAWeightAveraging(decay=DECAY)])
    assert trainer.global_step > 0
    trainer.fit_loop.max_epochs = 2
    trainer.fit(made, datamodule=data)  # the same Trainer again
    assert [type(callback).__name__ for callback in trainer.callbacks].count("_Preparation") == 1


@pytest.mark.parametrize("use_buffers", [True, False])
def test_a_pair_that_ranks_is_averaged_alike(use_buffers: bool, tmp_path: Path) -> None:
    plain, averaged = queries.module(), queries.module()
    queries.fit(plain, 2)
    trainer = queries.fit(averaged, 2, callbacks=[averaging.EMAWeightAveraging(decay=DECAY, use_buffers=use_buffers)])
    trainer.save_checkpoint(tmp_path / "kept.ckpt")
    kept = torch.load(tmp_path / "kept.ckpt", weights_only=True)
    losses = {f"loss.{key}": value for key, value in plain.loss.state_dict().items()}
    assert not helpers.exactly_equal({key: value for key, value in kept["state_dict"].items() if "loss." in key}, losses)
    assert not torch.equal(averaged.model.layer.weight, plain.model.layer.weight)


@pytest.mark.slow
def test_a_trial_keeps_the_averaged_weights_that_it_scored(tmp_path: Path) -> None:
    data = helpers.datamodule(pairs.get("APLoss"))
    callbacks = [averaging.EMAWeightAveraging(decay=DECAY)]
    factory = trainer_factory(MLP, data, loss="APLoss", model_kwargs={"hidden": (8,)}, epochs=3, callbacks=callbacks)
    config = AutoMAXConfig(name="averaged", n_trials=2, output_directory=str(tmp_path))
    tuner = AutoMAX(factory, config, quiet=True)
    tuner.optimize()
    x, y = helpers.digits(1).tensors
    scores = tuner.load_best_model()(x).detach().reshape(-1)
    assert tuner.best_score == pytest.approx(roc_auc_score(y, scores), abs=1e-6)


def test_a_module_without_a_trainer_has_no_callbacks() -> None:
    assert helpers.module("AUCMLoss").configure_callbacks() == []
