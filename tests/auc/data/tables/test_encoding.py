"""Features as numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from automax_lightning.auc.data.tables.encoding import encoder
from automax_lightning.errors import DataError


def test_what_is_learnt_is_learnt_from_the_training_rows() -> None:
    table = pd.DataFrame({"a": [0.0, 2.0, 100.0], "kind": ["x", "y", "z"]})
    encode = encoder(table, np.array([0, 1]))
    np.testing.assert_allclose(encode(np.arange(3)), [[-1, 1, 0], [1, 0, 1], [99, 0, 0]])
    assert encode(np.arange(3)).dtype == np.float32


def test_infinite_values_are_named() -> None:
    with pytest.raises(DataError, match=r"feature a: expected finite numbers, found infinite values"):
        encoder(pd.DataFrame({"a": [0.0, np.inf]}), np.array([0, 1]))
