"""The portfolios of the pairs, read from `portfolios.json`."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from automax_lightning.utils.portfolio import Portfolio


def portfolio(loss: str, optimizer: str) -> Portfolio:
    """The portfolio of a pair; an empty one where none has been chosen.

    Args:
        loss: name of the pair.
        optimizer: name of the optimizer; a portfolio belongs to one of a pair's optimizers.

    Example:
        >>> sorted(portfolio("AUCMLoss", "PESG").configs[0])[:2]
        ['loss_kwargs:margin', 'optimizer_kwargs:epoch_decay']
        >>> portfolio("BCELoss", "Adam").configs
        ()
    """
    entry = _data().get(loss)
    if entry is None or entry["optimizer"] != optimizer:
        return Portfolio()
    configs = ({name: _exact(value) for name, value in each.items()} for each in entry["configs"])
    return Portfolio(tuple(configs), entry["is_default"])


@functools.cache
def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads((files(__package__) / "portfolios.json").read_text(encoding="utf-8"))
    return data


def _exact(value: Any) -> Any:
    """JSON has no tuples."""
    return tuple(value) if isinstance(value, list) else value
