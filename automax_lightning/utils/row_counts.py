"""`RowCounts`: what decides whether a search had better validate on folds."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class RowCounts:
    """How few rows of the rarer class there are, in data whose rows can be divided anew.

    Args:
        validation: rows of the rarer class in the validation split; of several labels, of the one that has fewest.
        both: the same in training and validation split together.

    Example:
        >>> RowCounts(validation=12, both=48)
        RowCounts(validation=12, both=48)
    """

    validation: int
    both: int
