"""The weights of many small networks as one tensor for each layer: what `stacked` trains and `updates` changes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Networks:
    """The weights of a stack; the first layer is one wide matrix, because all networks read the same batch.

    Args:
        weights: of one network, as `torch.nn.Linear` keeps them.
        count: networks.
    """

    def __init__(self, weights: Sequence[Tensor], count: int) -> None:
        self.count = count
        first = weights[0].t()[:, None, :].repeat(1, count, 1)
        rest = [w.t()[None].repeat(count, 1, 1) if w.ndim == 2 else w[None, None].repeat(count, 1, 1) for w in weights[1:]]
        self.weights = [p.requires_grad_() for p in (first, *rest)]

    def logits(self, x: Tensor) -> Tensor:
        """(C, N) for x of shape (N, d)."""
        first, bias, *rest = self.weights
        h = (x @ first.reshape(len(first), -1)).reshape(len(x), self.count, -1).transpose(0, 1) + bias
        for weight, bias in zip(rest[::2], rest[1::2], strict=True):
            h = torch.baddbmm(bias, torch.relu(h), weight)
        return h[..., 0]

    def along(self, values: Tensor) -> list[Tensor]:
        """A value of each network, in the shape that multiplies each weight."""
        return [values[None, :, None], *[values[:, None, None]] * (len(self.weights) - 1)]
