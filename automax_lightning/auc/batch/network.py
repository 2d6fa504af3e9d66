"""How a network is called with inputs of any form."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from torch import nn

from automax_lightning.errors import DataError

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@runtime_checkable
class _Graph(Protocol):
    """What PyTorch Geometric's graphs offer."""

    def to_dict(self) -> Mapping[str, Any]:
        """Its tensors by name."""

    edge_index: Any


def apply(network: nn.Module, inputs: Any) -> Any:
    """The network's output for inputs of any form.

    ====================  ==============================================================================================
    inputs                are given
    ====================  ==============================================================================================
    a tensor              as they are
    a tuple or a list     as separate arguments where ``forward`` takes several, otherwise as one
    a mapping             by name where ``forward`` takes several arguments and all of these names, otherwise as one
    a graph               as one where ``forward`` takes one argument, otherwise those of its tensors that it names
    ====================  ==============================================================================================

    Args:
        network: any module.
        inputs: of a batch, without labels.

    Raises:
        DataError: if a mapping has some of the names that ``forward`` takes, and others that it does not.

    Example:
        >>> import torch
        >>> bilinear = nn.Bilinear(2, 3, 1)
        >>> apply(bilinear, (torch.ones(4, 2), torch.ones(4, 3))).shape
        torch.Size([4, 1])
        >>> apply(bilinear, {"input1": torch.ones(4, 2), "input2": torch.ones(4, 3)}).shape
        torch.Size([4, 1])
    """
    if isinstance(inputs, (tuple, list)):
        return network(*inputs) if _takes_several(network) else network(inputs)
    if isinstance(inputs, Mapping):
        named = _by_name(network, inputs)
        return network(inputs) if named is None else network(**named)
    if isinstance(inputs, _Graph) and _takes_several(network):
        names = _names(network)
        return network(**{key: value for key, value in inputs.to_dict().items() if key in names})
    return network(inputs)


def _parameters(network: nn.Module) -> list[inspect.Parameter]:
    return list(inspect.signature(network.forward).parameters.values())


def _takes_several(network: nn.Module) -> bool:
    parameters = _parameters(network)
    is_open = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    needed = [each for each in parameters if each.kind in _POSITIONAL]
    return is_open or len(needed) > 1


def _names(network: nn.Module) -> set[str]:
    return {each.name for each in _parameters(network) if each.kind in _NAMED}


def _by_name(network: nn.Module, inputs: Mapping[str, Any]) -> dict[str, Any] | None:
    """The keyword arguments that a mapping is; None where the network takes it as a whole."""
    parameters, names = _parameters(network), _names(network)
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return dict(inputs)
    known = names & set(inputs)
    if len(parameters) < 2 or not known:
        return None
    unknown = sorted(set(inputs) - names)
    if unknown:
        raise DataError(
            f"batch of {type(network).__name__}", f"only the arguments of its forward, {sorted(names)}", f"also {unknown}",
            "Leave these keys out of the batch, or let forward take the mapping as its one argument.",
        )  # fmt: skip
    return dict(inputs)
