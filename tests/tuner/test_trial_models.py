"""The models of single trials: their weights give the scores that were logged."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from sklearn.metrics import roc_auc_score

from automax_lightning import AutoMAX
from automax_lightning.errors import CheckpointError, ConfigError
from automax_lightning.tuner.trial_models import trials_with_models
from tests.support.searching import DATA, tuner


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> AutoMAX:
    made = tuner(tmp_path_factory.mktemp("models"))
    made.optimize()
    return made


def score(module: torch.nn.Module) -> float:
    x, y = DATA.datasets[1].tensors
    with torch.no_grad():
        return float(roc_auc_score(y, module(x).reshape(-1)))


def test_each_trial_has_its_own_model(search: AutoMAX) -> None:
    for entry in search.log:
        assert score(search.load_model(entry["trial"])) == pytest.approx(entry["val"], abs=1e-6)


def test_the_best_models_come_in_order(search: AutoMAX) -> None:
    scores = [score(module) for module in search.get_best_models(2)]
    assert scores == pytest.approx(sorted((entry["val"] for entry in search.log), reverse=True)[:2], abs=1e-6)
    assert len(search.get_best_models(50)) == len(trials_with_models(search.setup, search.record)) == 3
    with pytest.raises(ConfigError, match="get_best_models.n: expected an integer of at least 1"):
        search.get_best_models(0)


def test_a_trial_or_a_checkpoint_that_is_not_there_is_named(search: AutoMAX, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"load_model: expected a trial's number, one of \[1, 2, 3\], found 9"):
        search.load_model(9)
    lost = tuner(tmp_path, n_trials=2)
    lost.optimize()
    (tmp_path / "s" / "trials" / "0002" / "checkpoints" / "best.ckpt").unlink()
    with pytest.raises(CheckpointError, match=r"the checkpoint of trial 2, found none. Checkpoints are kept of \[1\]"):
        lost.load_model(2)
