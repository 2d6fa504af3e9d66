"""A user's own module, callbacks, strategy and precision inside a trial, through `AutoMAX`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.plugins.precision import MixedPrecision
from lightning.pytorch.strategies import SingleDeviceStrategy

from automax_lightning import AutoMAX, AutoMAXConfig, Fit, Objective, autopartial, parse_hyperparameters_from_dict
from automax_lightning.errors import TargetError
from automax_lightning.trial.trainer import trial_callbacks
from tests.support.fits import Points, Regression


class Counts(L.Callback):
    """Remembers in a checkpoint how often it was called; made once, by the user."""

    def __init__(self) -> None:
        self.calls = 0

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.calls += 1

    def state_dict(self) -> dict[str, int]:
        return {"calls": self.calls}


def search(root: Path, target: str = "score", mode: str = "max", callbacks: Any = (), epochs: int = 3, **trainer: Any) -> AutoMAX:
    def make(**searched: Any) -> Fit:
        kwargs = {"accelerator": "cpu", **trainer, **searched}
        return Fit(Regression, Points(), epochs=epochs, trainer_kwargs=kwargs, callbacks=callbacks)

    made = autopartial(make, **parse_hyperparameters_from_dict({"gradient_clip_val": (0.5, 2.0)}))
    return AutoMAX(made, AutoMAXConfig(name="own", n_trials=2, output_directory=root, mode=mode), target, quiet=True)


def test_a_target_that_is_never_logged_fails_the_first_trial_with_the_logged_keys(tmp_path: Path) -> None:
    tuner = search(tmp_path, target="scroe")
    with pytest.raises(TargetError, match=r"AutoMAX.target: .*'val/scroe'.*'val/score'"):
        tuner.optimize()
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize(("mode", "choose"), [("max", max), ("min", min)])
def test_any_logged_key_is_a_target_either_way(tmp_path: Path, mode: str, choose: Any) -> None:
    tuner = search(tmp_path, target="val/score", mode=mode)
    tuner.optimize()
    assert tuner.best_score == choose(entry["val"] for entry in tuner.log)
    assert len(tuner.history.final()) == 2
    for number, result in tuner.history.final().items():
        assert result.score == choose(result.curve), number


def test_own_callbacks_start_afresh_in_each_trial(tmp_path: Path) -> None:
    counts, stop = Counts(), EarlyStopping("val/score", mode="max", patience=1, min_delta=1e9)
    tuner = search(tmp_path, callbacks=[counts, stop], epochs=5)
    tuner.optimize()
    assert counts.calls == 0
    assert len(tuner.history.final()) == 2
    for result in tuner.history.final().values():
        assert (result.status.name, result.epochs) == ("SUCCESS", 2)
        kept = torch.load(result.checkpoint, weights_only=False)["callbacks"]
        assert kept["Counts"]["calls"] == result.best_epoch - 1  # it counts ends of epochs; the validation comes before


def test_own_checkpoints_are_the_trials_own_and_none_is_written_twice(tmp_path: Path) -> None:
    own = ModelCheckpoint(dirpath=tmp_path / "shared", every_n_epochs=1, save_top_k=-1, filename="{epoch}", save_last=True)
    same = ModelCheckpoint(monitor="val/score", mode="max")
    tuner = search(tmp_path, callbacks=[own, same], default_root_dir=tmp_path / "elsewhere")
    tuner.optimize()
    for number in (1, 2):
        folder = tuner.directory / "trials" / f"{number:04d}"
        assert sorted(path.name for path in folder.rglob("*.ckpt")) == [
            "best.ckpt",
            *(f"epoch={e}.ckpt" for e in range(3)),
            "last.ckpt",
        ]
        assert sorted(path.name for path in (folder / "checkpoints").iterdir()) == ["best.ckpt"]
    assert own.dirpath == str(tmp_path / "shared")
    assert not (tmp_path / "shared").exists()
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("callback", "stays"),
    [
        (ModelCheckpoint(), False),
        (ModelCheckpoint(monitor="val/score", mode="max"), False),
        (ModelCheckpoint(monitor="val/score", mode="min"), True),
        (ModelCheckpoint(monitor="val/other", mode="max"), True),
        (ModelCheckpoint(monitor="val/score", mode="max", save_top_k=2), True),
        (ModelCheckpoint(every_n_train_steps=5), True),
        (type("Mine", (ModelCheckpoint,), {})(), True),
    ],
)
def test_only_what_the_trial_keeps_anyway_is_left_out(tmp_path: Path, callback: Any, stays: bool) -> None:
    copies = trial_callbacks([callback], Objective("score"), tmp_path)
    assert len(copies) == int(stays)
    assert callback not in copies
    assert all(copy.dirpath == str(tmp_path / "model_checkpoints") for copy in copies if isinstance(copy, ModelCheckpoint))


def test_strategies_and_precision_plugins_are_the_users(tmp_path: Path) -> None:
    strategy, plugin = SingleDeviceStrategy("cpu"), MixedPrecision("bf16-mixed", "cpu")
    seen = []

    class Look(L.Callback):
        def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
            seen.append((type(trainer.strategy), trainer.precision, trainer.strategy is strategy))

    tuner = search(tmp_path, callbacks=[Look()], strategy=strategy, plugins=[plugin])
    tuner.optimize()
    assert seen == [(SingleDeviceStrategy, "bf16-mixed", False)] * 2
    assert all(result.status.name == "SUCCESS" for result in tuner.history.final().values())
