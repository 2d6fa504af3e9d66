"""Networks for tables."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from torch import Tensor, nn

from automax_lightning.errors import ConfigError


class MLP(nn.Module):
    """A multi-layer perceptron that takes its input width from the first batch.

    Args:
        hidden: widths of the hidden layers, each at least 1; empty for a linear model.
        dropout: share of hidden units dropped in training, in [0, 1).
        num_labels: columns of the output.
        in_features: width of the input, all dimensions but the first flattened; None takes it from the first batch.

    Raises:
        ConfigError: if a width or the dropout is out of range.

    Example:
        >>> import torch
        >>> MLP(hidden=(8,))(torch.zeros(5, 3)).shape, MLP(hidden=(), num_labels=2)(torch.zeros(5, 3)).shape
        (torch.Size([5]), torch.Size([5, 2]))
    """

    def __init__(
        self,
        hidden: Sequence[int] = (64,),
        dropout: float = 0.0,
        num_labels: int = 1,
        in_features: int | None = None,
    ) -> None:
        super().__init__()
        widths = [*hidden, num_labels] if isinstance(hidden, (list, tuple)) else [None]
        if any(not isinstance(width, int) or width < 1 for width in widths):
            raise ConfigError("MLP.hidden", "integers of at least 1", repr(hidden), "Pass hidden=(64,).")
        if not isinstance(dropout, (int, float)) or not 0 <= dropout < 1:
            raise ConfigError("MLP.dropout", "a share in [0, 1)", repr(dropout), "Pass dropout=0.1.")
        self.num_labels = num_labels
        layers: list[nn.Module] = [nn.Flatten()]
        before = in_features
        for width in hidden:
            layers += [_linear(before, width), nn.ReLU(), *([nn.Dropout(dropout)] if dropout else [])]
            before = width
        self.layers = nn.Sequential(*layers, _linear(before, num_labels))

    def forward(self, x: Tensor) -> Tensor:
        """Logits, (N,) for one label and (N, num_labels) for several."""
        logits: Tensor = self.layers(x)
        return logits.squeeze(1) if self.num_labels == 1 else logits


def _linear(before: int | None, width: int) -> nn.Module:
    if before is not None:
        return nn.Linear(before, width)
    with warnings.catch_warnings():  # torch announces at every lazy layer that lazy layers are new
        warnings.filterwarnings("ignore", message="Lazy modules are a new feature")
        return nn.LazyLinear(width)
