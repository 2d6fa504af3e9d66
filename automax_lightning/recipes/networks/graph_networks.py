"""Graph networks of a recipe."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

from torch import Tensor, nn

from automax_lightning.errors import ConfigError
from automax_lightning.recipes.networks.libauc_files import libauc_file

CLASSES = {
    "gcn": "GCN", "gin": "GIN", "gine": "GINE", "graphsage": "GraphSAGE", "gat": "GAT", "mpnn": "MPNN",
    "deepergcn": "DeeperGCN",
}  # fmt: skip
"""Name in a recipe -> LibAUC's class."""


class GraphNetwork(nn.Module):
    """A graph network of LibAUC that takes a whole batch.

    Args:
        network: takes nodes, edges, perhaps features of the edges, and the number of each node's graph.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.takes_edges = "edge_attr" in inspect.signature(network.forward).parameters

    def forward(self, x: Any) -> Tensor:
        """Logits (N, C) of N graphs."""
        edges = (x.edge_attr,) if self.takes_edges else ()
        logits: Tensor = self.network(x.x, x.edge_index, *edges, x.batch)
        return logits


def make_graph_network(
    name: str, num_labels: int, imagenet: bool, emb_dim: int = 256, num_layers: int = 5, **kwargs: Any
) -> nn.Module:
    """LibAUC's graph network of that name, with its trainer's sizes where none are given.

    Raises:
        ConfigError: if torch_geometric or ogb is not installed.
    """
    try:
        with warnings.catch_warnings():  # torch_geometric scripts its classes, which torch has deprecated
            warnings.filterwarnings("ignore", message="`torch.jit.script` is deprecated")
            classes = libauc_file("gnn")
    except ImportError as error:
        raise ConfigError("model.name", f"torch_geometric and ogb, for {name!r}", str(error), "pip install torch_geometric ogb"
                          ) from error  # fmt: skip
    network = getattr(classes, CLASSES[name])(num_tasks=num_labels, emb_dim=emb_dim, num_layers=num_layers, **kwargs)
    return GraphNetwork(network)
