"""Pretrained weights from a file: LibAUC's, Lightning's or a plain state dict, read without running code from it."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from automax_lightning.errors import CheckpointError

_HEADS = frozenset({"fc", "linear", "classifier", "head", "graph_pred_linear"})
_PREFIXES = ("", "model.", "model.network.", "network.", "module.")


class _Inert:
    """Stands for an object of a foreign class, which a file of weights may hold and nobody needs."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take anything."""

    def __setstate__(self, state: Any) -> None:
        """Forget it."""


def load_backbone(network: nn.Module, path: str | Path) -> None:
    """Put a file's weights into a network, except for the head, which starts afresh as the task may be another one.

    Args:
        network: whose parameters are set.
        path: a file of ``torch.save``: a state dict, ``{"model_state_dict": ...}`` as LibAUC's trainer writes it, or a
            Lightning checkpoint.

    Raises:
        CheckpointError: if the file is not there, cannot be read, or holds another network's weights.
    """
    state = _state_dict(Path(path))
    own = {name for name in network.state_dict() if not _HEADS & set(name.split("."))}
    fitting = {prefix: _without(state, prefix, own) for prefix in _PREFIXES}
    best = max(fitting.values(), key=len)
    missing = sorted(own - set(best))
    if missing or not own:
        raise CheckpointError(str(path), f"this network's {len(own)} tensors", f"{len(missing)} missing, such as {missing[:2]}",
                              "Check model.name, and which network the file was written for.")  # fmt: skip
    try:
        network.load_state_dict(best, strict=False)
    except RuntimeError as error:
        raise CheckpointError(str(path), "tensors of this network's shapes", " ".join(str(error).split())[:300],
                              "Check the arguments in the model section.") from error  # fmt: skip


def _state_dict(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise CheckpointError(str(path.absolute()), "a file of weights", "no such file", "Correct model.pretrained_path.")
    try:
        content = _load(path)
    except (pickle.UnpicklingError, RuntimeError, ValueError, EOFError) as error:
        raise CheckpointError(str(path), "a file of torch.save that can be read without running code from it",
                              f"a {type(error).__name__}", "Save network.state_dict() with torch.save.") from error  # fmt: skip
    for key in ("model_state_dict", "state_dict"):
        content = content.get(key, content) if isinstance(content, Mapping) else content
    if not isinstance(content, Mapping):
        raise CheckpointError(str(path), "a dictionary of tensors", type(content).__name__, "Save network.state_dict().")
    return {str(name): tensor for name, tensor in content.items() if isinstance(tensor, Tensor)}


def _load(path: Path) -> Any:
    """LibAUC's checkpoints hold its settings and its loss as objects beside the weights; they are read as nothing."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        list_foreign = getattr(torch.serialization, "get_unsafe_globals_in_checkpoint", None)
        if list_foreign is None:  # before torch 2.6
            raise
    with torch.serialization.safe_globals([(_Inert, name) for name in list_foreign(str(path))]):
        return torch.load(path, map_location="cpu", weights_only=True)


def _without(state: Mapping[str, Tensor], prefix: str, own: set[str]) -> dict[str, Tensor]:
    cut = {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
    return {name: tensor for name, tensor in cut.items() if name in own}
