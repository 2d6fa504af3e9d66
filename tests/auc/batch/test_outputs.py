"""The logits in a network's output, whatever its form."""

from __future__ import annotations

from collections import namedtuple
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from automax_lightning.auc.batch.outputs import logits_in, one_score, probabilities_in
from automax_lightning.errors import DataError

LOGITS, OTHER = torch.tensor([1.0, -1.0]), torch.zeros(3)
GoogLeNet = namedtuple("GoogLeNet", ["aux", "logits"])


@pytest.mark.parametrize(
    "output",
    [
        LOGITS, (LOGITS, OTHER), [LOGITS], {"logits": LOGITS, "loss": OTHER}, {"out": LOGITS, "aux": OTHER},
        {"prediction": LOGITS}, SimpleNamespace(logits=LOGITS), GoogLeNet(OTHER, LOGITS), {"hidden": None, "scores": LOGITS},
    ],
)  # fmt: skip
def test_the_rule_finds_the_logits(output: Any) -> None:
    assert logits_in(output) is LOGITS


@pytest.mark.parametrize("output", [{"a": LOGITS, "b": OTHER}, (), ("text", LOGITS), None, {"logits": None}])
def test_the_rest_is_asked_for(output: Any) -> None:
    with pytest.raises(DataError, match="output of the network: .* Pass logits="):
        logits_in(output)


def test_two_columns_are_one_score_for_one_label_alone() -> None:
    columns = torch.randn(5, 2)
    assert torch.allclose(torch.sigmoid(one_score(columns, 1)), columns.softmax(1)[:, 1])
    assert one_score(columns, 2) is columns
    assert one_score(LOGITS, 1) is LOGITS


@pytest.mark.parametrize(
    ("network", "end"),
    [
        (nn.Sequential(nn.Linear(3, 1), nn.Sigmoid()), "a sigmoid"),
        (nn.Sequential(nn.Linear(3, 1), nn.Sigmoid(), nn.Flatten(0)), "a sigmoid"),
        (nn.Sequential(nn.Linear(3, 2), nn.Softmax(1)), "a softmax"),
        (nn.Sequential(nn.Linear(3, 2), nn.LogSoftmax(1)), ""),
        (nn.Sequential(nn.Sigmoid(), nn.Linear(3, 1)), ""),
        (nn.Linear(3, 1), ""),
    ],
)
def test_the_end_of_a_network_is_read_from_its_graph(network: nn.Module, end: str) -> None:
    assert probabilities_in(one_score(network(torch.rand(4, 3)), 1)) == end


def test_without_a_graph_nothing_is_known() -> None:
    assert probabilities_in(torch.sigmoid(LOGITS)) == ""
