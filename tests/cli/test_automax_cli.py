"""A stranger's LightningCLI project is tuned after one import is changed, and its best configuration gives its best score."""

from __future__ import annotations

import csv
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
import yaml
from lightning.pytorch.cli import LightningCLI

from automax_lightning import AutoMAX, AutoMAXCLI
from automax_lightning.cli import main
from automax_lightning.errors import ConfigError, SpaceError
from automax_lightning.search.record import SearchRecord
from tests.support.stranger import SEARCH, make_project

pytestmark = pytest.mark.lowest


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    make_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["main.py"])
    for name in ("PL_GLOBAL_SEED", "PL_SEED_WORKERS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    sys.modules.pop("net", None)
    yield tmp_path
    sys.modules.pop("net", None)


def tune(*args: str, cls: Any = AutoMAXCLI, classes: bool = True, **kwargs: Any) -> AutoMAX:
    net = importlib.import_module("net")
    both = (net.Net, net.Data) if classes else ()
    return cls(*both, args=["tune", "--config", "c.yaml", "--quiet", *args], **kwargs).tuner


def fitted(cls: Any) -> L.Trainer:
    net = importlib.import_module("net")
    line = ["fit", "--config", "automax_output/mine/best_config.yaml", "--trainer.logger=false"]
    return cls(net.Net, net.Data, args=line, save_config_callback=None).trainer


def test_the_file_in_the_directory_goes_on_with_the_search(project: Path) -> None:
    first = tune("--automax.n_trials", "2")
    (project / "c.yaml").unlink()
    net = importlib.import_module("net")
    file = str(first.directory / "config.yaml")
    line = ["tune", "--config", file, "--quiet", "--automax.n_trials", "3"]
    second = AutoMAXCLI(net.Net, net.Data, args=line).tuner
    assert (second.finished, len(second.log)) == (2, 3)
    assert second.log[:2] == first.log
    assert SearchRecord.of(second.directory).config["n_trials"] == 3


@pytest.mark.filterwarnings("ignore:LightningCLI's args parameter is intended")
@pytest.mark.parametrize("cls", [AutoMAXCLI, LightningCLI])
def test_fit_with_the_best_configuration_gives_the_very_score(project: Path, cls: Any) -> None:
    tuner = tune()
    assert len({round(entry["val"], 9) for entry in tuner.log}) == 4
    torch.rand(7)  # whatever the process has drawn so far
    trainer = fitted(cls)
    assert float(trainer.checkpoint_callback.best_model_score) == tuner.best_score
    ours = torch.load(tuner.best_directory / "best.ckpt", weights_only=False)["state_dict"]
    theirs = torch.load(trainer.checkpoint_callback.best_model_path, weights_only=False)["state_dict"]
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_key_is_inactive_where_its_condition_does_not_hold(project: Path) -> None:
    tuner = tune("--automax.n_trials", "8")
    chosen = [spec.configuration for spec in tuner.history.asks]
    assert {values["model.optimizer"] for values in chosen} == {"SGD", "Adam"}
    for values in chosen:
        assert ("model.momentum" in values) == (values["model.optimizer"] == "SGD")
    adam = next(values for values in chosen if values["model.optimizer"] == "Adam")
    fit = tuner.trainer(next(c for c in [dict(adam)]))
    assert fit.module.hparams["momentum"] == 0.5  # the file's own value


def test_every_value_reaches_the_objects_and_the_checkpoint(project: Path) -> None:
    tuner = tune("--automax.n_trials", "3")
    assert len(tuner.history.asks) == 3
    for spec in tuner.history.asks:
        fit = tuner.trainer(dict(spec.configuration))
        assert fit.module.hparams["lr"] == spec.configuration["model.lr"]
        assert fit.datamodule.batch_size == spec.configuration["data.batch_size"]
        assert fit.trainer.gradient_clip_val == spec.configuration["trainer.gradient_clip_val"]
        assert fit.trainer.accumulate_grad_batches == spec.configuration["trainer.accumulate_grad_batches"]
        kept = tuner.directory / "trials" / f"{spec.number:04d}" / "checkpoints" / "best.ckpt"
        assert torch.load(kept, weights_only=False)["hyper_parameters"]["lr"] == spec.configuration["model.lr"]


class Linked(AutoMAXCLI):
    """A subclass as people have them: an argument of their own, a link, a hook, defaults, an optimizer section."""

    def add_arguments_to_parser(self, parser: Any) -> None:
        parser.add_argument("--scale", type=float, default=1.0)
        parser.link_arguments("model.width", "data.batch_size")

    def before_instantiate_classes(self) -> None:
        config = self.config.fit if self.subcommand else self.config
        config.model.lr = config.model.lr * config.scale


def test_hooks_links_and_defaults_of_a_subclass_hold_in_trials(project: Path) -> None:
    search = {"model.width": {"choices": [4, 6]}, "scale": {"choices": [2.0, 3.0]}, "trainer.max_epochs": {"value": 1}}
    make_project(project, search=search, data=None, model={"width": 8, "lr": 0.01})
    defaults = {"limit_val_batches": 1, "callbacks": [L.pytorch.callbacks.Timer()]}
    tuner = tune("--automax.n_trials=2", cls=Linked, trainer_defaults=defaults)
    for spec in tuner.history.asks:
        fit = tuner.trainer(dict(spec.configuration))
        assert fit.datamodule.batch_size == spec.configuration["model.width"]
        assert fit.module.hparams["lr"] == pytest.approx(0.01 * spec.configuration["scale"])
        assert (fit.trainer.limit_val_batches, fit.epochs) == (1, 1)
        assert any(isinstance(callback, L.pytorch.callbacks.Timer) for callback in fit.trainer.callbacks)
    trainer = fitted(Linked)
    assert float(trainer.checkpoint_callback.best_model_score) == tuner.best_score


def test_keys_are_found_without_init_args_and_an_optimizer_section_is_searched(project: Path) -> None:
    make_project(
        project, model={"class_path": "net.Net"}, data={"class_path": "net.Data"},
        search={"model.width": {"choices": [4, 6]}, "optimizer.lr": {"low": 0.01, "high": 0.1},
                "data.init_args.noise": {"value": 0.2}},
        optimizer={"class_path": "torch.optim.Adam", "init_args": {"lr": 0.05}},
    )  # fmt: skip
    with pytest.warns(UserWarning, match="configure_optimizers` will be overridden"):
        tuner = tune("--automax.n_trials=2", classes=False)
    assert set(tuner.history.asks[0].configuration) == {"model.init_args.width", "optimizer.init_args.lr", "data.init_args.noise"}
    best = yaml.safe_load((tuner.directory / "best_config.yaml").read_text())
    assert best["optimizer"]["init_args"]["lr"] == tuner.configuration_of(tuner.best.number)["optimizer.init_args.lr"]
    assert best["seed_everything"] == 3


def test_the_files_own_seed_is_the_searchs_where_it_has_none(project: Path) -> None:
    make_project(project, seed_everything=11, automax={"name": "mine", "n_trials": 1, "target": "val_loss", "mode": "min"})
    assert tune().history.asks[0].seed == 11


def test_a_searched_seed_is_reproduced(project: Path) -> None:
    make_project(project, search={"seed_everything": {"choices": [1, 2]}, "trainer.max_epochs": {"value": 2}})
    tuner = tune("--automax.n_trials=2")
    assert tuner.log[0]["val"] != tuner.log[1]["val"]
    assert float(fitted(AutoMAXCLI).checkpoint_callback.best_model_score) == tuner.best_score


def test_own_callbacks_work_in_trials_and_write_there(project: Path) -> None:
    callbacks = [
        {"class_path": "EarlyStopping", "init_args": {"monitor": "val_loss", "patience": 1, "min_delta": 100.0}},
        {"class_path": "ModelCheckpoint", "init_args": {"monitor": "train_loss", "save_last": True, "dirpath": "mine"}},
        {"class_path": "ModelCheckpoint", "init_args": {"monitor": "val_loss"}},
    ]
    trainer = {"max_epochs": 4, "accelerator": "cpu", "callbacks": callbacks, "logger": [
        {"class_path": "CSVLogger", "init_args": {"save_dir": "logs"}}]}  # fmt: skip
    make_project(project, trainer=trainer)
    tuner = tune("--automax.n_trials=2")
    for number in (1, 2):
        folder = tuner.directory / "trials" / f"{number:04d}"
        assert tuner.history.final()[number].epochs == 2  # EarlyStopping
        assert (folder / "model_checkpoints" / "last.ckpt").exists()
        assert sorted(path.name for path in (folder / "checkpoints").iterdir()) == ["best.ckpt"]
        assert (project / "logs" / "mine" / f"trial_{number:04d}" / "metrics.csv").exists()
    assert not (project / "mine").exists()
    assert not (project / "lightning_logs").exists()


@pytest.mark.parametrize(
    ("search", "error", "message"),
    [
        ({"model.widht": {"choices": [4]}}, ConfigError, "search.model.widht: .*Did you mean 'model.width'"),
        ({"model.width": {"choices": [4, "many"]}}, ConfigError, "search.model.width: .*'many'"),
        ({"model.width": {"low": 4.5, "high": 8.0}}, ConfigError, r"search.model.width: .*4.5"),
        ({"model.momentum": {"low": 0.1, "high": 0.9, "when": {"model.optimizer": "SGD"}}}, SpaceError, "another searched key"),
        ({"model.momentum": {"low": 0.1, "high": 0.9, "when": {"model.optimiser": "SGD"}}}, ConfigError, "'model.optimizer'"),
        ({**SEARCH, "model.momentum": {"value": 0.1, "when": {"model.optimizer": "Adma"}}}, SpaceError, "'Adma'"),
        ({**SEARCH, "model.momentum": {"value": 0.1, "when": "SGD"}}, SpaceError, "model.momentum.when"),
        ({"model.lr": {"value": 0.1}, "model.init_args.lr": {"value": 0.1}}, ConfigError, "They both mean model.lr"),
        ({"trainer.gradient_clip_vall": {"value": 1.0}}, ConfigError, "Did you mean 'trainer.gradient_clip_val'"),
        ({"model": {"value": 1}}, ConfigError, "search.model"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_search_section_is_said_before_anything_is_written(
    project: Path, search: Any, error: Any, message: str
) -> None:
    make_project(project, search=search)
    with pytest.raises(error, match=message):
        tune()
    assert not (project / "automax_output").exists()


def test_a_target_that_is_never_logged_names_what_is(project: Path) -> None:
    with pytest.raises(LookupError, match="val_loss"):
        tune("--automax.target", "val_los")


def test_an_auc_module_is_reproduced_with_its_splits_and_batches(project: Path) -> None:
    """The file's seed decides the splits, the trial's seed the batches, dropout and the layers that are made late."""
    mlp = {"class_path": "automax_lightning.models.MLP", "init_args": {"hidden": [8], "dropout": 0.2}}
    make_project(
        project,
        model={"class_path": "automax_lightning.AUCModule", "init_args": {"model": mlp, "loss": "APLoss"}},
        data={"class_path": "automax_lightning.DigitsDataModule", "init_args": {"seed": 4}},
        search=None,
        automax={"name": "mine", "n_trials": 3, "SEED": 9, "deterministic": False, "resampling": "holdout"},
    )  # fmt: skip
    tuner = tune(classes=False)
    assert {spec.seed for spec in tuner.history.asks} == {9, 10, 11}
    best = yaml.safe_load((tuner.directory / "best_config.yaml").read_text())
    seed = tuner.history.spec(tuner.best.number).seed  # type: ignore[union-attr]
    assert (best["data"]["init_args"]["split_seed"], best["data"]["init_args"]["seed"], best["seed_everything"]) == (
        4,
        seed,
        seed,
    )
    line = ["fit", "--config", "automax_output/mine/best_config.yaml", "--trainer.logger=false"]
    trainer = AutoMAXCLI(args=line, save_config_callback=None).trainer
    assert float(trainer.checkpoint_callback.best_model_score) == tuner.best_score


CLASSES = {"model": {"class_path": "net.Net"}, "data": {"class_path": "net.Data"}}


def line(*args: str) -> list[str]:
    return ["tune", "--config", "c.yaml", *args]


def test_exit_codes_and_quiet(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_project(project, **CLASSES)
    assert main(line("--quiet", "--automax.n_trials=2")) == 0
    assert capsys.readouterr().out == ""
    assert main(line("--automax.n_trials=3")) == 0
    assert "Train it again: automax-lightning fit --config" in capsys.readouterr().out
    assert main(line("--trainer.max_epoch=2")) == 2
    assert main(line("--trainer.max_epochs=many")) == 2
    assert "trainer.max_epochs" in capsys.readouterr().err


@pytest.mark.slow
def test_a_search_that_fails_is_1_and_an_interrupted_one_130(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_project(project, **CLASSES)
    module = (project / "net.py").read_text()
    interrupting = "import os, pathlib, signal\n" + module.replace(
        '        self.log("train_loss", loss)',
        "        if self.current_epoch == 1 and not pathlib.Path('sent').exists():\n"
        "            pathlib.Path('sent').touch()\n            os.kill(os.getpid(), signal.SIGINT)\n"
        '        self.log("train_loss", loss)',
    )
    (project / "net.py").write_text(interrupting)
    assert main(line("--automax.n_trials=2")) == 130
    assert "The same command continues" in capsys.readouterr().out
    assert main(line("--automax.n_trials=2", "--quiet")) == 0
    (project / "net.py").write_text(module.replace("return self.last(", "return self.lost("))
    sys.modules.pop("net", None)
    importlib.invalidate_caches()
    assert main(line("--automax.name=other")) == 1
    assert "lost" in capsys.readouterr().err


@pytest.mark.slow
def test_the_scripts_themselves(project: Path) -> None:
    """As typed: exit codes, no colour in a pipe, and the best configuration in a plain LightningCLI."""

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *args], cwd=project, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              env={**os.environ, "OMP_NUM_THREADS": "1"})  # fmt: skip

    done = run("main.py", "tune", "--config", "c.yaml", "--automax.n_workers", "2")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "\x1b" not in done.stdout
    assert "python main.py fit --config" in done.stdout
    best = "automax_output/mine/best_config.yaml"
    for script in ("main.py", "plain.py"):
        again = run(script, "fit", "--config", best, "--trainer.logger", "CSVLogger", "--trainer.logger.save_dir", script[:4])
        assert again.returncode == 0, again.stderr[-3000:]
        (path,) = (project / script[:4]).rglob("metrics.csv")
        with path.open() as file:
            scores = [float(row["val_loss"]) for row in csv.DictReader(file) if row["val_loss"]]
        assert f"best      {min(scores):.6f}" in done.stdout
    assert run("main.py", "predict", "--config", best, "--ckpt_path", "automax_output/mine/mine_best/best.ckpt").returncode == 0
    make_project(project, search={"model.widht": {"value": 4}})
    wrong = run("main.py", "tune", "--config", "c.yaml")
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (2, False)


MLP = {"class_path": "automax_lightning.models.MLP", "init_args": {"hidden": [4]}}
DIGITS = {"class_path": "automax_lightning.DigitsDataModule", "init_args": {"batch_size": 128}}


def auc_run(project: Path, command: str, loss: str, model: Any = None, **sections: Any) -> Any:
    """Fit or tune an `AUCModule` for two epochs by a file with other sections; the CLI, for its trainer or its tuner."""
    arguments = {"model": MLP, "loss": loss, **(model or {})}
    trainer = {"max_epochs": 2, "accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False}
    settings = {"name": "mine", "n_trials": 2, "resampling": "holdout", "ensemble_size": 0} if command == "tune" else None
    make_project(project, **{
        "model": {"class_path": "automax_lightning.AUCModule", "init_args": arguments}, "data": DIGITS, "search": None,
        "trainer": trainer, "automax": settings, "seed_everything": 1, **sections,
    })  # fmt: skip
    return AutoMAXCLI(args=[command, "--config", "c.yaml", "--quiet" if command == "tune" else "--trainer.logger=false"])


@pytest.mark.filterwarnings("ignore:.*configure_optimizers.*will be overridden")
@pytest.mark.parametrize(("command", "optimizer"), [("fit", "Adam"), ("tune", "SGD")])
def test_an_optimizer_section_that_leaves_the_duals_alone_is_refused(project: Path, command: str, optimizer: str) -> None:
    section = {"class_path": f"torch.optim.{optimizer}", "init_args": {"lr": 0.01}}
    with pytest.raises(ConfigError, match=r"expected PESG, .* found .*, which leaves them alone. Remove .* optimizer: section"):
        auc_run(project, command, "AUCMLoss", optimizer=section)


@pytest.mark.filterwarnings("ignore:.*configure_optimizers.*will be overridden")
def test_an_optimizer_section_is_used_where_the_loss_has_no_duals(project: Path) -> None:
    section = {"class_path": "torch.optim.Adam", "init_args": {"lr": 0.01}}
    trainer = auc_run(project, "fit", "APLoss", optimizer=section).trainer
    assert type(trainer.optimizers[0]).__name__ == "Adam"


STEP_LR = {"class_path": "torch.optim.lr_scheduler.StepLR", "init_args": {"step_size": 1, "gamma": 0.5}}


def rate(trainer: L.Trainer) -> float:
    return float(trainer.optimizers[0].param_groups[0]["lr"])


WARM_UP = {"class_path": "torch.optim.lr_scheduler.LinearLR", "init_args": {"start_factor": 0.5, "total_iters": 1}}
COSINE = {"class_path": "torch.optim.lr_scheduler.CosineAnnealingLR", "init_args": {"T_max": 2}}
BOTH = {"class_path": "torch.optim.lr_scheduler.SequentialLR", "init_args": {"schedulers": [WARM_UP, COSINE], "milestones": [1]}}


@pytest.mark.parametrize(
    ("model", "sections", "expected"),
    [
        ({}, {"lr_scheduler": STEP_LR}, 0.025),
        ({"lr_scheduler": STEP_LR}, {}, 0.025),
        ({"lr_scheduler": {"scheduler": STEP_LR, "frequency": 2}}, {}, 0.05),
        ({"lr_scheduler": BOTH}, {}, 0.05),
    ],
)
def test_a_scheduler_alone_schedules_an_auc_module(project: Path, model: Any, sections: Any, expected: float) -> None:
    trainer = auc_run(project, "fit", "AUCMLoss", {"optimizer_kwargs": {"lr": 0.1}, **model}, **sections).trainer
    assert rate(trainer) == pytest.approx(expected)


@pytest.mark.slow
@pytest.mark.parametrize("cls", [AutoMAXCLI, LightningCLI])
@pytest.mark.filterwarnings("ignore:LightningCLI's args parameter is intended")
def test_a_scheduler_section_is_searched_and_is_in_the_best_configuration(project: Path, cls: Any) -> None:
    search = {"lr_scheduler.init_args.gamma": {"choices": [0.25, 0.75], "default": 0.25}}
    tuner = auc_run(project, "tune", "AUCMLoss", {"optimizer_kwargs": {"lr": 0.1}}, lr_scheduler=STEP_LR, search=search).tuner
    assert {spec.configuration["lr_scheduler.init_args.gamma"] for spec in tuner.history.asks} == {0.25, 0.75}
    best = tuner.configuration_of(tuner.best.number)["lr_scheduler.init_args.gamma"]
    line = ["fit", "--config", "automax_output/mine/best_config.yaml", "--trainer.logger=false"]
    trainer = cls(args=line, save_config_callback=None).trainer
    assert rate(trainer) == pytest.approx(0.1 * best**2)
    assert float(trainer.checkpoint_callback.best_model_score) == tuner.best_score
