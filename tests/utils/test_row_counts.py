from __future__ import annotations

import pickle

from automax_lightning.utils.row_counts import RowCounts


def test_counts_are_values_that_travel() -> None:
    counts = RowCounts(validation=12, both=48)
    assert pickle.loads(pickle.dumps(counts)) == counts != RowCounts(validation=48, both=12)
