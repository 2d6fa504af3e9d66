"""Whenever a fit validates, the score that is reported is that of the checkpoint that is delivered."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch

from automax_lightning import AutoMAXConfig, Objective, Status, TrialSpec
from automax_lightning.search.executors.choose import make_executor
from automax_lightning.trial.checkpoint import TrialFiles, load_checkpoint, read_checkpoint, salvage
from automax_lightning.trial.fit import Fit
from automax_lightning.trial.records import CurvePoint, TrialResult
from tests.support.fits import Points
from tests.support.validating import WAYS, Noisy, ValidatingFactory, fit


def validated(checkpoint: Path | None) -> float:
    """The score of a checkpoint in a Trainer that knows nothing of trials."""
    assert checkpoint is not None
    module = Noisy()
    module.load_state_dict(load_checkpoint(checkpoint)["state_dict"])
    trainer = L.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False)
    return float(trainer.validate(module, datamodule=Points(), verbose=False)[0]["val/score"])


@pytest.mark.parametrize("way", WAYS)
def test_the_score_is_that_of_the_delivered_checkpoint(tmp_path: Path, way: str) -> None:
    result = fit(way).run(spec=TrialSpec(1, {}, seed=3, directory=tmp_path))
    assert result.status is Status.SUCCESS
    assert result.score == validated(result.checkpoint)
    assert result.score == max(point.score for point in result.points)
    assert CurvePoint(result.best_epoch or 0, result.best_step or 0, result.score or 0.0) in result.points
    assert read_checkpoint(TrialFiles(tmp_path).best).global_step == result.best_step
    in_epochs = {point.epoch: point.score for point in sorted(result.points, key=lambda point: point.score)}
    assert result.curve == pytest.approx([in_epochs.get(epoch, math.nan) for epoch in range(1, result.epochs + 1)], nan_ok=True)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_so_it_is_in_a_process(tmp_path: Path, way: str) -> None:
    config = AutoMAXConfig(n_trials=1, output_directory=tmp_path, executor="process", n_workers=1)
    executor = make_executor(config, ValidatingFactory(way).partial(), Objective("score"), tmp_path, None)
    spec = TrialSpec(1, {"lr": 0.05}, seed=3, directory=tmp_path / "trials" / "0001")
    try:
        executor.submit(spec, lambda epoch, score: None, lambda: False)
        result = executor.wait()
    finally:
        executor.close()
    assert result.status is Status.SUCCESS, result.error
    assert result.score == validated(result.checkpoint)
    inline = fit(way).run(spec=TrialSpec(1, {"lr": 0.05}, seed=3, directory=tmp_path / "inline"))
    told = [repr((each.points, each.curve, each.best_step)) for each in (result, inline)]  # as text, NaN is equal to NaN
    assert told[0] == told[1]


class KilledError(Exception):
    """As far as the files are concerned, a kill."""


class KillAfter(L.Callback):
    """Ends the process, so to say, after so many validations."""

    def __init__(self, validations: int) -> None:
        self.left = validations

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int) -> None:
        if self.left <= 0:
            raise KilledError

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.left -= 1


def comparable(result: TrialResult, files: TrialFiles) -> tuple[Any, ...]:
    weights = [load_checkpoint(path)["state_dict"] for path in (files.best, files.last)]
    return (
        result.status, result.score, repr(result.curve), repr(result.points), result.best_step, result.test,
        [{name: tensor.tolist() for name, tensor in each.items()} for each in weights],
    )  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("validations", [1, 2, 3])
def test_a_trial_killed_after_a_validation_is_resumed_as_the_one_that_was_not(tmp_path: Path, way: str, validations: int) -> None:
    uncut = fit(way).run(spec=TrialSpec(1, {}, seed=3, directory=tmp_path / "uncut"))
    spec = TrialSpec(1, {}, seed=3, directory=tmp_path / "cut")
    cut = fit(way, callbacks=[KillAfter(validations)]).run(spec=spec)
    assert cut.status is (Status.CRASHED if validations < len(uncut.points) else Status.SUCCESS)
    rescued = salvage(spec, Status.KILLED, "it died")
    assert rescued.score == (None if rescued.checkpoint is None else validated(rescued.checkpoint))
    assert rescued.score == cut.score
    resumed = fit(way).run(spec=spec)
    files = [TrialFiles(tmp_path / name) for name in ("cut", "uncut")]
    assert comparable(resumed, files[0]) == comparable(uncut, files[1])
    assert resumed.score == validated(resumed.checkpoint)


def test_steps_alone_are_a_way_to_train(tmp_path: Path) -> None:
    settings = {"max_steps": 10, "val_check_interval": 3, "check_val_every_n_epoch": None}
    result = fit("each epoch", trainer_kwargs=settings, epochs=None).run(spec=TrialSpec(1, {}, directory=tmp_path))
    assert (result.status, [point.step for point in result.points]) == (Status.SUCCESS, [3, 6, 9])
    assert result.score == validated(result.checkpoint)


@pytest.mark.parametrize("settings", [{"max_epochs": -1, "max_steps": 9}, {"max_epochs": None, "max_steps": 9}, {"max_steps": 9}])
def test_no_number_of_epochs_ends_a_fit_of_steps(tmp_path: Path, settings: dict[str, Any]) -> None:
    result = fit("each epoch", trainer_kwargs=settings, epochs=None).run(spec=TrialSpec(1, {}, directory=tmp_path))
    assert (result.status, result.epochs, result.points[-1].step) == (Status.SUCCESS, 3, 8)


def test_a_fit_of_steps_can_be_paused_stopped_and_interrupted(tmp_path: Path) -> None:
    settings = {"max_epochs": -1, "max_steps": 20}

    def run(name: str, **terms: Any) -> TrialResult:
        spec = TrialSpec(1, {}, directory=tmp_path / name, budget=terms.pop("budget", None))
        return fit("each epoch", trainer_kwargs=settings, epochs=None).run(spec=spec, **terms)

    assert run("a", budget=2).status is Status.PAUSED
    assert run("b", on_epoch=lambda epoch, score: "worse" if epoch == 3 else None).epochs == 3
    assert run("c", stop_requested=lambda: True).status is Status.INTERRUPTED
    resumed, uncut = run("a"), run("d")
    assert (resumed.points, resumed.curve, resumed.test) == (uncut.points, uncut.curve, uncut.test)
    assert [result.points[-1].step for result in (resumed, uncut)] == [20, 20]


def test_time_alone_is_a_way_to_train(tmp_path: Path) -> None:
    settings = {"max_time": {"seconds": 2}, "max_epochs": -1}
    result = fit("each epoch", trainer_kwargs=settings, epochs=None).run(spec=TrialSpec(1, {}, directory=tmp_path))
    assert result.status is Status.SUCCESS
    assert result.score == validated(result.checkpoint)


def test_the_weights_are_those_of_the_validation_whatever_the_end_of_the_epoch_does_to_them(tmp_path: Path) -> None:
    class Spoiled(Noisy):
        def on_train_epoch_end(self) -> None:
            with torch.no_grad():
                for parameter in self.parameters():
                    parameter.mul_(0.5)

    made = Fit(Spoiled, lambda seed: Points(), epochs=3, objective=Objective("score"), trainer_kwargs={"accelerator": "cpu"})
    result = made.run(spec=TrialSpec(1, {}, directory=tmp_path))
    assert result.score == validated(result.checkpoint)


def test_a_best_checkpoint_that_is_ahead_is_not_forgotten_by_a_fit_that_cannot_repeat_it(tmp_path: Path) -> None:
    spec = TrialSpec(1, {}, seed=3, directory=tmp_path)
    cut = fit("fraction", callbacks=[KillAfter(3)]).run(spec=spec)  # the third is in the second epoch

    class Worse(Noisy):
        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log("val/score", torch.tensor(-1e6))

    resumed = Fit(
        Worse, lambda seed: Points(), epochs=4, objective=Objective("score"), trainer_kwargs={"accelerator": "cpu"}
    ).run(spec=spec)
    assert resumed.score == cut.score == validated(resumed.checkpoint)
