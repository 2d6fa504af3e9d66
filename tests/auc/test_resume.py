"""Three epochs, a checkpoint, a new process and three more epochs are six epochs straight, bit for bit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from automax_lightning import AUCModule
from automax_lightning.auc.pairs import registry as pairs
from tests.support import auc as helpers
from tests.support import resuming

pytestmark = pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty")


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from flat(item, f"{prefix}.{key}")
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from flat(item, f"{prefix}.{number}")
    else:
        yield prefix, value


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    # torch's own loading sets this default in the groups of optimizers that have no such option.
    first, second = ({k: v for k, v in flat(state) if not k.endswith(".nesterov")} for state in (one, other))
    assert first.keys() == second.keys()
    differing = [
        name for name, value in first.items()
        if not (torch.equal(value, second[name]) if isinstance(value, torch.Tensor) else value == second[name])
    ]  # fmt: skip
    assert not differing


@pytest.mark.parametrize("name", helpers.CLASSIFYING)
def test_fresh_objects_continue_exactly(name: str, tmp_path: Path) -> None:
    straight = resuming.run(name, 6, tmp_path / "straight", resume=False)
    resuming.run(name, 3, tmp_path / "cut", resume=False)
    assert_same(resuming.run(name, 6, tmp_path / "cut", resume=True), straight)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_new_process_with_workers_continues_exactly(tmp_path: Path) -> None:
    names = helpers.CLASSIFYING
    for name in names:
        resuming.run(name, 3, tmp_path, resume=False, num_workers=2)
    subprocess.run([sys.executable, "-m", "tests.support.resuming", str(tmp_path), "6", "2", *names], check=True, timeout=600)
    for name in names:
        straight = resuming.run(name, 6, tmp_path / "straight", resume=False, num_workers=2)
        assert_same(torch.load(tmp_path / f"{name.replace(':', '-')}.resumed", weights_only=True), straight)


@pytest.mark.parametrize("name", helpers.CLASSIFYING)
def test_a_checkpoint_loads_before_any_data_are_known(name: str, tmp_path: Path) -> None:
    trained = resuming.run(name, 1, tmp_path, resume=False)
    num_labels = helpers.num_labels_of(pairs.get(name))
    path = tmp_path / f"{name.replace(':', '-')}.ckpt"
    loaded = AUCModule.load_from_checkpoint(path, model=helpers.network(num_labels, 0.3), weights_only=True)
    assert_same(loaded.state_dict(), trained["module"])
    assert loaded.hparams["loss"] == name


def test_a_checkpoint_whose_inner_rate_did_not_decay_goes_on_from_its_own(tmp_path: Path) -> None:
    """Until 0.1.0 only `lr` decayed; such a fit continues with the `lr0` that it had, which decays from then on."""
    path = tmp_path / "old.ckpt"

    def fit(epochs: int, **kwargs: Any) -> Any:
        made = helpers.module("CompositionalAUCLoss", decay_epochs=(1, 2))
        return helpers.fit(made, helpers.datamodule(made.pair), max_epochs=epochs, **kwargs)

    fit(2).save_checkpoint(path)
    saved = torch.load(path, weights_only=True)
    (group,) = saved["optimizer_states"][0]["param_groups"]
    assert group["lr0"] == group["lr"] == pytest.approx(0.005)
    group["lr0"] = 0.05
    torch.save(saved, path)
    resumed = fit(3, ckpt_path=path).optimizers[0].param_groups[0]
    assert (resumed["lr"], resumed["lr0"]) == pytest.approx((0.0005, 0.005))
