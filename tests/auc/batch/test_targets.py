"""Labels as people write them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from automax_lightning.auc.batch.targets import known, plain_targets, trained_on, why_illegal, zero_one
from automax_lightning.errors import DataError

NAN = float("nan")


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        ([0, 1], [0, 1]), ([-1, 1], [0, 1]), ([-1.0, 1.0], [0, 1]), ([True, False], [1, 0]), ([0.0, 1.0], [0, 1]),
        ([[0, 1], [-1, 1]], [[0, 1], [-1, 1]]), ([[NAN, 1], [0, 0]], [[-1, 1], [0, 0]]), ([[True, False]], [[1, 0]]),
    ],
)  # fmt: skip
def test_legal_labels_are_zero_and_one(labels: Any, wanted: Any) -> None:
    assert why_illegal(np.array(labels)) is None
    assert zero_one(np.array(labels)).tolist() == wanted


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ([-1, 0, 1], "is -1 the negative class, or not known"), ([[-1, 1], [1, -1]], "negatives, or not known"),
        ([0, 2], "[0, 2]"), ([0.5, 1], "[0.5, 1.0]"), ([NAN, 1], "nan"), ([[0, 3]], "[0, 3]"), (["a", "b"], "['a', 'b']"),
    ],
)  # fmt: skip
def test_ambiguous_and_illegal_labels_are_told(labels: Any, found: str) -> None:
    reason = why_illegal(np.array(labels))
    assert reason is not None
    assert found in reason[1]


def test_targets_for_a_metric() -> None:
    assert plain_targets(torch.tensor([-1.0, 1.0])).tolist() == [0, 1]
    assert plain_targets(torch.tensor([True])).tolist() == [1]
    assert plain_targets(torch.tensor([[NAN, -1.0, 1.0]])).tolist() == [[-1, -1, 1]]
    assert plain_targets(torch.tensor([2, 3])).tolist() == [2, 3]
    assert plain_targets(torch.tensor([-1, 0, 1])).tolist() == [-1, 0, 1]
    scores, targets = known(torch.arange(4.0), torch.tensor([1.0, NAN, -1.0, 0.0]))
    assert (scores.tolist(), targets.tolist()) == ([0, 3], [1, 0])


@pytest.mark.parametrize("labels", [[[2.0]], [[-1.0], [0.0]], [[NAN], [1.0]]])
def test_a_batch_of_one_label_without_a_clear_meaning_is_an_error(labels: Any) -> None:
    with pytest.raises(DataError, match="targets: expected 0 and 1, or -1 and 1"):
        trained_on(torch.tensor(labels), 1, "targets")


def test_of_several_labels_the_unknown_are_nan() -> None:
    coded = trained_on(torch.tensor([[-1.0, 1.0], [0.0, NAN]]), 2, "targets")
    assert coded.isnan().tolist() == [[True, False], [False, True]]
    with pytest.raises(DataError, match="several labels 0 and 1"):
        trained_on(torch.tensor([[0.0, 0.5]]), 2, "targets")
