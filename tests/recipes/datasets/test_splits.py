from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from automax_lightning.errors import ConfigError, DataError
from automax_lightning.recipes.datasets.splits import held_out

RARE = (np.arange(200) % 10 == 0).astype(int)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_every_row_is_in_one_part_and_both_have_the_share_of_positives(share: float) -> None:
    train, held = held_out(RARE, share)
    assert sorted([*train, *held]) == list(range(200))
    assert len(held) == round(200 * share)
    assert RARE[held].mean() == RARE[train].mean() == 0.1
    assert list(train) == sorted(train)


def test_the_split_is_the_same_whatever_was_drawn_before() -> None:
    first = held_out(RARE, 0.25)
    np.random.seed(99)
    np.random.random(7)
    again = held_out(RARE, 0.25)
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))


def test_several_labels_are_stratified_by_the_last() -> None:
    labels = np.stack([np.arange(200) % 2, RARE], axis=1)
    for one, other in zip(held_out(labels, 0.25), held_out(RARE, 0.25), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, True, "0.2", None])
def test_a_share_that_is_none_is_refused_by_its_setting(share: Any) -> None:
    with pytest.raises(ConfigError, match=r"dataset.kwargs.test_size: expected a share in \(0, 1\)"):
        held_out(RARE, share, "dataset.kwargs.test_size")


@pytest.mark.parametrize("labels", [np.array([0, 0, 0, 1]), np.array([0, 1])])
def test_a_class_that_is_too_rare_is_told(labels: Any) -> None:
    with pytest.raises(DataError, match=r"dataset.kwargs.val_size: expected splits that hold both classes"):
        held_out(labels, 0.5)
