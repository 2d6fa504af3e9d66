"""The logits in a network's output, whatever its form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from automax_lightning.errors import DataError

ReadLogits = Callable[[Any], Tensor]
"""A function from a network's output to its logits (N,), (N, 1), (N, 2) or (N, num_labels)."""

_KEYS = ("logits", "scores", "out", "output")
_ENDS = {"SigmoidBackward0": "a sigmoid", "SoftmaxBackward0": "a softmax"}
_SHAPING = (
    "AsStridedBackward0", "CatBackward0", "CloneBackward0", "ReshapeAliasBackward0", "SelectBackward0", "SliceBackward0",
    "SqueezeBackward0", "SqueezeBackward1", "SqueezeBackward2", "SubBackward0", "ToCopyBackward0", "TransposeBackward0",
    "UnsafeViewBackward0", "UnsqueezeBackward0", "ViewBackward0",
)  # fmt: skip
"""Steps of a graph after which probabilities, or a difference of them, still are."""


@runtime_checkable
class _HasLogits(Protocol):
    logits: Any


def logits_in(output: Any) -> Tensor:
    """The logits of an output.

    ===========================  =========================================================================================
    output                       its logits are
    ===========================  =========================================================================================
    a tensor                     itself
    an object with ``.logits``   those: of a transformer, of torchvision's GoogLeNet and Inception with auxiliary outputs
    a mapping                    at ``"logits"``, else ``"scores"``, ``"out"``, ``"output"``, else its only tensor
    a tuple or a list            its first tensor: of TabNet's pair, of a recurrent network's output and state
    ===========================  =========================================================================================

    Args:
        output: what the network returned.

    Raises:
        DataError: if it holds none of these.

    Example:
        >>> import torch
        >>> logits_in((torch.ones(2), "sparsity")).tolist(), logits_in({"logits": torch.zeros(1), "state": 3}).tolist()
        ([1.0, 1.0], [0.0])
    """
    if isinstance(output, Tensor):
        return output
    if isinstance(output, Mapping):
        found = _in_mapping(output)
    elif isinstance(output, _HasLogits):
        found = output.logits
    else:
        found = output[0] if isinstance(output, (tuple, list)) and output else None
    if isinstance(found, Tensor):
        return found
    raise DataError(
        "output of the network", "a tensor, .logits, a mapping with 'logits', or a tuple that begins with a tensor",
        f"{type(output).__name__}{_keys_of(output)}", "Pass logits=lambda output: ... to AUCModule or trainer_factory.",
    )  # fmt: skip


def _in_mapping(output: Mapping[str, Any]) -> Any:
    key = next((key for key in _KEYS if key in output), None)
    if key is not None:
        return output[key]
    tensors = [value for value in output.values() if isinstance(value, Tensor)]
    return tensors[0] if len(tensors) == 1 else None


def _keys_of(output: Any) -> str:
    return f" with {sorted(map(str, output))}" if isinstance(output, Mapping) else ""


def one_score(logits: Tensor, num_labels: int) -> Tensor:
    """The two columns of a two-class output for one label as their difference, whose sigmoid is the softmax.

    Args:
        logits: as a network gives them.
        num_labels: of the task; for several labels nothing changes.

    Example:
        >>> import torch
        >>> one_score(torch.tensor([[1.0, 3.0]]), 1).tolist()
        [2.0]
    """
    if num_labels == 1 and logits.ndim == 2 and logits.shape[1] == 2:
        return logits[:, 1] - logits[:, 0]
    return logits


def probabilities_in(logits: Tensor) -> str:
    """What an output ends in where it is no logit but a probability: ``"a sigmoid"``, ``"a softmax"``; else empty.

    The graph of autograd tells, so that logits that happen to lie in [0, 1] are no false alarm.

    Args:
        logits: with their graph.

    Example:
        >>> import torch
        >>> weight = torch.ones(2, requires_grad=True)
        >>> probabilities_in(torch.sigmoid(weight)[:, None].squeeze(1)), probabilities_in(weight * 0.5)
        ('a sigmoid', '')
    """
    node: Any = logits.grad_fn
    while node is not None and node.name() in _SHAPING:
        node = node.next_functions[0][0]
    return "" if node is None else _ENDS.get(node.name(), "")
