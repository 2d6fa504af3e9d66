"""The search as a whole, on real data, with real fits."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from ConfigSpace import Float
from sklearn.metrics import roc_auc_score
from torch.utils.data import DataLoader, TensorDataset

from automax_lightning import (
    AUCDataModule,
    AutoMAX,
    AutoMAXConfig,
    Fit,
    Objective,
    Status,
    TrialResult,
    autopartial,
    parse_hyperparameters_from_dict,
)
from automax_lightning.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    FirstTrialFailedError,
    JournalError,
    SearchLockedError,
    TargetError,
)
from automax_lightning.report.notes import notes
from automax_lightning.search.storage.lock import SearchLock
from automax_lightning.search.storage.state_file import read_state
from automax_lightning.space.configurations import values
from tests.support.fits import Points, Regression
from tests.support.searching import DATA, factory, table, tree, tuner


def test_every_member_of_the_original_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = factory()
    config = AutoMAXConfig(name="s", n_trials=3, SEED=7, resampling="holdout", output_directory=tmp_path)
    search = AutoMAX(trainer=made, config=config, target="AUROC")
    assert (search.finished, search.best_score, search.log) == (0, float("-inf"), [])
    assert (search.trainer, search.configspace, search.target, search.config) == (made, made.cs, "AUROC", config)
    incumbent = search.optimize()
    best = max(search.log, key=lambda entry: entry["val"])
    assert values(incumbent) == best["space"]
    assert search.best_score == best["val"]
    assert read_state(search.directory / "state.pkl") == search.log
    assert [entry["trial"] for entry in search.log] == [1, 2, 3]
    assert {"val", "test", "space"} <= set(search.log[0])
    assert search.log[0]["space"] == values(made.cs.get_default_configuration())
    assert len(search.smac.runhistory) == 3
    printed = capsys.readouterr().out
    assert search.trial_table() in printed
    said = [line.removeprefix("Note: ") for line in printed.splitlines() if line.startswith("Note: ")]
    assert said == notes(search.record)
    assert said
    assert (search.directory / "automax_best" / "best.ckpt").exists()
    assert (search.directory / "smac" / "runhistory.json").exists()
    assert not list(search.directory.rglob("last.ckpt"))
    frame = search.trials_dataframe()
    assert frame["score"].tolist() == [entry["val"] for entry in search.log]


def test_the_best_checkpoint_has_the_logged_score(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=4)
    search.optimize()
    model = search.load_best_model()
    assert not model.training
    for split, expected in ((1, search.best_score), (2, search.best.test["AUROC"])):  # type: ignore[union-attr]
        x, y = DATA.datasets[split].tensors
        with torch.no_grad():
            assert roc_auc_score(y, model(x)) == pytest.approx(expected, abs=1e-6)


def test_a_second_run_trains_nothing_and_a_larger_one_continues(tmp_path: Path) -> None:
    first = tuner(tmp_path / "a", n_trials=3)
    incumbent = first.optimize()
    journal = (first.directory / "journal.jsonl").read_bytes()
    second = tuner(tmp_path / "a", n_trials=3)
    assert (second.finished, second.best_score, second.log) == (3, first.best_score, first.log)
    assert second.optimize() == incumbent
    assert (first.directory / "journal.jsonl").read_bytes() == journal
    extended = tuner(tmp_path / "a", n_trials=5)
    extended.optimize()
    straight = tuner(tmp_path / "b", n_trials=5)
    straight.optimize()
    assert table(extended) == table(straight)
    assert extended.finished == 3
    both = [search.best_directory / "best.ckpt" for search in (extended, straight)]
    states = [torch.load(path, weights_only=True)["state_dict"] for path in both]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0] if isinstance(states[0][key], torch.Tensor))


def test_what_a_crash_left_between_a_result_and_its_consequences_is_made_good(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=2)
    search.optimize()
    best = (search.best_directory / "best.ckpt").read_bytes()
    shutil.rmtree(search.best_directory)
    (search.directory / "state.pkl").unlink()
    left = search.directory / "trials" / "0001" / "checkpoints" / "last.ckpt"
    left.touch()
    tuner(tmp_path, n_trials=3).optimize()
    again = tuner(tmp_path, n_trials=3)
    assert not left.exists()
    assert len(read_state(search.directory / "state.pkl")) == 3
    is_the_same = (search.best_directory / "best.ckpt").read_bytes() == best
    assert is_the_same == (again.best_score == search.best_score)


def test_overwriting_starts_afresh(tmp_path: Path) -> None:
    first = tuner(tmp_path, n_trials=3)
    first.optimize()
    second = tuner(tmp_path, n_trials=2, overwrite=True)
    assert second.finished == 0
    second.optimize()
    assert len(second.log) == 2
    assert table(second) == table(first)[:2]


def test_overwriting_keeps_what_is_not_ours_and_never_touches_a_running_search(tmp_path: Path) -> None:
    first = tuner(tmp_path, n_trials=1)
    first.optimize()
    (first.directory / "notes.txt").touch()
    second = tuner(tmp_path, n_trials=1, overwrite=True)
    with SearchLock(first.directory), pytest.raises(SearchLockedError, match="a search that nobody is running"):
        second.optimize()
    assert len(tuner(tmp_path, n_trials=1).log) == 1
    second.optimize()
    assert (first.directory / "notes.txt").exists()


def test_trials_by_hand_belong_to_the_search(tmp_path: Path) -> None:
    search = tuner(tmp_path)
    config = search.configspace.sample_configuration()
    cost = search.train(config, seed=3)
    assert cost == -search.log[0]["val"]
    assert (search.log[0]["origin"], search.log[0]["seed"]) == ("user", 3)
    search.optimize()
    assert len(search.log) == 3


@pytest.mark.parametrize(
    ("made", "target", "kind", "message"),
    [
        (lambda: factory(), "AUPRC", TargetError, r"AutoMAX.target: expected a metric that is computed, one of \['AUROC'"),
        (lambda: factory(data=nan_data()), "AUROC", DataError, "data.train: expected finite features"),
        (lambda: factory(data=lambda: no_positives()), "AUROC", DataError, "both classes"),
        (lambda: factory(num_labels=2, loss="MultiLabelAUCMLoss"), "AUROC", DataError, "AUCModule.num_labels"),
        (
            lambda: factory(trainer_kwargs={"accelerator": "cpu", "devices": 2}),
            "AUROC",
            ConfigError,
            "DDPStrategy with 2 devices",
        ),
        (lambda: factory(model=lambda: torch.nn.Linear(64, 3)), "AUROC", DataError, r"logits of AUCMLoss: expected shape"),
        (lambda: factory(model=lambda: torch.nn.Linear(3, 1)), "AUROC", RuntimeError, "mat1 and mat2"),
    ],
)
def test_bad_input_is_an_error_that_leaves_nothing_behind(
    tmp_path: Path, made: Any, target: str, kind: type[Exception], message: str
) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(kind, match=message):
        tuner(tmp_path, made=made(), target=target).optimize()
    assert tree(tmp_path) == ["mine.txt"]


def nan_data() -> AUCDataModule:
    x, y = torch.zeros(40, 64), (torch.arange(40) % 4 == 0).long()
    x[:, 0] = float("nan")
    return AUCDataModule(TensorDataset(x, y), TensorDataset(x, y), batch_size=8)


def no_positives() -> AUCDataModule:
    data = TensorDataset(torch.zeros(40, 64), torch.zeros(40))
    return AUCDataModule(data, data)


def test_a_network_that_takes_nan_may_have_it(tmp_path: Path) -> None:
    class TakesNan(torch.nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(torch.nan_to_num(x))

    search = tuner(tmp_path, n_trials=1, made=factory(data=nan_data(), model=lambda: TakesNan(64, 1)))
    search.optimize()
    assert len(search.log) == 1


def test_another_search_of_the_same_name_is_refused_and_kept(tmp_path: Path) -> None:
    tuner(tmp_path, n_trials=1).optimize()
    before = tree(tmp_path)
    for made, target in ((factory(sampling_rate=[0.2, 0.5]), "AUROC"), (factory(epochs=3), "AUROC"), (factory(), "train/score")):
        with pytest.raises(JournalError, match="Choose another name, or pass overwrite=True"):
            tuner(tmp_path, made=made, target=target)
    assert tree(tmp_path) == before


def test_something_without_a_space_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"AutoMAX.trainer: expected an autopartial"):
        AutoMAX(lambda configuration: configuration)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({"n_trials": 3},), r"AutoMAX.config: expected an AutoMAXConfig, or None, found \{'n_trials': 3\}"),
        ((None, None), "AutoMAX.target: expected the name of a metric, found None"),
        ((None, 3), "AutoMAX.target"),
        ((AutoMAXConfig(output_directory="x" * 300),), "AutoMAXConfig.output_directory: expected a folder"),
        ((AutoMAXConfig(output_directory=__file__),), "AutoMAXConfig.output_directory: .* is no folder"),
    ],
)
def test_arguments_are_checked_where_they_enter(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AutoMAX(factory(), *arguments)


# A user's own module, which knows nothing of this package ---------------------------------------------------------------


class Fragile(Regression):
    """Fails in the ways that users' modules fail."""

    def __init__(self, lr: float) -> None:
        super().__init__()
        self.lr = lr

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        if 0.02 < self.lr < 0.04:
            raise ValueError("this learning rate is unlucky")
        return super().training_step(batch, batch_idx)

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        score = float("nan") if self.lr > 0.08 else -abs(self.lr - 0.06)
        self.log("val/score", torch.tensor(score))


def own(lr: float) -> Fit:
    return Fit(lambda: Fragile(lr), lambda seed: Points(), epochs=2, objective=Objective("score"),
               trainer_kwargs={"accelerator": "cpu"})  # fmt: skip


def test_failures_are_results_and_the_search_goes_on(tmp_path: Path) -> None:
    made = autopartial(own, lr=Float("lr", (0.0, 0.1), default=0.01))
    search = tuner(tmp_path, n_trials=14, made=made, target="score")
    incumbent = search.optimize()
    found = {entry["status"] for entry in search.log}
    assert found == {"SUCCESS", "CRASHED", "NON_FINITE"}
    assert abs(incumbent["lr"] - 0.06) == pytest.approx(-search.best_score, abs=1e-6)
    for entry in search.log:
        assert (entry["val"] is not None) == (entry["status"] == "SUCCESS")
    for entry in (entry for entry in search.log if entry["status"] == "CRASHED"):
        assert "this learning rate is unlucky" in entry["reason"]
        error = search.directory / "trials" / f"{entry['trial']:04d}" / "error.txt"
        assert "training_step" in error.read_text()
    assert "crashed: ValueError: this learning rate is unlucky" in search.trial_table()


def test_a_first_trial_that_fails_in_user_code_shows_its_own_error(tmp_path: Path) -> None:
    made = autopartial(own, lr=Float("lr", (0.0, 0.1), default=0.03))
    with pytest.raises(ValueError, match="this learning rate is unlucky"):
        tuner(tmp_path, made=made, target="score").optimize()
    assert tree(tmp_path) == []
    with pytest.raises(TargetError, match=r"found \['val/score'\]"):
        tuner(tmp_path, made=autopartial(own, lr=Float("lr", (0.0, 0.1), default=0.01)), target="AUROC").optimize()


def test_no_score_at_all_is_an_error_with_the_reasons(tmp_path: Path) -> None:
    made = autopartial(own, lr=Float("lr", (0.09, 0.1), default=0.09))
    with pytest.raises(FirstTrialFailedError, match="NaN after every epoch"):
        tuner(tmp_path, made=made, target="score", max_failures=2).optimize()


def test_minimising_and_stop_rules(tmp_path: Path) -> None:
    made = autopartial(own, lr=Float("lr", (0.04, 0.08), default=0.05))
    search = tuner(tmp_path, n_trials=20, made=made, target="score", mode="min", patience=3)
    search.optimize()
    assert len(search.log) < 20
    assert search.best_score == min(entry["val"] for entry in search.log)


def test_an_interruption_keeps_the_epoch_and_the_same_call_continues(tmp_path: Path) -> None:
    import signal

    class Impatient(L.Callback):
        def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
            if trainer.current_epoch == 1:
                signal.raise_signal(signal.SIGTERM)

    straight = tuner(tmp_path / "a", made=factory(epochs=4))
    straight.optimize()
    with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
        tuner(tmp_path / "b", made=factory(epochs=4, callbacks=[Impatient()])).optimize()
    search = tuner(tmp_path / "b", made=factory(epochs=4))
    assert search.finished == 0
    assert search.history.pending()[0].number == 1
    assert search.history.results[1].status is Status.INTERRUPTED
    search.optimize()
    assert table(search) == table(straight)


def test_a_trial_that_takes_too_long_is_a_status(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=2, made=factory(epochs=100_000), trial_time_limit=1e-9)
    with pytest.raises(FirstTrialFailedError, match=r"the limit is 1e-09 s"):
        search.optimize()
    assert [entry["status"] for entry in search.log] == ["TIMEOUT", "TIMEOUT"]


@pytest.mark.parametrize("verbose", [False, True])
def test_trials_are_quiet_unless_asked(tmp_path: Path, verbose: bool, capfd: pytest.CaptureFixture[str]) -> None:
    tuner(tmp_path, n_trials=1, verbose=verbose).optimize()
    captured = capfd.readouterr()
    assert ("Epoch 1" in captured.out + captured.err) is verbose


@pytest.mark.parametrize(
    ("made", "trials"),
    [
        (lambda: autopartial(own, **parse_hyperparameters_from_dict({"lr": 0.05})), 1),
        (lambda: autopartial(own, **parse_hyperparameters_from_dict({"lr": [0.05, 0.06]})), 2),
    ],
)
def test_a_finite_space_ends_the_search_with_a_sentence(
    tmp_path: Path, made: Any, trials: int, capsys: pytest.CaptureFixture[str]
) -> None:
    config = AutoMAXConfig(n_trials=5, output_directory=tmp_path)
    search = AutoMAX(made(), config, "score")
    search.optimize()
    assert len(search.log) == trials
    assert "every configuration of this finite space has been tried" in capsys.readouterr().out


def test_seeds_differ_between_trials_on_request(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=2, deterministic=False)
    search.optimize()
    assert [entry["seed"] for entry in search.log] == [7, 8]


def test_the_journal_holds_the_settings_and_the_config_file_is_yaml(tmp_path: Path) -> None:
    import yaml

    search = tuner(tmp_path, n_trials=1)
    search.optimize()
    events = [json.loads(line) for line in (search.directory / "journal.jsonl").read_text().splitlines()]
    told = [event["event"] for event in events if event["event"] != "wrote"]
    assert told == ["open", "settings", "ask", "start", "epoch", "epoch", "result", "settled"]
    assert events[1]["settings"]["target"] == "AUROC"
    settings = yaml.safe_load((search.directory / "config.yaml").read_text())
    assert (settings["n_trials"], settings["SEED"], settings["target"]) == (1, 7, "AUROC")


def test_nan_curves_survive_the_journal(tmp_path: Path) -> None:
    made = autopartial(own, lr=Float("lr", (0.0, 0.1), default=0.01))
    search = tuner(tmp_path, n_trials=8, made=made, target="score")
    search.optimize()
    again = tuner(tmp_path, n_trials=8, made=made, target="score")
    assert table(again) == table(search)
    undefined = [r for r in again.history.results.values() if r.status is Status.NON_FINITE]
    assert undefined
    assert all(math.isnan(score) for result in undefined for score in result.curve)
    assert np.isfinite([entry["val"] for entry in again.log if entry["val"] is not None]).all()


# The best model ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> AutoMAX:
    made = tuner(tmp_path_factory.mktemp("s"), n_trials=4, made=factory(epochs=3))
    made.optimize()
    return made


def test_the_best_configuration_is_a_plain_dictionary(finished: AutoMAX, tmp_path: Path) -> None:
    assert finished.best_config == max(finished.log, key=lambda entry: entry["val"])["space"]
    for action in (lambda s: s.best_config, lambda s: s.refit(), lambda s: s.ensemble(), lambda s: s.predict(torch.ones(1, 64))):
        with pytest.raises(CheckpointError, match="Run optimize"):
            action(tuner(tmp_path))


def test_predictions_are_the_same_in_whichever_form_the_data_come(finished: AutoMAX) -> None:
    test = DATA.datasets[2]
    x, y = test.tensors
    alone = tuner(finished.directory.parent, n_trials=4, made=factory(epochs=3), ensemble_size=0)
    assert roc_auc_score(y, alone.predict(x)) == pytest.approx(finished.best.test["AUROC"], abs=1e-6)  # type: ignore[union-attr]
    scores = finished.predict(x)
    assert roc_auc_score(y, scores) == pytest.approx(finished.ensemble(top_k=2).test, abs=1e-6)
    every_form = (
        test, DataLoader(test, batch_size=7), DataLoader(TensorDataset(x)), DATA.test_dataloader(), [x[:5], x[5:]], x.numpy(),
        x.double().numpy(), DataLoader(test, batch_size=1),
    )  # fmt: skip
    for data in every_form:
        assert torch.allclose(finished.predict(data), scores, atol=1e-6)
    assert bool(((scores > 0) & (scores < 1)).all())


class OnlyRun:
    """A trainable of which nothing is known but how it is run."""

    def __init__(self, lr: float) -> None:
        self._fit = own(lr)

    def run(self, seed: int = 0, **terms: Any) -> TrialResult:
        return self._fit.run(seed, **terms)


class WithModule(OnlyRun):
    @property
    def module(self) -> L.LightningModule:
        return self._fit.module


def test_a_trainable_that_can_only_run_is_searched_over_and_the_rest_says_what_it_needs(tmp_path: Path) -> None:
    lr = Float("lr", (0.05, 0.07))
    search = tuner(tmp_path, n_trials=2, made=autopartial(OnlyRun, lr=lr), target="score")
    assert search.optimize()["lr"] == search.best_config["lr"]
    assert search.train(search.configspace.get_default_configuration()) == pytest.approx(0.0, abs=1e-3)
    assert len(search.trials_dataframe()) == 3
    for name, action in {
        "load_best_model": search.load_best_model, "refit": search.refit, "ensemble": search.ensemble,
    }.items():  # fmt: skip
        with pytest.raises(ConfigError, match=rf"AutoMAX\.{name}: .* found a OnlyRun"):
            action()
    with pytest.raises(ConfigError, match="a OnlyRun that does not tell its epochs"):
        tuner(tmp_path / "b", made=autopartial(OnlyRun, lr=lr), target="score", min_budget=1)
    shown = tuner(tmp_path, n_trials=2, made=autopartial(WithModule, lr=lr), target="score")
    assert isinstance(shown.load_best_model(), Fragile)


def test_a_search_that_trains_nothing_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = AutoMAXConfig(n_trials=2, resampling="holdout", output_directory=tmp_path)
    AutoMAX(factory(epochs=1), config).optimize()
    assert "nothing was trained" not in capsys.readouterr().out
    AutoMAX(factory(epochs=1), config).optimize()
    assert "2 of 2 trials were already there; nothing was trained." in capsys.readouterr().out
    AutoMAX(factory(epochs=1), dataclasses.replace(config, n_trials=1)).optimize()
    assert "\n2 trials were already there; nothing was trained." in capsys.readouterr().out


class Plain:
    """An object of the user's, without harm."""


class WithObject(Regression):
    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["mine"] = Plain()


def objects_in_checkpoints(root: Path, **settings: Any) -> AutoMAX:
    def make(**searched: Any) -> Fit:
        return Fit(WithObject, Points(), epochs=2, trainer_kwargs={"accelerator": "cpu", **searched})

    made = autopartial(make, **parse_hyperparameters_from_dict({"gradient_clip_val": (0.5, 2.0)}))
    return AutoMAX(made, AutoMAXConfig(name="objects", n_trials=1, output_directory=root, **settings), "score", quiet=True)


def test_objects_in_checkpoints_are_refused_in_the_first_trial(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"an object of tests.tuner.test_automax.Plain.*add_safe_globals.*trust=True"):
        objects_in_checkpoints(tmp_path).optimize()


@pytest.mark.parametrize("executor", ["inline", pytest.param("process", marks=pytest.mark.slow)])
def test_trust_reaches_the_trials_and_the_best_model(tmp_path: Path, executor: str) -> None:
    trusting = objects_in_checkpoints(tmp_path, trust=True, executor=executor)
    trusting.optimize()
    assert trusting.log[0]["val"] == trusting.best_score
    assert trusting.load_best_model().training is False
    cautious = objects_in_checkpoints(tmp_path)
    assert cautious.finished == 1
    with pytest.raises(CheckpointError, match=r"best.ckpt: expected tensors and plain values"):
        cautious.load_best_model()
    assert cautious.load_best_model(trust=True).training is False
