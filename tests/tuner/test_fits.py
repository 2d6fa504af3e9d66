"""Scores of a checkpoint against the module's own, and a fit without validation."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from automax_lightning import TrialSpec
from automax_lightning.auc.data.merged import MergedDataModule
from automax_lightning.tuner.fits import split_scores, train_all
from tests.support.searching import DATA, factory


def test_scores_are_the_networks_in_the_order_of_the_split(tmp_path: Path) -> None:
    made = factory()
    default = made.cs.get_default_configuration()
    result = made(default).run(spec=TrialSpec(1, dict(default), directory=tmp_path / "0001"))
    found = split_scores(made(default), result.checkpoint)
    fit = made(default)
    fit.module.load_state_dict(torch.load(result.checkpoint, weights_only=False)["state_dict"])  # type: ignore[arg-type]
    for split, number in (("val", 1), ("test", 2)):
        x, y = DATA.datasets[number].tensors
        with torch.no_grad():
            assert torch.allclose(found[split][0], fit.module.eval()(x).reshape(-1), atol=1e-6)
        assert torch.equal(found[split][1], y)


def test_training_on_everything_stops_on_time_and_leaves_the_generators_alone(tmp_path: Path) -> None:
    made = factory(epochs=5)
    fit = made(made.cs.get_default_configuration())
    before = torch.get_rng_state()
    module, test = train_all(
        fit,
        lambda data: MergedDataModule(data),
        3,
        epochs=5,
        stop_after=2,
        checkpoint=tmp_path / "r" / "refit.ckpt",  # type: ignore[arg-type]
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.load(tmp_path / "r" / "refit.ckpt", weights_only=False)["epoch"] == 2
    assert (module.training, set(test)) == (False, {"AUROC"})
    assert test["AUROC"] == pytest.approx(split_scores_of_test(module), abs=1e-6)
    assert sorted(path.name for path in tmp_path.rglob("*.ckpt")) == ["refit.ckpt"]


def split_scores_of_test(module: torch.nn.Module) -> float:
    from sklearn.metrics import roc_auc_score

    x, y = DATA.datasets[2].tensors
    with torch.no_grad():
        return float(roc_auc_score(y, module(x)))
