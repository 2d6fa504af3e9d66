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

from automax_lightning.auc.data.facts import DataFacts
from automax_lightning.auc.libauc.adapter import LossAdapter
from automax_lightning.auc.pairs import registry as pairs
from tests.support import auc as helpers
from tests.support import ranks

PAIRS = (*helpers.CLASSIFYING, *helpers.RANKING)
# The pairs within a rank are not all pairs; and where no sampler fixes it, each rank has its own share of a label's positives.
EACH_RANK_FOR_ITSELF = ("PairwiseAUCLoss", "MultiLabelAUCMLoss")
# An indicator of CVaR may flip on the last bit, even when one process permutes a batch.
JUMPY = ("pAUC_CVaR_Loss", "MultiLabelpAUCLoss:SOPA")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ranks")


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Both ranks of every pair, from one launch."""
    command = [sys.executable, "-m", "tests.support.ranks", str(folder), *PAIRS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr[-3000:]
    return {
        name: [torch.load(folder / f"{name.replace(':', '-')}.{rank}", weights_only=True) for rank in (0, 1)] for name in PAIRS
    }


@pytest.mark.parametrize("name", PAIRS)
def test_both_ranks_hold_the_same_weights_and_duals(name: str, outcomes: dict[str, list[dict[str, Any]]]) -> None:
    first, second = outcomes[name]
    shared = list(first["module"])
    assert shared
    for key in shared:
        assert torch.equal(first["module"][key], second["module"][key]), key


@pytest.mark.parametrize("name", [name for name in PAIRS if name not in EACH_RANK_FOR_ITSELF])
def test_two_half_batches_are_one_whole_batch(name: str, outcomes: dict[str, list[dict[str, Any]]]) -> None:
    if pairs.get(name).is_ranking:
        alone = ranks.rank_queries(batch_size=8, devices=1)
    else:
        alone = ranks.fit(name, batch_size=30, devices=1)
    assert alone["steps"] == outcomes[name][0]["steps"]
    for rank in outcomes[name]:
        for key, value in alone["module"].items():
            torch.testing.assert_close(rank["module"][key], value, atol=5e-3 if name in JUMPY else 2e-6, rtol=0)


def test_every_loss_that_gathers_is_held_to_it() -> None:
    assert not [name for name in EACH_RANK_FOR_ITSELF if pairs.get(name).gathers]


@pytest.mark.parametrize("name", ["mAPLoss", "MultiLabelpAUCLoss:SOPAs"])
def test_a_label_without_positives_on_one_rank_is_trained_by_all(
    name: str, folder: Path, outcomes: dict[str, list[dict[str, Any]]]
) -> None:
    adapter = LossAdapter(pairs.get(name), num_labels=2)
    adapter.build(DataFacts(8, (2, 1)), torch.device("cpu"))
    targets = torch.zeros(8, 2, dtype=torch.long)
    targets[:2, 0] = 1
    targets[0, 1] = 1
    adapter(torch.linspace(-1, 1, 16).reshape(8, 2), targets, torch.arange(8))
    alone = dict(adapter.loss_fn.named_buffers())
    assert any(value.any() for value in alone.values())
    for rank in (0, 1):
        torch.testing.assert_close(torch.load(folder / f"rare.{rank}", weights_only=True)[name], alone)


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
