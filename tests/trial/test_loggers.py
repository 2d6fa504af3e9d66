"""What each Lightning logger has written, read back from its own files."""

from __future__ import annotations

import csv
import dataclasses
import json
import multiprocessing
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
import pytest
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from automax_lightning import (
    AutoMAX,
    AutoMAXConfig,
    Fit,
    Objective,
    TrialResult,
    TrialSpec,
    autopartial,
    parse_hyperparameters_from_dict,
)
from automax_lightning.errors import ConfigError
from automax_lightning.trial.loggers import Run, fresh_loggers
from tests.support.fits import Points, Regression


def search(root: Path, logger: Any, n_trials: int = 2, **settings: Any) -> AutoMAX:
    def make(**searched: Any) -> Fit:
        return Fit(lambda: Regression(), Points(), epochs=2, trainer_kwargs={"logger": logger, "accelerator": "cpu", **searched})

    made = autopartial(make, **parse_hyperparameters_from_dict({"gradient_clip_val": (0.5, 2.0)}))
    config = AutoMAXConfig(name="mine", n_trials=n_trials, output_directory=root / "out", **settings)
    return AutoMAX(made, config, "score", quiet=True)


def rows(path: Path, column: str) -> list[tuple[int, float]]:
    with path.open(newline="") as file:
        return [(int(row["step"]), float(row[column])) for row in csv.DictReader(file) if row.get(column)]


def scalars(folder: Path, tag: str) -> list[tuple[int, float]]:
    events = EventAccumulator(str(folder)).Reload()
    # The reader takes the files of one second in the order of their process numbers, whichever was written first.
    written = sorted(events.Scalars(tag), key=lambda event: event.wall_time)
    return [(event.step, event.value) for event in written]


def hparams(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    content = EventAccumulator(str(folder)).Reload().summary_metadata
    for tag, metadata in content.items():
        if metadata.plugin_data.plugin_name == "hparams":
            data = plugin_data_pb2.HParamsPluginData.FromString(metadata.plugin_data.content)
            if tag == "_hparams_/session_start_info":
                found = {
                    name: value.number_value or value.string_value for name, value in data.session_start_info.hparams.items()
                }
    return found


@pytest.mark.parametrize("logger", ["tensorboard", True])
def test_tensorboard_compares_the_trials_of_a_search(tmp_path: Path, logger: Any) -> None:
    tuner = search(tmp_path, logger)
    tuner.optimize()
    for entry, number in zip(tuner.log, (1, 2), strict=True):
        folder = tuner.directory / "trials" / f"{number:04d}"
        curve = [value for _, value in scalars(folder, "val/score")]
        assert curve == pytest.approx(list(tuner.history.final()[number].curve))
        assert scalars(folder, "best/score")[-1][1] == pytest.approx(entry["val"])
        assert scalars(folder, "best_test/score")[-1][1] == pytest.approx(tuner.history.final()[number].test["score"])
        assert hparams(folder)["gradient_clip_val"] == pytest.approx(entry["space"]["gradient_clip_val"])
        assert hparams(folder)["status"] == "SUCCESS"


def test_a_logger_of_the_users_own_is_made_anew_for_each_trial(tmp_path: Path) -> None:
    given = [TensorBoardLogger(tmp_path / "tb", prefix="p"), CSVLogger(tmp_path / "csv", name="team")]
    tuner = search(tmp_path, given)
    tuner.optimize()
    assert sorted(path.name for path in (tmp_path / "tb" / "mine").iterdir()) == ["trial_0001", "trial_0002"]
    assert [value for _, value in scalars(tmp_path / "tb" / "mine" / "trial_0001", "p-val/score")] == pytest.approx(
        list(tuner.history.final()[1].curve)
    )
    for number in (1, 2):
        path = tmp_path / "csv" / "team" / "mine" / f"trial_{number:04d}" / "metrics.csv"
        assert [value for _, value in rows(path, "val/score")] == pytest.approx(list(tuner.history.final()[number].curve))
        assert rows(path, "best/score")[-1][1] == pytest.approx(tuner.log[number - 1]["val"])
    assert not (tmp_path / "csv" / "team" / "version_0").exists()


class Dies(L.Callback):
    """Ends the process in the trial's third epoch the first time, as a kill would: nothing is closed."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int) -> None:
        if trainer.current_epoch == 2 and batch_idx == 1 and not self.mark.exists():
            self.mark.touch()
            os._exit(9)


def run_once(directory: Path, kind: str, callbacks: Sequence[L.Callback]) -> TrialResult:
    fit = Fit(Regression, Points(), epochs=4, objective=Objective("score"), callbacks=callbacks,
              trainer_kwargs={"logger": kind, "accelerator": "cpu", "log_every_n_steps": 1})  # fmt: skip
    return fit.run(spec=TrialSpec(1, {"k": 1}, directory=directory))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "tensorboard"])
def test_a_continued_trial_continues_its_run_without_an_epoch_twice(tmp_path: Path, kind: str) -> None:
    straight = run_once(tmp_path / "straight" / "trials" / "0001", kind, [])
    cut = tmp_path / "cut" / "trials" / "0001", kind, [Dies(tmp_path / "mark")]
    child = multiprocessing.get_context("spawn").Process(target=run_once, args=cut)
    child.start()
    child.join()
    assert child.exitcode == 9
    continued = run_once(*cut)
    assert dataclasses.replace(continued, seconds=0, checkpoint=None) == dataclasses.replace(straight, seconds=0, checkpoint=None)
    folders = [tmp_path / name / "trials" / "0001" for name in ("straight", "cut")]
    logged = {"csv": lambda folder, tag: rows(folder / "metrics.csv", tag), "tensorboard": scalars}[kind]
    for tag in ("val/score", "epoch", "best/score"):
        assert logged(folders[0], tag)
        assert logged(folders[0], tag) == logged(folders[1], tag)


@pytest.mark.slow
def test_trials_in_other_processes_log_as_well(tmp_path: Path) -> None:
    tuner = search(tmp_path, CSVLogger(tmp_path / "csv"), executor="process")
    tuner.optimize()
    for number in (1, 2):
        path = tmp_path / "csv" / "mine" / f"trial_{number:04d}" / "metrics.csv"
        assert rows(path, "best/score")[-1][1] == pytest.approx(tuner.log[number - 1]["val"])


def test_a_trial_that_fails_says_so_in_its_run(tmp_path: Path) -> None:
    def make() -> Any:
        return Regression(fail_at=1, error=ArithmeticError("boom"))

    fit = Fit(
        make, Points(), epochs=2, objective=Objective("score"), trainer_kwargs={"logger": "tensorboard", "accelerator": "cpu"}
    )
    fit.run(spec=TrialSpec(1, {"k": 1}, directory=tmp_path / "s" / "trials" / "0001"))
    assert hparams(tmp_path / "s" / "trials" / "0001")["status"] == "CRASHED"


@pytest.mark.slow
@pytest.mark.parametrize("place", ["inline", "process"])
def test_weights_and_biases_offline_has_a_run_for_each_trial_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    pytest.importorskip("wandb")
    from lightning.pytorch.loggers import WandbLogger

    monkeypatch.setenv("WANDB_SILENT", "true")
    (tmp_path / "wb").mkdir()
    tuner = search(tmp_path, WandbLogger(project="p", save_dir=tmp_path / "wb", offline=True), executor=place)
    tuner.optimize()
    ids = {json.loads((tuner.directory / "trials" / f"000{number}" / "runs.json").read_text())["0"] for number in (1, 2)}
    folders = [path.name for path in (tmp_path / "wb" / "wandb").glob("offline-run-*")]
    assert len(ids) == 2
    assert sorted(name.rsplit("-", 1)[1] for name in folders) == sorted(ids)


def test_mlflow_has_a_run_for_each_trial_grouped_by_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    from lightning.pytorch.loggers import MLFlowLogger

    tuner = search(tmp_path, MLFlowLogger("exp", tracking_uri=f"file:{tmp_path / 'store'}"))
    tuner.optimize()
    client = mlflow.MlflowClient(f"file:{tmp_path / 'store'}")
    runs = client.search_runs([client.get_experiment_by_name("exp").experiment_id], "tags.search = 'mine'")
    found = {run.data.tags["mlflow.runName"]: run for run in runs}
    assert sorted(found) == ["trial_0001", "trial_0002"]
    for entry in tuner.log:
        run = found[f"trial_{entry['trial']:04d}"]
        assert run.data.metrics["best/score"] == pytest.approx(entry["val"])
        assert float(run.data.params["gradient_clip_val"]) == pytest.approx(entry["space"]["gradient_clip_val"])


def test_what_cannot_be_named_is_refused_and_a_function_is_asked(tmp_path: Path) -> None:
    run = Run("s", 3, tmp_path / "s" / "trials" / "0003")
    with pytest.raises(ConfigError, match="trainer_kwargs.logger: .*Did you mean 'tensorboard'"):
        fresh_loggers("tensorbord", run)
    made = fresh_loggers(lambda run: CSVLogger(tmp_path, name=run.group, version=run.name), run)
    assert (made[0].name, made[0].version) == ("s", "trial_0003")
    assert fresh_loggers(None, run) == fresh_loggers(False, run) == []
