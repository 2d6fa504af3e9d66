"""How a network is called with inputs of any form."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from automax_lightning.auc.batch.network import apply
from automax_lightning.errors import DataError

A, B = torch.tensor([1.0]), torch.tensor([2.0])


class Two(nn.Module):
    def forward(self, a: Tensor, b: Tensor | None = None) -> Any:
        return (a, b)


class One(nn.Module):
    def forward(self, batch: Any) -> Any:
        return batch


class Anything(nn.Module):
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return args, kwargs


def test_a_tensor_goes_in_as_it_is() -> None:
    assert apply(Two(), A) == (A, None)
    assert apply(One(), A) is A


@pytest.mark.parametrize("kind", [tuple, list])
def test_several_inputs_are_separate_arguments_where_forward_takes_several(kind: Any) -> None:
    assert apply(Two(), kind((A, B))) == (A, B)
    assert apply(One(), kind((A, B))) == kind((A, B))
    assert apply(Anything(), kind((A, B))) == ((A, B), {})


def test_a_mapping_goes_in_by_name_where_forward_has_these_names() -> None:
    assert apply(Two(), {"b": B, "a": A}) == (A, B)
    assert apply(Anything(), {"a": A}) == ((), {"a": A})
    assert apply(One(), {"batch": A}) == {"batch": A}
    assert apply(Two(), {"other": A}) == ({"other": A}, None)


def test_a_name_that_forward_does_not_have_is_an_error() -> None:
    with pytest.raises(DataError, match=r"arguments of its forward, \['a', 'b'\], found also \['c'\]"):
        apply(Two(), {"a": A, "c": B})


def test_a_graph_goes_in_as_one_or_by_its_tensors() -> None:
    data = pytest.importorskip("torch_geometric.data")
    graph = data.Data(x=torch.ones(3, 2), edge_index=torch.tensor([[0, 1], [1, 2]]), y=torch.tensor([1]))

    class Edges(nn.Module):
        def forward(self, x: Tensor, edge_index: Tensor) -> Any:
            return x, edge_index

    assert apply(One(), graph) is graph
    x, edges = apply(Edges(), graph)
    assert torch.equal(x, graph.x)
    assert torch.equal(edges, graph.edge_index)
