"""Searches whose trials have splits of their own: folds that are raced, and draws."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score
from torch.utils.data import DataLoader, TensorDataset

from automax_lightning import AutoMAX, AutoMAXConfig, DigitsDataModule
from automax_lightning.errors import ConfigError, JournalError
from automax_lightning.report.ensemble import comparison, ensemble_scores
from automax_lightning.search.storage.journal import read
from automax_lightning.trial.records import Split
from automax_lightning.trial.score_file import read_scores
from tests.support.fits import Points, Regression
from tests.support.searching import DATA, table, tuner

CV: dict[str, Any] = {"resampling": "cv", "n_folds": 3, "n_trials": None, "n_fits": 7}
DRAWN: dict[str, Any] = {"resampling": "reshuffled", "n_trials": 4}


@pytest.fixture(scope="module")
def raced(tmp_path_factory: pytest.TempPathFactory) -> AutoMAX:
    search = tuner(tmp_path_factory.mktemp("raced"), **CV)
    search.optimize()
    return search


def test_folds_are_trials_with_rows_of_their_own(raced: AutoMAX) -> None:
    specs = raced.history.asks
    assert [spec.split for spec in specs[:3]] == [Split(7, fold, 3) for fold in range(3)]
    assert len({tuple(spec.configuration.items()) for spec in specs[:3]}) == 1
    assert len(specs) == 7
    rows = len(DATA.datasets[0]) + len(DATA.datasets[1])
    validated = [len(read_scores(spec.directory / "checkpoints" / "scores.npz").splits["val"].labels) for spec in specs[:3]]
    assert sum(validated) == rows
    frame = raced.trials_dataframe()
    assert frame["fold"].tolist()[:3] == [0, 1, 2]


def test_the_score_is_the_mean_and_the_model_that_of_the_first_fold(raced: AutoMAX) -> None:
    best = raced.best
    assert best is not None
    numbers = raced.history.groups[next(key for key, group in raced.history.groups.items() if best.number in group)]
    assert best.number == min(numbers)
    curves = np.array([raced.history.results[number].curve for number in numbers])
    assert raced.best_score == pytest.approx(curves.mean(0).max())
    assert f"{raced.best_score:.6f}" in raced.summary()
    assert "Validation scores are means over folds" in raced.summary()
    assert "folds" in raced.trial_table()
    fold = DATA.resplit(7, 0, 3)
    x, y = fold.datasets[1].tensors
    with torch.no_grad():
        scores = raced.load_best_model()(x).squeeze(-1)
    assert roc_auc_score(y, scores) == pytest.approx(best.score, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [CV, DRAWN], ids=["folds", "draws"])
def test_a_search_extended_is_the_longer_one(tmp_path: Path, settings: dict[str, Any]) -> None:
    name = "n_fits" if settings["n_trials"] is None else "n_trials"
    whole = tuner(tmp_path / "whole", **settings)
    whole.optimize()
    tuner(tmp_path / "parts", **{**settings, name: 2}).optimize()
    parts = tuner(tmp_path / "parts", **settings)
    parts.optimize()
    assert table(parts) == table(whole)
    assert [spec.split for spec in parts.history.asks] == [spec.split for spec in whole.history.asks]
    assert len(parts.log) == settings[name]


@pytest.mark.slow
@pytest.mark.parametrize("settings", [CV, DRAWN], ids=["folds", "draws"])
def test_trials_in_another_process_have_the_same_splits(tmp_path: Path, settings: dict[str, Any]) -> None:
    inline, process = tuner(tmp_path / "inline", **settings), tuner(tmp_path / "process", **settings, executor="process")
    inline.optimize()
    process.optimize()
    assert table(process) == table(inline)


def test_draws_differ_from_trial_to_trial(tmp_path: Path) -> None:
    search = tuner(tmp_path, **DRAWN)
    search.optimize()
    kept = [read_scores(spec.directory / "checkpoints" / "scores.npz").splits["val"].labels for spec in search.history.asks]
    assert len({labels.tobytes() for labels in kept}) == 4
    assert {len(labels) for labels in kept} == {len(DATA.datasets[1])}


def test_another_resampling_is_another_search(tmp_path: Path) -> None:
    tuner(tmp_path, n_trials=1).optimize()
    with pytest.raises(JournalError, match=r"resampling: None -> 'cv'"):
        tuner(tmp_path, **CV)
    tuner(tmp_path / "cv", **{**CV, "n_fits": 1}).optimize()
    with pytest.raises(JournalError, match=r"n_folds: 3 -> 4"):
        tuner(tmp_path / "cv", **{**CV, "n_folds": 4})


def test_data_that_cannot_be_divided_are_an_error_before_anything_is_written(tmp_path: Path) -> None:
    from automax_lightning import Fit, autopartial, parse_hyperparameters_from_dict

    def make(**searched: Any) -> Fit:
        return Fit(Regression, Points(), epochs=1, trainer_kwargs={"accelerator": "cpu", **searched})

    made = autopartial(make, **parse_hyperparameters_from_dict({"gradient_clip_val": (0.5, 2.0)}))
    config = AutoMAXConfig(name="s", output_directory=tmp_path, **CV)
    with pytest.raises(ConfigError, match=r"AutoMAXConfig.resampling: expected data with a method resplit.*found a Points"):
        AutoMAX(made, config, "score", quiet=True).optimize()
    assert list(tmp_path.iterdir()) == []


def test_a_datamodule_of_ones_own_divides_its_rows_itself(tmp_path: Path) -> None:
    class Divided(Points):
        def __init__(self, fold: int | None = None) -> None:
            super().__init__()
            self.fold = fold

        def resplit(self, seed: int, fold: int | None = None, n_folds: int | None = None) -> Divided:
            return Divided(fold)

        def val_dataloader(self) -> Any:
            parts = torch.arange(60).reshape(3, 20)
            return DataLoader(TensorDataset(*self.data[parts[self.fold or 0]]), batch_size=16)

    from automax_lightning import Fit, autopartial, parse_hyperparameters_from_dict

    def make(**searched: Any) -> Fit:
        return Fit(Regression, Divided(), epochs=1, trainer_kwargs={"accelerator": "cpu", **searched})

    made = autopartial(make, **parse_hyperparameters_from_dict({"gradient_clip_val": (0.5, 2.0)}))
    search = AutoMAX(made, AutoMAXConfig(name="s", output_directory=tmp_path, **{**CV, "n_fits": 3}), "score", quiet=True)
    search.optimize()
    assert len({entry["val"] for entry in search.log}) == 3


def test_a_refit_trains_on_all_rows_whatever_the_fold(raced: AutoMAX) -> None:
    refit = raced.refit()
    assert refit.test["AUROC"] > 0.5


@pytest.mark.slow
def test_the_best_fold_is_trained_again_to_the_bit_by_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from automax_lightning.cli import main

    monkeypatch.chdir(tmp_path)
    config = {
        "model": {"class_path": "automax_lightning.AUCModule",
                  "init_args": {"model": {"class_path": "automax_lightning.models.MLP", "init_args": {"hidden": [8]}}}},
        "data": {"class_path": "automax_lightning.DigitsDataModule"},
        "trainer": {"max_epochs": 2, "accelerator": "cpu", "enable_progress_bar": False},
        "automax": {"name": "mine", "SEED": 3, **CV},
    }  # fmt: skip
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(config))
    assert main(["tune", "--config", "c.yaml"]) == 0
    best = yaml.safe_load((tmp_path / "automax_output" / "mine" / "best_config.yaml").read_text())
    assert {key: best["data"]["init_args"][key] for key in ("resplit_seed", "fold", "n_folds")} == {
        "resplit_seed": 3, "fold": 0, "n_folds": 3,
    }  # fmt: skip
    history = read(tmp_path / "automax_output" / "mine")
    expected = {max(result.curve) for result in history.results.values()}
    best["trainer"]["logger"] = {"class_path": "lightning.pytorch.loggers.CSVLogger", "init_args": {"save_dir": str(tmp_path)}}
    (tmp_path / "again.yaml").write_text(yaml.safe_dump(best))
    assert main(["fit", "--config", "again.yaml"]) == 0
    checkpoint = torch.load(next(tmp_path.rglob("version_0/checkpoints/best*.ckpt")), weights_only=False)
    (score,) = [float(each["best_model_score"]) for key, each in checkpoint["callbacks"].items() if "ModelCheckpoint" in key]
    assert score in expected


def test_the_ensemble_of_folds_has_a_score_out_of_bag(raced: AutoMAX) -> None:
    found = ensemble_scores(raced.reading())
    assert found is not None
    assert found.out_of_bag is not None
    assert found.out_of_bag.interval is not None
    assert len(found.members) == 3
    ranks, labels = [], []
    for number in found.members:
        held = read_scores(raced.history.spec(number).directory / "checkpoints" / "scores.npz").splits["val"]
        ranks.append((rankdata(held.scores) - 0.5) / len(held.scores))
        labels.append(held.labels)
    assert sum(map(len, labels)) == len(DATA.datasets[0]) + len(DATA.datasets[1])
    assert found.out_of_bag.value == pytest.approx(roc_auc_score(np.concatenate(labels), np.concatenate(ranks)))
    assert found.out_of_bag.interval.low < found.out_of_bag.value < found.out_of_bag.interval.high
    assert f"{found.out_of_bag.value:.6f}" in comparison(raced.reading())
    assert "out of bag (95 % interval" in comparison(raced.reading())


def test_trials_on_other_rows_are_not_averaged_by_hand(raced: AutoMAX) -> None:
    with pytest.raises(ConfigError, match=r"AutoMAX.ensemble: expected trials with the same validation rows.*found 'cv'"):
        raced.ensemble()
    scores = raced.predict(DATA.datasets[2].tensors[0])
    assert roc_auc_score(DATA.datasets[2].tensors[1], scores) == pytest.approx(ensemble_scores(raced.reading()).test, abs=1e-6)


def test_the_journal_tells_each_trials_split(raced: AutoMAX) -> None:
    lines = (raced.directory / "journal.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    asks = [event["trial"] for event in events if event["event"] == "ask"]
    assert asks[1]["split"] == {"seed": 7, "fold": 1, "n_folds": 3}
    assert isinstance(raced.trainer.autofunc.data, DigitsDataModule)
