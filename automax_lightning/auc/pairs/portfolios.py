"""Configurations that are good together on many tasks: what a search tries right after the default."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any


@dataclasses.dataclass(frozen=True)
class Portfolio:
    """A few configurations of a pair, in the order in which they are tried.

    They are data of this package: `benchmarks/portfolio.py` has chosen them greedily out of some thousand fits a task,
    so that the best of them and the default is good on every public task.

    Args:
        configs: values by name, such as ``"optimizer_kwargs:lr"``.
        is_default: on tasks that were left out of the choice, searches that begin with it were significantly better.

    References:
        Feurer et al., Auto-Sklearn 2.0: Hands-free AutoML via Meta-Learning, JMLR 2022, section 3.1
    """

    configs: tuple[Mapping[str, Any], ...] = ()
    is_default: bool = False

    def renamed(self, prefix: str, delimiter: str = ":") -> Portfolio:
        """The same portfolio for a space that has the pair's names under a prefix.

        Args:
            prefix: what stands before each name.
            delimiter: what stands in the names for the colon.
        """
        renamed = ({prefix + name.replace(":", delimiter): value for name, value in each.items()} for each in self.configs)
        return dataclasses.replace(self, configs=tuple(renamed))


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
    found = _data().get(loss)
    if found is None or found["optimizer"] != optimizer:
        return Portfolio()
    configs = ({name: _exact(value) for name, value in each.items()} for each in found["configs"])
    return Portfolio(tuple(configs), found["is_default"])


@functools.cache
def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads((files(__package__) / "portfolios.json").read_text(encoding="utf-8"))
    return data


def _exact(value: Any) -> Any:
    """JSON has no tuples."""
    return tuple(value) if isinstance(value, list) else value
