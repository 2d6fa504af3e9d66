"""The catalogue of loss/optimizer pairs: look one up by name, or register your own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from automax_lightning.auc.data.facts import DataFacts
from automax_lightning.auc.pairs.catalogue import ALIASES, MODES, PAIRS, WRAPPERS
from automax_lightning.auc.pairs.pair import OptimizerChoice, Pair
from automax_lightning.errors import PairError, closest

__all__ = ["DataFacts", "OptimizerChoice", "Pair", "get", "names", "register"]

_registered: dict[str, Pair] = {}


def _catalogue() -> dict[str, Pair]:
    return {**{pair.name: pair for pair in PAIRS}, **_registered}


def names() -> tuple[str, ...]:
    """The names of all pairs.

    Example:
        >>> "AUCMLoss" in names()
        True
    """
    return tuple(_catalogue())


def get(loss: str, *, loss_kwargs: Mapping[str, Any] | None = None) -> Pair:
    """The pair of a loss; LibAUC's aliases and wrappers resolve to one record.

    Args:
        loss: a name in `names()`, an alias such as ``"APLoss"``, or a wrapper (``"pAUCLoss"``, ``"MultiLabelpAUCLoss"``).
        loss_kwargs: only ``mode`` is read, which says what a wrapper stands for; ``"1w"`` by default, as in LibAUC.

    Raises:
        PairError: if there is no such loss or mode.

    Example:
        >>> get("pAUCLoss", loss_kwargs={"mode": "2w"}).name
        'tpAUC_KL_Loss'
    """
    name = ALIASES.get(loss, loss)
    if name in WRAPPERS:
        mode = (loss_kwargs or {}).get("mode", "1w")
        if not isinstance(mode, str) or MODES.get(mode, mode) not in WRAPPERS[name]:
            raise PairError(
                f"loss_kwargs.mode of {loss}", f"one of {sorted({*MODES, *WRAPPERS[name]})}", repr(mode),
                "Pass loss_kwargs={'mode': '1w'} for one-way, '2w' for two-way partial AUC.",
            )  # fmt: skip
        name = WRAPPERS[name][MODES.get(mode, mode)]
    catalogue = _catalogue()
    if name not in catalogue:
        raise PairError("loss", "a loss of the catalogue", repr(loss), closest(str(loss), [*catalogue, *ALIASES]))
    return catalogue[name]


def register(pair: Pair) -> None:
    """Add a pair to the catalogue of this process; afterwards its name works everywhere.

    Raises:
        PairError: if the name is taken.
    """
    if pair.name in _catalogue():
        raise PairError("pairs.register", "a new name", repr(pair.name), "Choose another name.")
    _registered[pair.name] = pair
