"""After a search: refit, ensemble, predict, against scikit-learn and against fits by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score
from torch.utils.data import DataLoader, TensorDataset

from automax_lightning import AUCDataModule, AutoMAX, AutoMAXConfig, Fit, autopartial, parse_hyperparameters_from_dict
from automax_lightning.auc.data.merged import MergedDataModule
from automax_lightning.errors import CheckpointError, ConfigError, DataError
from tests.support.fits import Points, Regression
from tests.support.searching import DATA, factory, tuner


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> AutoMAX:
    made = tuner(tmp_path_factory.mktemp("s"), n_trials=4, made=factory(epochs=3))
    made.optimize()
    return made


def test_the_best_configuration_is_a_plain_dictionary(search: AutoMAX, tmp_path: Path) -> None:
    assert search.best_config == max(search.log, key=lambda entry: entry["val"])["space"]
    for action in (lambda s: s.best_config, lambda s: s.refit(), lambda s: s.ensemble(), lambda s: s.predict(torch.ones(1, 64))):
        with pytest.raises(CheckpointError, match="Run optimize"):
            action(tuner(tmp_path))


def test_predictions_are_the_same_in_whichever_form_the_data_come(search: AutoMAX) -> None:
    test = DATA.datasets[2]
    x, y = test.tensors
    scores = search.predict(x)
    assert roc_auc_score(y, scores) == pytest.approx(search.best.test["AUROC"], abs=1e-6)  # type: ignore[union-attr]
    for data in (test, DataLoader(test, batch_size=7), DataLoader(TensorDataset(x)), DATA.test_dataloader(), [x[:5], x[5:]]):
        assert torch.allclose(search.predict(data), scores, atol=1e-6)


def test_an_ensemble_is_the_mean_rank_of_its_members(search: AutoMAX) -> None:
    made = search.ensemble(top_k=3)
    ordered = sorted(search.log, key=lambda entry: -entry["val"])
    assert made.members == tuple(entry["trial"] for entry in ordered[:3])
    for split, value, single in ((1, made.val, made.single_val), (2, made.test, made.single_test)):
        x, y = DATA.datasets[split].tensors
        ranks = []
        for number in made.members:
            fit = search.trainer(search.history.spec(number).configuration)
            state = torch.load(search.history.final()[number].checkpoint, weights_only=False)["state_dict"]  # type: ignore[arg-type]
            fit.module.load_state_dict(state)
            with torch.no_grad():
                ranks.append(rankdata(fit.module.eval()(x).squeeze()))
        assert value == pytest.approx(roc_auc_score(y, np.mean(ranks, axis=0)))
        assert single == pytest.approx(roc_auc_score(y, ranks[0]))
    assert made.single_val == pytest.approx(search.best_score)
    assert "chosen on the validation split" in str(made)
    assert search.ensemble(top_k=1).val == pytest.approx(search.best_score)
    assert len(search.ensemble(top_k=99).members) == 4
    with pytest.raises(ConfigError, match="ensemble.top_k: expected at least 1, found 0"):
        search.ensemble(top_k=0)


def test_a_refit_trains_on_both_splits_for_the_epochs_found(search: AutoMAX) -> None:
    state = torch.get_rng_state()
    made = search.refit()
    assert torch.equal(torch.get_rng_state(), state)
    best = search.best
    assert best is not None
    kept = torch.load(made.checkpoint, weights_only=False)
    assert made.epochs == best.best_epoch == kept["epoch"]
    x, y = DATA.datasets[2].tensors
    with torch.no_grad():
        assert made.test["AUROC"] == pytest.approx(roc_auc_score(y, made.module(x)), abs=1e-6)
    again = search.refit()
    assert all(torch.equal(a, b) for a, b in zip(made.module.parameters(), again.module.parameters(), strict=True))
    other = search.refit(seed=99)
    assert not all(torch.equal(a, b) for a, b in zip(made.module.parameters(), other.module.parameters(), strict=True))


def test_a_refit_on_the_training_split_alone_is_the_best_trial(search: AutoMAX) -> None:
    """The schedule, the seed and the epochs are the trial's: only the data differ."""
    best = search.best
    assert best is not None
    same = search.refit(data=DATA.clone(seed=7, **{k: v for k, v in search.best_config.items() if k == "batch_size"}))
    ours = torch.load(best.checkpoint, weights_only=False)["state_dict"]  # type: ignore[arg-type]
    for key, value in same.module.state_dict().items():
        assert not isinstance(value, torch.Tensor) or torch.equal(value, ours[key])


@pytest.mark.parametrize("kind", ["tensors", "any"])
def test_merged_splits_hold_every_sample_once(kind: str) -> None:
    def split(low: int, high: int) -> Any:
        x = torch.arange(low, high, dtype=torch.float32)[:, None]
        data = TensorDataset(x, (torch.arange(low, high) % 3 == 0).long())
        return data if kind == "tensors" else torch.utils.data.Subset(data, range(len(data)))

    data = AUCDataModule(split(0, 30), split(30, 42), split(42, 50), batch_size=6, sampling_rate=None)
    merged = MergedDataModule(data)
    seen = torch.cat([x[:, 0] for x, _, _ in merged.train_dataloader()])
    assert sorted(seen.tolist()) == [float(i) for i in range(42)]
    assert (merged.batch_size, len(merged.datasets[2]), len(data.datasets[0])) == (6, 8, 30)


class Scores(Regression):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x)


class Shuffled(Points):
    """Validation in another order each time, with classes for targets."""

    calls = 0

    def val_dataloader(self) -> Any:
        Shuffled.calls += 1
        y = torch.randint(0, 2, (60,), generator=torch.Generator().manual_seed(Shuffled.calls))
        return DataLoader(TensorDataset(self.data.tensors[0], y), batch_size=60)


def own(root: Path, data: Any) -> AutoMAX:
    def make(lr: float) -> Fit:
        return Fit(Scores, data, epochs=2, trainer_kwargs={"accelerator": "cpu"})

    made = autopartial(make, **parse_hyperparameters_from_dict({"lr": (0.1, 0.5)}))
    return AutoMAX(made, AutoMAXConfig(name="own", n_trials=2, output_directory=root), "score", quiet=True)


def test_a_datamodule_of_ones_own_must_say_how_it_is_merged(tmp_path: Path) -> None:
    search = own(tmp_path, Points())
    search.optimize()
    with pytest.raises(ConfigError, match="refit.data: .*train_dataloader.*a Points"):
        search.refit()
    made = search.refit(data=Points())
    assert isinstance(made.module, L.LightningModule)
    assert set(made.test) == {"score"}


def test_members_that_saw_other_samples_are_refused(tmp_path: Path) -> None:
    search = own(tmp_path, Shuffled())
    search.optimize()
    with pytest.raises(DataError, match="ensemble.val: expected the same samples"):
        search.ensemble()
