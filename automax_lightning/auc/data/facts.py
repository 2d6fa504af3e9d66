"""What a loss must know of the training data; needs no torch, as the catalogue of losses does not."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True)
class DataFacts:
    """What a loss must know of the training data before it can be built.

    Args:
        length: number of training samples.
        positives: number of positive samples of each label; one entry for a binary task.
    """

    length: int
    positives: tuple[int, ...]

    @property
    def num_labels(self) -> int:
        """Number of labels."""
        return len(self.positives)

    @classmethod
    def of(cls, labels: NDArray[Any]) -> DataFacts:
        """The facts of these labels.

        Args:
            labels: (n,) or (n, C); 1 is a positive, everything else is none.

        Example:
            >>> import numpy as np
            >>> DataFacts.of(np.array([[1, 0], [1, 1], [0, 0]]))
            DataFacts(length=3, positives=(2, 1))
        """
        columns = labels.reshape(len(labels), -1)
        return cls(len(columns), tuple(int(count) for count in (columns == 1).sum(0)))


_FEW = 10
"""Positives below which a split tells little."""


def split_lines(labels: Mapping[str, NDArray[Any]]) -> list[str]:
    """Rows and positives of each split as sentences, and a warning where positives are few.

    Args:
        labels: name of the split -> its labels, (n,) or (n, C).

    Example:
        >>> import numpy as np
        >>> split_lines({"val": np.array([0, 0, 0, 1])})
        ['val: 4 rows, 1 positive, 3.0 negatives for each.',
         'val has 1 positive, fewer than 10: differences between its scores are noise for the most part.']
    """
    facts = {name: DataFacts.of(values) for name, values in labels.items()}
    few = [(name, min(each.positives)) for name, each in facts.items() if min(each.positives) < _FEW]
    warnings = [
        f"{name} has {_positives(count)}, fewer than {_FEW}: differences between its scores are noise for the most part."
        for name, count in few
    ]
    return [*(_split_line(name, each) for name, each in facts.items()), *warnings]


def _split_line(name: str, facts: DataFacts) -> str:
    if facts.num_labels > 1:
        low, high = min(facts.positives), max(facts.positives)
        return f"{name}: {facts.length} rows, {low} to {high} positives of {facts.num_labels} labels."
    count = facts.positives[0]
    ratio = f", {(facts.length - count) / count:.1f} negatives for each" if count else ""
    return f"{name}: {facts.length} rows, {_positives(count)}{ratio}."


def _positives(count: int) -> str:
    return f"{count} positive{'' if count == 1 else 's'}"
