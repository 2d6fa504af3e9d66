"""Two real processes on gloo: equal ranks, the whole batch's loss, and every sample scored once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.metrics import roc_auc_score

from automax_lightning.auc.pairs import registry as pairs
from tests.support import auc as helpers
from tests.support import ranks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ranks")


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Both ranks of every pair, from one launch."""
    command = [sys.executable, "-m", "tests.support.ranks", str(folder), *helpers.CLASSIFYING]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr[-3000:]
    return {
        name: [torch.load(folder / f"{name.replace(':', '-')}.{rank}", weights_only=True) for rank in (0, 1)]
        for name in helpers.CLASSIFYING
    }


@pytest.mark.parametrize("name", helpers.CLASSIFYING)
def test_both_ranks_hold_the_same_weights_and_duals(name: str, outcomes: dict[str, list[dict[str, Any]]]) -> None:
    first, second = outcomes[name]
    pair = pairs.get(name)
    # Losses that do not gather keep estimators of their own rank's samples.
    shared = [
        key for key in first["module"]
        if not (key.startswith("loss") and pair.needs_index and not pair.gathers)
    ]  # fmt: skip
    assert shared
    for key in shared:
        assert torch.equal(first["module"][key], second["module"][key]), key


@pytest.mark.parametrize("name", [name for name in helpers.CLASSIFYING if pairs.get(name).gathers and name != "pAUC_CVaR_Loss"])
def test_a_gathering_loss_is_the_whole_batchs_loss(name: str, outcomes: dict[str, list[dict[str, Any]]]) -> None:
    """pAUC_CVaR_Loss is left out: its indicator flips on the last bit, even when one process permutes a batch."""
    alone = ranks.fit(name, batch_size=30, devices=1)
    assert alone["steps"] == outcomes[name][0]["steps"]
    for key, value in alone["module"].items():
        torch.testing.assert_close(outcomes[name][0]["module"][key], value, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", helpers.CLASSIFYING)
def test_every_sample_is_scored_once(name: str, outcomes: dict[str, list[dict[str, Any]]]) -> None:
    pair = pairs.get(name)
    x, y = helpers.digits(helpers.num_labels_of(pair)).tensors
    model = helpers.network(helpers.num_labels_of(pair))
    found = outcomes[name]
    model.load_state_dict({k.removeprefix("model."): v for k, v in found[0]["module"].items() if k.startswith("model.")})
    expected = roc_auc_score(y.numpy(), model.eval()(x).detach().numpy())
    for rank in found:
        assert rank["scored"] == len(x)
        assert rank["val"] == pytest.approx(expected, abs=1e-6)


def test_lightnings_own_samplers_repeat_samples_and_each_is_scored_once(
    folder: Path, outcomes: dict[str, list[dict[str, Any]]]
) -> None:
    x, y = helpers.digits(1).tensors
    for rank in (0, 1):
        found = torch.load(folder / f"plain.{rank}", weights_only=True)
        model = helpers.network(1)
        model.load_state_dict(found["model"])
        assert found["scored"] == len(x)
        assert found["val"] == pytest.approx(roc_auc_score(y, model.eval()(x).detach()[:, 0]), abs=1e-6)


@pytest.mark.parametrize("strategy", ["ddp_spawn", "ddp_fork"])
def test_spawned_and_forked_ranks_train_as_launched_ones(
    strategy: str, tmp_path: Path, outcomes: dict[str, list[dict[str, Any]]]
) -> None:
    command = [sys.executable, "-m", "tests.support.ranks", str(tmp_path), strategy]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr[-3000:]
    launched = outcomes["APLoss"][0]["module"]
    for name, value in torch.load(tmp_path / strategy, weights_only=True).items():
        assert torch.equal(value, launched[f"model.{name}"]), name
