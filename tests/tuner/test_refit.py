"""The best configuration, trained on everything, against the best trial itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch.utils.data import TensorDataset

from automax_lightning import AUCDataModule, AutoMAX, AutoMAXConfig, Fit, autopartial, parse_hyperparameters_from_dict
from automax_lightning.auc.data.merged import MergedDataModule
from automax_lightning.errors import ConfigError
from automax_lightning.search.storage.ownership import owned
from tests.support.fits import Points, Regression
from tests.support.searching import DATA, factory, tuner


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> AutoMAX:
    made = tuner(tmp_path_factory.mktemp("s"), n_trials=4, made=factory(epochs=3))
    made.optimize()
    return made


def test_a_refit_trains_on_both_splits_for_the_whole_schedule(search: AutoMAX) -> None:
    made = search.refit()
    kept = torch.load(made.checkpoint, weights_only=False)
    assert made.epochs == 3 == kept["epoch"]
    x, y = DATA.datasets[2].tensors
    assert roc_auc_score(y, made.predict(x)) == pytest.approx(made.test["AUROC"], abs=1e-6)
    assert made.members == ()


def test_several_configurations_are_refitted_and_averaged_by_rank(search: AutoMAX) -> None:
    made = search.refit(members=2)
    x, y = DATA.datasets[2].tensors
    ordered = sorted(search.log, key=lambda entry: -entry["val"])
    assert made.predictor.members == tuple(entry["trial"] for entry in ordered[:2])
    assert torch.allclose(made.predict(x), torch.stack([each.predict(x) for each in made.members]).mean(0))
    assert roc_auc_score(y, made.predict(x)) == pytest.approx(made.test["AUROC"], abs=1e-6)
    assert [each.checkpoint.name for each in made.members] == ["refit.ckpt", "refit_2.ckpt"]
    assert {"refit/refit.ckpt", "refit/refit_2.ckpt"} <= owned(search.directory)
    assert len(search.refit(members=99).members) == 4


def test_several_seeds_of_the_best_configuration_are_refitted(search: AutoMAX) -> None:
    made = search.refit(members=2, vary="seeds", seed=5)
    assert made.predictor.members == (search.best.number,) * 2  # type: ignore[union-attr]
    first, second = ([*each.module.parameters()] for each in made.members)
    assert not all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    again = search.refit(seed=6)
    assert all(torch.equal(a, b) for a, b in zip(second, again.module.parameters(), strict=True))


def test_with_several_seeds_configurations_are_ranked_by_their_means(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=4, made=factory(epochs=1), n_seeds=2, deterministic=False)
    search.optimize()
    made = search.refit(members=4)
    chosen = [search.configuration_of(number) for number in made.predictor.members]
    assert chosen[0] == search.best_config
    assert len({tuple(values.items()) for values in chosen}) == len(chosen)


@pytest.mark.parametrize(("wrong", "message"), [({"members": 0}, "refit.members: expected at least 1, found 0"),
                                                ({"epochs": "few"}, "refit.epochs: expected one of"),
                                                ({"vary": "data"}, "refit.vary: expected one of")])  # fmt: skip
def test_a_refit_that_cannot_be_is_refused(search: AutoMAX, wrong: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        search.refit(**wrong)


def test_a_refit_trains_on_both_splits_for_the_epochs_found(search: AutoMAX) -> None:
    state = torch.get_rng_state()
    made = search.refit(epochs="best")
    assert torch.equal(torch.get_rng_state(), state)
    best = search.best
    assert best is not None
    kept = torch.load(made.checkpoint, weights_only=False)
    assert made.epochs == best.best_epoch == kept["epoch"]
    x, y = DATA.datasets[2].tensors
    with torch.no_grad():
        assert made.test["AUROC"] == pytest.approx(roc_auc_score(y, made.module(x)), abs=1e-6)
    again = search.refit(epochs="best")
    assert all(torch.equal(a, b) for a, b in zip(made.module.parameters(), again.module.parameters(), strict=True))
    other = search.refit(seed=99, epochs="best")
    assert not all(torch.equal(a, b) for a, b in zip(made.module.parameters(), other.module.parameters(), strict=True))


def test_a_refit_on_the_training_split_alone_is_the_best_trial(search: AutoMAX) -> None:
    """The schedule, the seed and the epochs are the trial's: only the data differ."""
    best = search.best
    assert best is not None
    same = search.refit(
        data=DATA.clone(seed=7, **{k: v for k, v in search.best_config.items() if k == "batch_size"}), epochs="best"
    )
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
    x = Points().data.tensors[0]
    assert torch.equal(made.predict(x), made.module(x).double())  # nothing is ranked in a regression
