"""LibAUC's graph networks on graphs from a file, through a whole search."""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from automax_lightning.errors import ConfigError, DataError
from automax_lightning.recipes import load
from automax_lightning.recipes.datasets.loaders import load_data
from automax_lightning.recipes.networks.families import FAMILIES, Network
from automax_lightning.recipes.networks.graph_networks import CLASSES
from automax_lightning.recipes.networks.libauc_files import libauc_file
from automax_lightning.recipes.sections import DatasetSection


def write(path: Path, *, edges: bool = True, count: int = 120) -> Path:
    """Rings of nodes; those with many nodes of kind 2 are positive."""
    generator = np.random.default_rng(0)
    y = (np.arange(count) % 6 == 0).astype(np.int64)
    content: dict[str, Any] = {"x": [], "edge_index": [], "edge_attr": [], "y": torch.from_numpy(y)}
    for label in y:
        size = int(generator.integers(4, 9))
        kinds = generator.choice(3, size=size, p=[0.2, 0.2, 0.6] if label else [0.6, 0.3, 0.1])
        content["x"].append(torch.from_numpy(np.stack([kinds, generator.integers(0, 2, size=size)], 1)))
        ring = torch.arange(size)
        content["edge_index"].append(torch.stack([ring, ring.roll(1)]))
        content["edge_attr"].append(torch.from_numpy(generator.integers(0, 4, size=(size, 1))))
    if not edges:
        del content["edge_attr"]
    torch.save(content, path)
    return path


def recipe(folder: Path, model: dict[str, Any], **training: Any) -> Path:
    sections = {
        "dataset": {"name": str(folder / "g.pt"), "eval_splits": ["val", "test"]},
        "model": {"emb_dim": 16, "num_layers": 2, "dropout": 0.0, **model},
        "training": {"epochs": 2, "batch_size": 16, "verbose": 0, **training},
        "automax": {"name": "s", "n_trials": 1, "output_directory": str(folder / "out")},
    }
    (folder / "r.yaml").write_text(yaml.safe_dump(sections))
    return folder / "r.yaml"


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_graph_network_trains(name: str, tmp_path: Path) -> None:
    write(tmp_path / "g.pt")
    loaded = load(recipe(tmp_path, {"name": name}, optimizer_kwargs={"lr": 0.05}, epochs=6))
    result = loaded.factory(loaded.factory.cs.get_default_configuration()).run(seed=0)
    assert result.error is None, result.error
    assert 0.5 < result.test["AUROC"] <= 1


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_listed_argument_is_one_of_the_class(name: str) -> None:
    Network(name, 1)(emb_dim=8, num_layers=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = getattr(libauc_file("gnn"), CLASSES[name])
    assert set(FAMILIES[name].arguments) <= set(inspect.signature(made.__init__).parameters)


def test_graphs_are_tuned_and_their_features_are_counted(tmp_path: Path) -> None:
    write(tmp_path / "g.pt")
    loaded = load(recipe(tmp_path, {"name": "gine", "emb_dim": {"choices": [8, 16]}}, loss="APLoss", epochs=5))
    tuner = loaded.tuner()
    tuner.optimize()
    network: Any = tuner.load_best_model().model
    assert [table.num_embeddings for table in network.network.atom_encoder.atom_embedding_list] == [3, 2]
    assert [table.num_embeddings for table in network.network.bond_encoder.bond_embedding_list] == [4]
    assert tuner.best is not None


def test_a_batch_is_the_same_as_its_graphs_one_by_one(tmp_path: Path) -> None:
    data: Any = load_data(DatasetSection(str(write(tmp_path / "g.pt"))))
    torch.manual_seed(0)
    network = Network("gin", 1)(emb_dim=8, num_layers=2, atom_features_dims=[3, 2]).eval()
    x, y, index = next(iter(data.clone(eval_batch_size=5).val_dataloader()))
    with torch.no_grad():
        together = network(x)
        for position, (one, label, _) in enumerate(data.clone(eval_batch_size=1).val_dataloader()):
            if position < 5:
                torch.testing.assert_close(network(one)[0], together[position])
                assert label[0] == y[position]
    assert index.tolist() == [0, 1, 2, 3, 4]


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    write(tmp_path / "g.pt", edges=False)
    assert load(recipe(tmp_path, {"name": "gcn"})).target == "AUROC"
    with pytest.raises(ConfigError, match="model: expected a network that takes the samples of the data"):
        load(recipe(tmp_path, {"name": "gine"}))
    with pytest.raises(ConfigError, match="model.jk: expected an argument of deepergcn"):
        load(recipe(tmp_path, {"name": "deepergcn", "jk": "last"}))


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
