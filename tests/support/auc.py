"""One small problem for all pairs: scikit-learn's digits, as 8 against the rest and as three labels."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import lightning as L
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.utils.data import TensorDataset

from automax_lightning import AUCDataModule, AUCModule
from automax_lightning.auc.pairs import registry as pairs
from automax_lightning.auc.pairs.pair import Pair

ROWS = 241
QUIET: Mapping[str, Any] = {
    "accelerator": "cpu",
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "num_sanity_val_steps": 0,
}
# Arguments under which a pair shows all of its state in a few steps: a reference model, both phases, a dual that moves.
OPTIMIZER_KWARGS: Mapping[str, Mapping[str, Any]] = {
    "PESG": {"lr": 0.1, "epoch_decay": 0.01},
    "PDSCA": {"lr": 0.05, "epoch_decay": 0.01},
    "SGD": {"lr": 0.1, "momentum": 0.9, "epoch_decay": 0.01},
}


@functools.cache
def digits(num_labels: int) -> TensorDataset:
    data = load_digits()
    x = torch.tensor(data.data[:ROWS] / 16, dtype=torch.float32)
    columns = [data.target[:ROWS] == 8, data.target[:ROWS] < 4, data.target[:ROWS] % 2 == 1]
    y = torch.tensor(np.stack(columns[:num_labels], axis=1).astype(np.int64))
    return TensorDataset(x, y[:, 0] if num_labels == 1 else y)


def num_labels_of(pair: Pair) -> int:
    return 3 if pair.multi_label else 1


def network(num_labels: int, dropout: float = 0.0) -> torch.nn.Module:
    torch.manual_seed(7)
    return torch.nn.Sequential(
        torch.nn.Linear(64, 16), torch.nn.ReLU(), torch.nn.Dropout(dropout), torch.nn.Linear(16, num_labels)
    )


def datamodule(pair: Pair, batch_size: int = 30, num_workers: int = 0) -> AUCDataModule:
    data = digits(num_labels_of(pair))
    return AUCDataModule(data, data, batch_size=batch_size, sampling_rate=0.4, num_workers=num_workers, seed=3)


def optimizer_kwargs(pair: Pair) -> dict[str, Any]:
    default = {"lr": 0.003, "epoch_decay": 0.01}
    return dict(OPTIMIZER_KWARGS.get(pair.optimizer().name, default))


def loss_kwargs(pair: Pair) -> dict[str, Any]:
    return {"CompositionalAUCLoss": {"k": 2}}.get(pair.name, {})


def module(name: str, *, dropout: float = 0.0, **kwargs: Any) -> AUCModule:
    pair = pairs.get(name)
    return AUCModule(
        network(num_labels_of(pair), dropout),
        loss=name,
        loss_kwargs=loss_kwargs(pair),
        optimizer_kwargs=optimizer_kwargs(pair),
        num_labels=num_labels_of(pair),
        **kwargs,
    )


def fit(made: AUCModule, data: AUCDataModule, *, ckpt_path: Any = None, **kwargs: Any) -> L.Trainer:
    trainer = L.Trainer(**{**QUIET, "max_epochs": 2, **kwargs})
    trainer.fit(made, datamodule=data, ckpt_path=ckpt_path, weights_only=True)
    return trainer


def exactly_equal(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The names whose tensors differ in a single bit."""
    assert one.keys() == other.keys()
    tensors = [name for name, value in one.items() if isinstance(value, torch.Tensor)]
    return [name for name in tensors if not torch.equal(one[name], other[name])]


CLASSIFYING = tuple(name for name in pairs.names() if not pairs.get(name).is_ranking)
RANKING = tuple(name for name in pairs.names() if pairs.get(name).is_ranking)
"""Their batches are queries with items; see test_ranking."""
