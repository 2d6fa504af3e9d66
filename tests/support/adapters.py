"""Loss adapters on twelve samples."""

from __future__ import annotations

import torch

from automax_lightning.auc.data.facts import DataFacts
from automax_lightning.auc.libauc.adapter import LossAdapter
from automax_lightning.auc.pairs import registry as pairs
from tests.support import auc as helpers

N = 12


def built(name: str, *, compatible: bool = False, length: int = N) -> LossAdapter:
    pair = pairs.get(name)
    num_labels = helpers.num_labels_of(pair)
    made = LossAdapter(pair, helpers.loss_kwargs(pair), num_labels=num_labels, libauc_compatible=compatible)
    made.build(DataFacts(length, (4,) * num_labels), torch.device("cpu"))
    return made


def batch(name: str, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    num_labels = helpers.num_labels_of(pairs.get(name))
    generator = torch.Generator().manual_seed(seed)
    y = torch.zeros(N, num_labels, dtype=torch.int64)
    for label in range(num_labels):
        y[label : label + 4, label] = 1
    shape = (N,) if num_labels == 1 else (N, num_labels)
    x = torch.randn(shape, generator=generator).requires_grad_()
    return x, (y[:, 0] if num_labels == 1 else y), torch.arange(N)
