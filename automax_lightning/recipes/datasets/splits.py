"""Held-out splits of data that come as arrays, the same ones in every run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from automax_lightning.errors import ConfigError, DataError


def held_out(targets: NDArray[Any], share: float, where: str = "dataset.kwargs.val_size") -> tuple[NDArray[Any], NDArray[Any]]:
    """Row numbers to train on and row numbers held out, stratified, and independent of every seed of the search.

    Args:
        targets: (n,) or (n, C), 0 or 1; several labels are stratified by the last one, as LibAUC does.
        share: share of the rows that are held out, in (0, 1).
        where: the setting that `share` comes from.

    Returns:
        Two sorted arrays.

    Raises:
        ConfigError: if the share is out of range.
        DataError: if a class is too rare to be in both.

    Example:
        >>> train, val = held_out(np.array([0] * 8 + [1] * 4), 0.25)
        >>> len(train), len(val)
        (9, 3)
    """
    from sklearn.model_selection import train_test_split

    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share < 1:
        raise ConfigError(where, "a share in (0, 1)", repr(share), "Write val_size: 0.2.")
    strata = targets.reshape(len(targets), -1)[:, -1]
    try:
        train, held = train_test_split(np.arange(len(targets)), test_size=share, stratify=strata, random_state=42)
    except ValueError as error:
        raise DataError(where, "splits that hold both classes", str(error), "Use a larger share, or more data.") from error
    return np.sort(train), np.sort(held)
