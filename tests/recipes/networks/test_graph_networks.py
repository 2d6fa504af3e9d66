"""LibAUC's graph networks on graphs from a file, through a whole search."""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from automax_lightning.errors import ConfigError
from automax_lightning.recipes import load
from automax_lightning.recipes.datasets.loaders import load_data
from automax_lightning.recipes.networks.families import FAMILIES, Network
from automax_lightning.recipes.networks.graph_networks import CLASSES
from automax_lightning.recipes.networks.libauc_files import libauc_file
from automax_lightning.recipes.sections import DatasetSection
from tests.support.graph_files import write


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
        for position, (one, label, _) in zip(range(5), data.clone(eval_batch_size=1).val_dataloader(), strict=False):
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
