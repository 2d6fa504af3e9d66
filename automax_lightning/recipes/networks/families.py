"""The network of a recipe: LibAUC's own by name, our `MLP`, a graph network or a transformer; all of them give logits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from automax_lightning.errors import CheckpointError, ConfigError, closest
from automax_lightning.models import MLP
from automax_lightning.recipes.networks.graph_networks import GraphNetwork, make_graph_network
from automax_lightning.recipes.networks.libauc_files import libauc_file
from automax_lightning.recipes.networks.transformers import is_transformer, make_transformer
from automax_lightning.recipes.networks.weights import load_backbone
from automax_lightning.recipes.sections import ModelSection

_CIFAR = ("resnet20", "resnet32", "resnet44", "resnet56", "resnet110", "resnet1202")
_RESNET = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d",
           "wide_resnet50_2", "wide_resnet101_2")  # fmt: skip
_GRAPH = ("emb_dim", "num_layers", "graph_pooling", "dropout", "atom_features_dims", "act", "norm")
_GRAPH_ARGUMENTS = {
    **dict.fromkeys(("gcn", "gin", "graphsage"), (*_GRAPH, "jk")),
    **dict.fromkeys(("gine", "gat", "mpnn"), (*_GRAPH, "jk", "bond_features_dims")),
    "deepergcn": (*_GRAPH, "bond_features_dims"),
}
_ACTIVATIONS = ("relu", "elu")
_DENSENET = ("densenet121", "densenet161", "densenet169", "densenet201")


@dataclasses.dataclass(frozen=True)
class Family:
    """Networks that are built alike.

    Args:
        make: a function of (name, number of labels, whether to take ImageNet weights) and of the network's arguments.
        arguments: names of the arguments that the section may give.
        has_imagenet: whether there are ImageNet weights.
    """

    make: Callable[..., nn.Module]
    arguments: tuple[str, ...]
    has_imagenet: bool = False


class Coloured(nn.Module):
    """A network for three channels that takes grey images as well, by repeating their channel.

    Args:
        network: takes (N, 3, h, w) and returns logits (N, C).

    Example:
        >>> import torch
        >>> Coloured(nn.Sequential(nn.Flatten(), nn.Linear(12, 1)))(torch.zeros(5, 1, 2, 2)).shape
        torch.Size([5, 1])
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, C)."""
        if x.ndim == 4 and x.shape[1] == 1:
            x = x.expand(-1, 3, -1, -1)
        logits: Tensor = self.network(x)
        return logits


def _libauc(file: str) -> Callable[..., nn.Module]:
    def make(name: str, num_labels: int, imagenet: bool, activations: str = "relu", **kwargs: Any) -> nn.Module:
        if activations not in _ACTIVATIONS:  # LibAUC takes every other name for elu
            raise ConfigError("model.activations", f"one of {_ACTIVATIONS}", repr(activations), "Write activations: relu.")
        function = getattr(libauc_file(file), name)
        shared = {"pretrained": imagenet, "last_activation": None, "num_classes": num_labels, "activations": activations}
        return Coloured(function(**shared, **kwargs))

    return make


def _mlp(name: str, num_labels: int, imagenet: bool, **kwargs: Any) -> nn.Module:
    return MLP(num_labels=num_labels, **kwargs)


FAMILIES: Mapping[str, Family] = {
    "mlp": Family(_mlp, ("hidden", "dropout")),
    **dict.fromkeys(_CIFAR, Family(_libauc("resnet_cifar"), ("activations",))),
    **dict.fromkeys(_RESNET, Family(_libauc("resnet"), ("activations", "zero_init_residual"), has_imagenet=True)),
    **{name: Family(make_graph_network, arguments) for name, arguments in _GRAPH_ARGUMENTS.items()},
    **dict.fromkeys(_DENSENET, Family(_libauc("densenet"), ("activations", "drop_rate", "memory_efficient"), has_imagenet=True)),
}
"""Name, in lower case -> how it is built. The folder of a transformer, or its repository, is a name as well."""
_TRANSFORMER = Family(make_transformer, ("max_length", "dropout"))


@dataclasses.dataclass(frozen=True)
class Network:
    """A callable that makes the network of a recipe, which any process can be sent.

    Args:
        name: a name in `FAMILIES`, a transformers repository, or the folder of one.
        num_labels: columns of the output.
        pretrained_path: file of weights to start from, or None.
        imagenet: whether to start from ImageNet weights.

    Example:
        >>> import torch
        >>> Network("resnet20", 1)(activations="elu")(torch.zeros(2, 1, 8, 8)).shape
        torch.Size([2, 1])
    """

    name: str
    num_labels: int
    pretrained_path: str | None = None
    imagenet: bool = False

    def __call__(self, **kwargs: Any) -> nn.Module:
        """A network with fresh weights."""
        try:
            network = family(self.name).make(self.name, self.num_labels, self.imagenet, **kwargs)
        except OSError as error:  # a download, or a folder of a transformer
            raise CheckpointError(
                f"model {self.name}", "its weights", f"{type(error).__name__}: {' '.join(str(error).split())[:200]}",
                "Put the file where it can be downloaded to, ~/.cache/torch/hub/checkpoints, or write pretrained_path: FILE.",
            ) from error  # fmt: skip
        if self.pretrained_path is not None:
            load_backbone(network.network if isinstance(network, (Coloured, GraphNetwork)) else network, self.pretrained_path)
        return network


def family(name: str) -> Family:
    """How a network of that name is built.

    Raises:
        ConfigError: if there is none.
    """
    if name in FAMILIES:
        return FAMILIES[name]
    if is_transformer(name):
        return _TRANSFORMER
    raise ConfigError("model.name", "a network's name, a transformers repository owner/name, or the folder of one",
                      repr(name), closest(name, FAMILIES))  # fmt: skip


def network_of(section: ModelSection, num_labels: int) -> Network:
    """The maker of the network that a recipe's ``model`` section describes; it is called with the section's arguments.

    Args:
        section: the section.
        num_labels: in the data.

    Raises:
        ConfigError: if there is no such network, it has no such argument, or it does not fit the data.
    """
    name = section.name if is_transformer(section.name) else section.name.lower()
    kind = family(name)
    for argument in section.kwargs:
        if argument not in kind.arguments:
            raise ConfigError(f"model.{argument}", f"an argument of {name}", "no such argument",
                              closest(argument, (*kind.arguments, "name", "pretrained", "pretrained_path")))  # fmt: skip
    if section.num_classes not in (None, num_labels):
        raise ConfigError("model.num_classes", f"{num_labels}, one for each label in the data", repr(section.num_classes),
                          "Leave it out.")  # fmt: skip
    if section.pretrained_remote and not kind.has_imagenet:
        raise ConfigError("model.pretrained_remote", f"false, because there are no ImageNet weights of {name}", "true",
                          "Write pretrained: true and pretrained_path: FILE.")  # fmt: skip
    path = section.pretrained_path if section.pretrained else None
    return Network(name, num_labels, path, section.pretrained_remote)
