"""Pretrained weights from files of any trainer, without running code from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from automax_lightning.errors import CheckpointError
from automax_lightning.recipes.networks.families import Network


@pytest.mark.parametrize("kind", ["plain", "libauc", "lightning", "ours"])
def test_weights_come_from_a_file_of_any_trainer_and_the_head_starts_afresh(tmp_path: Path, kind: str) -> None:
    torch.manual_seed(1)
    source: Any = Network("resnet20", 3)()
    inner = source.network.state_dict()
    content = {
        "plain": inner,
        "libauc": {"model_state_dict": inner, "state": Foreign(3), "args": Foreign(4)},
        "lightning": {"state_dict": {f"model.network.{name}": tensor for name, tensor in inner.items()}, "epoch": 3},
        "ours": source.state_dict(),
    }[kind]
    is_legacy = kind == "plain"  # ImageNet weights of old are in the format before torch 1.6
    torch.save(content, tmp_path / "w.pt", _use_new_zipfile_serialization=not is_legacy)
    torch.manual_seed(2)
    loaded: Any = Network("resnet20", 1, str(tmp_path / "w.pt"))()
    torch.manual_seed(2)
    fresh: Any = Network("resnet20", 1)()
    state = loaded.network.state_dict()
    assert all(torch.equal(state[name], inner[name]) for name in inner if not name.startswith("linear"))
    assert torch.equal(state["linear.weight"], fresh.network.state_dict()["linear.weight"])
    assert not Foreign.was_made


class Foreign:
    """Something that runs code when it is unpickled."""

    was_made = False

    def __init__(self, number: int) -> None:
        self.number = number

    def __setstate__(self, state: Any) -> None:
        type(self).was_made = True


def test_a_file_that_would_run_code_is_not_obeyed(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            import os

            return os.system, (f"touch {tmp_path / 'hacked'}",)

    inner = Network("resnet20", 1)().state_dict()
    torch.save({"model_state_dict": inner, "evil": Evil()}, tmp_path / "w.pt")
    with pytest.raises(CheckpointError, match="without running code from it"):
        Network("resnet20", 1, str(tmp_path / "w.pt"))()
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "expected a file of weights, found no such file"),
        (b"no weights", "expected a file of torch.save"),
        ([1, 2], "expected a dictionary of tensors"),
        ({"a": torch.zeros(1)}, r"expected this network's \d+ tensors, found \d+ missing"),
    ],
)
def test_a_file_that_does_not_fit_is_named(tmp_path: Path, content: Any, message: str) -> None:
    path = tmp_path / "w.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(CheckpointError, match=f"w.pt: {message}"):
        Network("resnet20", 1, str(path))()


def test_tensors_of_other_shapes_are_named(tmp_path: Path) -> None:
    state = {name: torch.zeros(1) for name in Network("resnet20", 1)().network.state_dict()}  # type: ignore[operator, union-attr]
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(CheckpointError, match="expected tensors of this network's shapes"):
        Network("resnet20", 1, str(tmp_path / "w.pt"))()
