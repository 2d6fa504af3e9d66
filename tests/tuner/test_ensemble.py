"""The mean rank of several trials, against scikit-learn and fits by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score
from torch.utils.data import DataLoader, TensorDataset

from automax_lightning import AutoMAX, AutoMAXConfig, Fit, autopartial, parse_hyperparameters_from_dict
from automax_lightning.errors import ConfigError, DataError
from tests.support.fits import Points, Regression
from tests.support.searching import DATA, factory, tuner


def by_hand(reference: np.ndarray, scores: np.ndarray) -> list[float]:
    """The mid-rank of each score among the reference; between two of them and outside, as the documentation says."""
    levels = dict(zip(reference.tolist(), ((rankdata(reference) - 0.5) / len(reference)).tolist(), strict=True))
    ordered = sorted(levels)
    found = []
    for score in scores.tolist():
        below = [value for value in ordered if value <= score]
        above = [value for value in ordered if value >= score]
        if not below:
            found.append(levels[ordered[0]] / (1 + (ordered[0] - score) / np.std(reference)))
        elif not above:
            found.append(1 - (1 - levels[ordered[-1]]) / (1 + (score - ordered[-1]) / np.std(reference)))
        else:
            share = 0.0 if above[0] == below[-1] else (score - below[-1]) / (above[0] - below[-1])
            found.append(levels[below[-1]] + share * (levels[above[0]] - levels[below[-1]]))
    return found


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> AutoMAX:
    made = tuner(tmp_path_factory.mktemp("s"), n_trials=4, made=factory(epochs=3))
    made.optimize()
    return made


def test_an_ensemble_is_the_mean_rank_of_its_members(search: AutoMAX) -> None:
    made = search.ensemble(top_k=3)
    ordered = sorted(search.log, key=lambda entry: -entry["val"])
    assert made.members == tuple(entry["trial"] for entry in ordered[:3])
    for split, value, single in ((1, made.val, made.single_val), (2, made.test, made.single_test)):
        x, y = DATA.datasets[split].tensors
        ranks = []
        val = DATA.datasets[1].tensors[0]
        for number in made.members:
            fit = search.trainer(search.history.spec(number).configuration)
            state = torch.load(search.history.final()[number].checkpoint, weights_only=False)["state_dict"]  # type: ignore[arg-type]
            fit.module.load_state_dict(state)
            with torch.no_grad():
                scores, reference = (fit.module.eval()(rows).squeeze().double().numpy() for rows in (x, val))
            ranks.append(by_hand(reference, scores))
        assert value == pytest.approx(roc_auc_score(y, np.mean(ranks, axis=0)))
        assert single == pytest.approx(roc_auc_score(y, ranks[0]))
    assert made.single_val == pytest.approx(search.best_score)
    assert "chosen on the validation split" in str(made)
    assert torch.allclose(made.predict(DATA.datasets[2].tensors[0]), made.test_scores)  # type: ignore[arg-type]
    assert torch.allclose(made.predict(DATA.datasets[1]), made.val_scores)
    assert search.ensemble(top_k=1).val == pytest.approx(search.best_score)
    assert len(search.ensemble(top_k=99).members) == 4
    with pytest.raises(ConfigError, match="ensemble.top_k: expected at least 1, found 0"):
        search.ensemble(top_k=0)


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


def test_members_that_saw_other_samples_are_refused(tmp_path: Path) -> None:
    search = own(tmp_path, Shuffled())
    search.optimize()
    with pytest.raises(DataError, match="ensemble.val: expected the same samples"):
        search.ensemble()
