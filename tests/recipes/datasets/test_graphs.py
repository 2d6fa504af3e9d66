from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from automax_lightning.errors import DataError
from automax_lightning.recipes.datasets.graphs import Graphs, collate, graphs
from automax_lightning.recipes.datasets.loaders import load_data
from automax_lightning.recipes.sections import DatasetSection
from tests.support.graph_files import write


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"x": [torch.zeros(2, 1)]}, r"expected the keys .*, found no \['edge_index', 'y'\]"),
        ({"x": [], "edge_index": [], "y": torch.zeros(0)}, "as many tensors under each key"),
        ({"x": [torch.zeros(2, 1)], "edge_index": [], "y": torch.zeros(1)}, "as many tensors under each key"),
        (Path("x"), "lists of tensors and nothing else"),
    ],
)
def test_a_file_that_is_none_is_named(tmp_path: Path, content: Any, message: str) -> None:
    torch.save(content, tmp_path / "g.pt")
    with pytest.raises(DataError, match=message):
        load_data(DatasetSection(str(tmp_path / "g.pt")))


@pytest.mark.parametrize(("has_test", "sizes"), [(True, [72, 24, 24]), (False, [96, 24])])
def test_graphs_are_split_and_counted(tmp_path: Path, has_test: bool, sizes: list[int]) -> None:
    data = graphs(write(tmp_path / "g.pt"), has_test)
    assert data.has_test is has_test
    assert [len(part) for part in data.datasets if part is not None] == sizes
    positives = [int(sum(part.targets)) for part in data.datasets if part is not None]
    assert sum(positives) == 20
    assert min(positives) >= 4


def test_a_batch_is_one_graph_with_many_parts(tmp_path: Path) -> None:
    train = graphs(write(tmp_path / "g.pt"), has_test=False).datasets[0]
    samples = [train[position] for position in range(3)]
    batch, labels = collate(samples)
    assert batch.num_graphs == 3
    assert batch.x.shape[0] == sum(len(graph.x) for graph, _ in samples)
    assert batch.edge_index.max() == len(batch.x) - 1
    assert labels.tolist() == [int(label) for _, label in samples]


def test_a_file_may_lack_features_of_edges(tmp_path: Path) -> None:
    graph, _ = graphs(write(tmp_path / "g.pt", edges=False), has_test=False).datasets[0][0]
    assert graph.edge_attr is None


def test_labels_belong_to_their_graphs() -> None:
    made = Graphs(["a", "b"], np.array([[0, 1], [1, 0]]))
    assert len(made) == 2
    assert (made[1][0], made[1][1].tolist()) == ("b", [1, 0])
