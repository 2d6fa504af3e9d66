"""One row or many, of any form: what a predictor makes of its models' outputs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from automax_lightning import AutoMAX, AutoMAXConfig, Fit, autopartial, parse_hyperparameters_from_dict
from automax_lightning.errors import CheckpointError, ConfigError
from automax_lightning.search.ranking import quantiles
from automax_lightning.search.storage.ensemble_folder import EnsembleTable, read_table
from automax_lightning.trial.checkpoint import TrialFiles
from automax_lightning.tuner.predictor import Model, Predictor, predictor_of
from tests.support.fits import Points, Regression
from tests.support.searching import DATA, factory, tuner


class Linear(L.LightningModule):
    """Returns its inputs times a factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factor


REFERENCE = np.array([1.0, 2.0, 3.0])


def test_one_row_is_scored_as_it_is_among_others() -> None:
    predictor = Predictor((Model(1, Linear(1.0), REFERENCE), Model(2, Linear(10.0), 10 * REFERENCE)), "rank")
    x = torch.tensor([0.0, 1.5, 9.0])
    together = predictor.predict(x)
    assert [float(predictor.predict(row)) for row in x.split(1)] == together.tolist()
    assert np.allclose(together, quantiles(REFERENCE, x.numpy()))  # whatever the scale of a model
    assert predictor.members == (1, 2)


def test_a_weight_counts() -> None:
    models = (Model(1, Linear(1.0), REFERENCE, weight=3), Model(2, Linear(-1.0), REFERENCE))
    x = torch.tensor([2.0])
    alone = [float(Predictor((Model(1, m.module, REFERENCE),), "rank").predict(x)) for m in models]
    assert float(Predictor(models, "rank").predict(x)) == pytest.approx((3 * alone[0] + alone[1]) / 4)


def test_one_column_and_the_two_columns_of_two_classes_are_one_score() -> None:
    predictor = Predictor((Model(1, Linear(1.0), REFERENCE),), "rank")
    assert predictor.predict(torch.tensor([[2.0]])).tolist() == [0.5]
    assert predictor.predict(torch.tensor([[1.0, 3.0]])).tolist() == [0.5]
    with pytest.raises(ConfigError, match=r"predict: expected outputs of the shape \(N\) that .* found \(N, 3\)"):
        predictor.predict(torch.ones(1, 3))


def test_classes_are_averaged_as_probabilities_and_outputs_as_they_are() -> None:
    x = torch.tensor([[0.0, 1.0, 2.0]])
    models = (Model(1, Linear(1.0)), Model(2, Linear(2.0)))
    expected = (torch.softmax(x.double(), 1) + torch.softmax(2 * x.double(), 1)) / 2
    assert torch.allclose(Predictor(models, "probability").predict(x), expected)
    assert torch.equal(Predictor(models, "output").predict(x), 1.5 * x.double())


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> AutoMAX:
    made = tuner(tmp_path_factory.mktemp("s"), n_trials=5, made=factory(epochs=2))
    made.optimize()
    return made


def test_a_search_delivers_its_better_half_and_says_what_it_scores(search: AutoMAX) -> None:
    table = read_table(search.directory)
    assert table is not None
    ordered = sorted(search.log, key=lambda entry: -entry["val"])
    assert [member.trial for member in table.members] == [entry["trial"] for entry in ordered[:3]]
    x, y = DATA.datasets[2].tensors
    score = roc_auc_score(y, search.predict(x))
    assert f"ensemble  {search.ensemble(top_k=3).val:.6f}            {score:.6f}" in search.trial_table()
    assert search.summary().count("ensemble  ") == 1


def test_the_members_survive_their_trials(search: AutoMAX, tmp_path: Path) -> None:
    copied = tmp_path / "s"
    shutil.copytree(search.directory, copied)
    x = DATA.datasets[2].tensors[0]
    shutil.rmtree(copied / "trials")
    again = tuner(tmp_path, n_trials=5, made=factory(epochs=2))
    assert torch.equal(again.predict(x), search.predict(x))


def test_a_member_that_is_gone_is_left_out_and_without_any_it_is_an_error(search: AutoMAX, tmp_path: Path) -> None:
    copied = tmp_path / "s"
    shutil.copytree(search.directory, copied)
    table = read_table(copied)
    assert table is not None

    def make(values: Any) -> L.LightningModule:
        fit: Any = search.setup.make(values)
        return fit.module  # type: ignore[no-any-return]

    first = table.members[0]
    for path in (TrialFiles.of(copied, first.trial).best, copied / "ensemble" / first.checkpoint):
        path.unlink()
    with pytest.warns(UserWarning, match=f"trial {first.trial} is left out of the ensemble: its checkpoint is gone"):
        assert predictor_of(copied, table, make, trust=False).members == tuple(m.trial for m in table.members[1:])
    with (
        pytest.warns(UserWarning, match="is left out"),
        pytest.raises(CheckpointError, match="expected the checkpoints of the ensemble, found none"),
    ):
        predictor_of(copied, EnsembleTable((first,)), make, trust=False)
    other = TrialFiles.of(copied, table.members[1].trial).best
    shutil.copy(other, TrialFiles.of(copied, first.trial).best)
    with pytest.raises(CheckpointError, match=f"expected the checkpoint of trial {first.trial}, found another one"):
        predictor_of(copied, table, make, trust=False)


def test_the_size_may_change_and_a_lost_folder_is_made_again(search: AutoMAX, tmp_path: Path) -> None:
    shutil.copytree(search.directory, tmp_path / "s")
    folder = tmp_path / "s" / "ensemble"
    for size, members in ((2, 2), (10, 3), (1, 0), (10, 3)):
        tuner(tmp_path, n_trials=5, made=factory(epochs=2), ensemble_size=size).optimize()
        assert len(list(folder.glob("*.ckpt"))) == members
    shutil.rmtree(folder)
    again = tuner(tmp_path, n_trials=5, made=factory(epochs=2))
    again.optimize()
    assert (folder / "ensemble.json").read_text() == (search.directory / "ensemble" / "ensemble.json").read_text()
    before = (tmp_path / "s" / "journal.jsonl").read_bytes()
    tuner(tmp_path, n_trials=5, made=factory(epochs=2)).optimize()
    assert (tmp_path / "s" / "journal.jsonl").read_bytes() == before  # nothing is left to do


class Scores(Regression):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x)


def test_of_a_regression_the_outputs_are_averaged(tmp_path: Path) -> None:
    def make(lr: float) -> Fit:
        return Fit(Scores, Points(), epochs=1, trainer_kwargs={"accelerator": "cpu"})

    made = autopartial(make, **parse_hyperparameters_from_dict({"lr": (0.1, 0.5)}))
    config = AutoMAXConfig(name="own", n_trials=4, output_directory=tmp_path, deterministic=False)
    search = AutoMAX(made, config, "score", quiet=True)
    search.optimize()
    table = read_table(search.directory)
    assert table is not None
    assert len(table.members) == 2
    x = Points().data.tensors[0]
    modules = []
    for member in table.members:
        module = Scores()
        kept = torch.load(search.directory / "ensemble" / member.checkpoint, weights_only=True)
        module.load_state_dict(kept["state_dict"])
        modules.append(module.eval())
    with torch.no_grad():
        assert torch.allclose(search.predict(x), torch.stack([module(x).double() for module in modules]).mean(0))


def test_with_folds_the_best_configurations_models_are_delivered(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=2, made=factory(epochs=1), resampling="cv", n_folds=2)
    search.optimize()
    table = read_table(search.directory)
    assert table is not None
    assert table.rule == "folds"
    assert [dict(member.configuration) for member in table.members] == [search.best_config] * 2
    assert bool((search.predict(DATA.datasets[2].tensors[0]) > 0).all())
    assert "each row is scored by the fold that did not see it" in search.trial_table()
    before = (search.directory / "journal.jsonl").read_bytes()
    search.optimize()
    assert (search.directory / "journal.jsonl").read_bytes() == before


def test_greedy_selection_is_kept_at_the_end_of_the_search(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=5, made=factory(epochs=1), ensemble_selection="greedy")
    search.optimize()
    table = read_table(search.directory)
    x, _ = DATA.datasets[2].tensors
    scores = search.predict(x)
    assert bool(((scores > 0) & (scores < 1)).all())
    assert table is None or (table.rule == "greedy" and sum(member.weight for member in table.members) <= 10)
