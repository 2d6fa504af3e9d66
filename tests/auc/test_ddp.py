"""Two real processes on gloo: equal ranks, the whole batch's loss, and every sample scored once."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
import torch
from sklearn.metrics import roc_auc_score

from automax_lightning.auc import pairs
from tests.auc import helpers, ranks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """Both ranks of every pair, from one launch."""
    folder = tmp_path_factory.mktemp("ranks")
    command = [sys.executable, "-m", "tests.auc.ranks", str(folder), *helpers.CLASSIFYING]
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
