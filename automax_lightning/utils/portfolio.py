"""`Portfolio`: configurations that are good together on many tasks; what a search tries right after the default."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Portfolio:
    """A few configurations, in the order in which they are tried.

    Those of this package's losses are its data: `benchmarks/portfolio.py` has chosen them greedily out of some thousand
    fits per task, so that the best of them and the default is good on every public task.

    Args:
        configs: values by name, such as ``"optimizer_kwargs:lr"``.
        is_default: whether a search begins with them unless it is told otherwise: on tasks that were left out of the
            choice, searches that begin with them were significantly better.

    References:
        Feurer et al., Auto-Sklearn 2.0: Hands-free AutoML via Meta-Learning, JMLR 2022, section 3.1

    Example:
        >>> Portfolio(({"optimizer_kwargs:lr": 0.3},)).renamed("model.", ".").configs
        ({'model.optimizer_kwargs.lr': 0.3},)
    """

    configs: tuple[Mapping[str, Any], ...] = ()
    is_default: bool = False

    def renamed(self, prefix: str, delimiter: str = ":") -> Portfolio:
        """The same portfolio for a space that has the names under a prefix.

        Args:
            prefix: what stands before each name.
            delimiter: what stands in the names for the colon.
        """
        renamed = ({prefix + name.replace(":", delimiter): value for name, value in each.items()} for each in self.configs)
        return dataclasses.replace(self, configs=tuple(renamed))
