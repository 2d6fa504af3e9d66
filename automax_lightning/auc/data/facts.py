"""What a loss must know of the training data; needs no torch, as the catalogue of losses does not."""

from __future__ import annotations

import dataclasses
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
