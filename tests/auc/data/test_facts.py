from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from automax_lightning.auc.data.facts import DataFacts


@pytest.mark.parametrize(
    ("labels", "facts"),
    [
        ([0, 1, 1, 0], DataFacts(4, (2,))),
        ([[0], [1]], DataFacts(2, (1,))),
        ([[1, 0, 1], [1, 0, 0]], DataFacts(2, (2, 0, 1))),
        ([True, False], DataFacts(2, (1,))),
        ([1.0, 0.0, 1.0], DataFacts(3, (2,))),
        ([1, -1, 1], DataFacts(3, (2,))),
    ],
)
def test_positives_are_counted_for_each_label(labels: Any, facts: DataFacts) -> None:
    assert DataFacts.of(np.array(labels)) == facts
    assert facts.num_labels == len(facts.positives)


def test_counts_are_plain_numbers_that_nobody_changes() -> None:
    facts = DataFacts.of(np.array([0, 1]))
    assert {type(count) for count in facts.positives} == {int}
    with pytest.raises(dataclasses.FrozenInstanceError, match="length"):
        facts.length = 3  # type: ignore[misc]


def test_facts_need_no_torch() -> None:
    code = "import sys, automax_lightning.auc.data.facts; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
