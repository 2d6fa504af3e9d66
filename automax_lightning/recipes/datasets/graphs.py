"""Graphs: a file of plain tensors, and LibAUC's graph networks that read them."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from automax_lightning.auc.data.datamodule import AUCDataModule
from automax_lightning.errors import DataError
from automax_lightning.recipes.datasets.local_files import split_rows

_KEYS = ("x", "edge_index", "y")


class Graphs(Dataset[tuple[Any, Tensor]]):
    """Graphs of torch_geometric with labels.

    Args:
        graphs: of class ``torch_geometric.data.Data``.
        targets: (n,) or (n, C), 0 or 1.
    """

    def __init__(self, graphs: Sequence[Any], targets: NDArray[Any]) -> None:
        self.graphs, self.targets = list(graphs), torch.from_numpy(targets)

    def __len__(self) -> int:
        return len(self.graphs)

    def __getitem__(self, position: int) -> tuple[Any, Tensor]:
        return self.graphs[position], self.targets[position]


class GraphDataModule(L.LightningDataModule):
    """Batches (graphs, labels), in which many graphs are one with many parts.

    Args:
        splits: the training, the validation and perhaps the test split.
        dims: ``atom_features_dims`` and ``bond_features_dims``, how many values each feature has.
    """

    def __init__(self, splits: Sequence[Graphs], dims: Mapping[str, list[int]]) -> None:
        super().__init__()
        self.splits, self.dims = tuple(splits), dict(dims)

    def train_dataloader(self) -> DataLoader[Any]:
        """The training split."""
        return self._loader(0)

    def val_dataloader(self) -> DataLoader[Any]:
        """The validation split."""
        return self._loader(1)

    def _loader(self, split: int) -> DataLoader[Any]:
        return DataLoader(self.splits[split], batch_size=128, collate_fn=collate)


class TestedGraphDataModule(GraphDataModule):
    """The same with a test split."""

    def test_dataloader(self) -> DataLoader[Any]:
        """The test split."""
        return self._loader(2)


def collate(samples: Sequence[tuple[Any, Tensor]]) -> tuple[Any, Tensor]:
    """A batch of graphs with their labels."""
    from torch_geometric.data import Batch

    return Batch.from_data_list([graph for graph, _ in samples]), torch.stack([label for _, label in samples])


def graphs(path: Path, has_test: bool, *, val_size: float = 0.2, test_size: float = 0.2) -> AUCDataModule:
    """A ``.pt`` file with ``{"x": [...], "edge_index": [...], "edge_attr": [...], "y": ...}``, one tensor per graph.

    ``x`` (nodes, features) and ``edge_attr`` (edges, features) are integer categories from 0, ``edge_index`` is
    (2, edges), ``y`` is (n,) or (n, C); ``edge_attr`` may be missing.
    """
    content = _content(path)
    whole = _data_of(content)
    labels = content["y"].numpy().astype(np.int64)
    dims = {"atom_features_dims": _dims(content["x"])}
    if "edge_attr" in content:
        dims["bond_features_dims"] = _dims(content["edge_attr"])
    splits = [Graphs([whole[row] for row in rows], labels[rows]) for rows in split_rows(labels, has_test, val_size, test_size)]
    return AUCDataModule.wrap((TestedGraphDataModule if has_test else GraphDataModule)(splits, dims))


def _content(path: Path) -> Mapping[str, Any]:
    try:
        content: Any = torch.load(path, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise DataError(str(path), "a file of torch.save with lists of tensors and nothing else", type(error).__name__,
                        "Save {'x': [...], 'edge_index': [...], 'y': ...}.") from error  # fmt: skip
    missing = [key for key in _KEYS if not isinstance(content, Mapping) or key not in content]
    if missing:
        raise DataError(str(path), f"the keys {list(_KEYS)}", f"no {missing}", "Save a list of tensors under each.")
    sizes = {key: len(content[key]) for key in (*_KEYS, "edge_attr") if key in content}
    if len(set(sizes.values())) != 1 or not sizes["y"]:
        raise DataError(str(path), "as many tensors under each key as there are graphs", str(sizes), "Check the file.")
    return dict(content)


def _data_of(content: Mapping[str, Any]) -> list[Any]:
    with warnings.catch_warnings():  # as above
        warnings.filterwarnings("ignore", message="`torch.jit.script` is deprecated")
        from torch_geometric.data import Data
    keys = [key for key in ("x", "edge_index", "edge_attr") if key in content]
    return [Data(**dict(zip(keys, parts, strict=True))) for parts in zip(*(content[key] for key in keys), strict=True)]


def _dims(features: Sequence[Tensor]) -> list[int]:
    largest = torch.stack([part.max(dim=0).values for part in features if len(part)]).max(dim=0).values
    return [int(value) + 1 for value in largest]
