"""Inputs, labels and index of a batch, whatever its form."""

from __future__ import annotations

from collections import UserDict
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from automax_lightning.auc.batch.parts import inputs_of, label_of_sample, parts_of, parts_of_rows
from automax_lightning.errors import DataError

X, Y = torch.randn(4, 3), torch.tensor([0, 1, 1, 0])
INDEX = torch.tensor([9, 3, 5, 1])


@pytest.mark.parametrize("kind", [tuple, list])
def test_a_pair_and_a_pair_with_an_index_are_what_they_were(kind: Any) -> None:
    assert parts_of(kind((X, Y))) == (X, Y, None)
    assert parts_of(kind((X, Y, INDEX))) == (X, Y, INDEX)


@pytest.mark.parametrize("y", [Y.float(), Y[:, None], Y.bool()])
def test_two_inputs_and_a_label_that_is_no_integer_column(y: torch.Tensor) -> None:
    inputs, targets, index = parts_of((X, X, y))
    assert inputs == (X, X)
    assert targets is y
    assert index is None


def test_integer_labels_after_a_wide_input_are_labels_and_after_labels_an_index() -> None:
    assert parts_of((X, X, Y)).inputs == (X, X)
    assert parts_of((X, X, INDEX), num_labels=3) == (X, X, INDEX)


def test_four_parts_are_three_inputs_and_labels() -> None:
    assert parts_of((X, X, X, Y)) == ((X, X, X), Y, None)


def test_names_beside_a_pair_are_left_alone() -> None:
    assert parts_of((X, Y, ["a", "b", "c", "d"])) == (X, Y, None)


@pytest.mark.parametrize("key", ["labels", "label", "targets", "target", "y"])
def test_the_labels_of_a_mapping_are_no_input(key: str) -> None:
    inputs, targets, index = parts_of(UserDict({"input_ids": X, "attention_mask": X, key: Y, "index": INDEX}))
    assert sorted(inputs) == ["attention_mask", "input_ids"]
    assert targets is Y
    assert index is INDEX


def test_a_graph_holds_its_labels() -> None:
    graph = SimpleNamespace(x=X, y=Y)
    assert parts_of(graph) == (graph, Y, None)


@pytest.mark.parametrize("batch", [X, {"pixels": X}, (X,), "text"])
def test_a_batch_without_labels_is_an_error(batch: Any) -> None:
    with pytest.raises(DataError, match="batch: expected .*labels"):
        parts_of(batch)


@pytest.mark.parametrize(
    ("third", "is_index"),
    [(INDEX, True), (torch.tensor([0.5, 0.1, 2.0, 1.0]), True), (Y, False), (Y.float(), False), (2 * Y - 1, False)],
)
def test_a_third_part_is_labels_where_it_can_be_nothing_else(third: torch.Tensor, is_index: bool) -> None:
    inputs, targets, index = parts_of_rows((X, Y, third), [4, 5, 6, 7])
    assert targets is (Y if is_index else third)
    assert isinstance(inputs, tuple) is not is_index
    assert index is not None
    assert index.tolist() == [4, 5, 6, 7]


def test_positions_that_look_like_labels_are_an_index() -> None:
    assert parts_of_rows((X[:2], Y[:2], torch.tensor([0, 1])), [0, 1]).inputs is not (X, Y)
    assert torch.equal(parts_of_rows((X[:2], 1 - Y[:2], torch.tensor([0, 1])), [0, 1]).targets, torch.tensor([1, 0]))


def test_inputs_of_batches_without_labels() -> None:
    assert inputs_of(X) is X
    assert inputs_of((X,)) is X
    assert inputs_of((X, Y)) is X
    assert inputs_of((X, X, Y)) == (X, X)
    assert inputs_of({"pixels": X, "labels": Y}) == {"pixels": X}
    assert inputs_of({"pixels": X}) == {"pixels": X}


def test_the_label_of_a_sample() -> None:
    assert label_of_sample((1, 2, 3)) == 3
    assert label_of_sample({"x": 1, "label": 0}) == 0
    assert label_of_sample(SimpleNamespace(y=1)) == 1
    assert label_of_sample("text") is None
