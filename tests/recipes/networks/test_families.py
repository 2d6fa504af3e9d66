"""LibAUC's networks through our stack: logits, activations, exact continuation."""

from __future__ import annotations

import copy
import importlib
import sys
import warnings
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from automax_lightning import AUCModule, Objective, TrialSpec
from automax_lightning.errors import CheckpointError, ConfigError
from automax_lightning.recipes.datasets.local_files import image_arrays
from automax_lightning.recipes.networks.families import FAMILIES, Network, family, network_of
from automax_lightning.recipes.networks.graph_networks import CLASSES
from automax_lightning.recipes.sections import ModelSection
from automax_lightning.trial.fit import Fit

LIBAUC = sorted(set(FAMILIES) - {"mlp", *CLASSES})


def libaucs_own() -> Any:
    """``libauc.models`` as LibAUC imports it, with torch_geometric behind it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch_geometric uses what torch has deprecated
        return importlib.import_module("libauc.models")


@pytest.mark.parametrize("name", ["resnet20", "resnet18", "densenet121"])
def test_a_network_is_libaucs_own_without_its_sigmoid(name: str) -> None:
    torch.manual_seed(3)
    ours = Network(name, 1)().eval()
    torch.manual_seed(3)
    theirs = getattr(libaucs_own(), name)(last_activation=None, num_classes=1).eval()
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        logits = ours(x)
        assert torch.equal(logits, theirs(x))
        assert torch.equal(ours(x[:, :1]), theirs(x[:, :1].repeat(1, 3, 1, 1)))
    assert logits.shape == (2, 1)
    assert Network(name, 5)()(x).shape == (2, 5)


def test_logits_are_no_probabilities() -> None:
    torch.manual_seed(0)
    scores = Network("resnet20", 1)()(100 * torch.randn(16, 3, 8, 8)).detach()
    assert scores.min() < 0 or scores.max() > 1


def test_the_activation_of_one_network_does_not_change_another() -> None:
    relu = Network("resnet20", 1)(activations="relu").eval()
    x = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        before = relu(x)
        Network("resnet20", 1)(activations="elu")
        assert torch.equal(relu(x), before)
        assert torch.equal(copy.deepcopy(relu)(x), before)


@pytest.mark.parametrize("name", LIBAUC)
def test_every_name_exists_in_libauc_and_takes_the_listed_arguments(name: str) -> None:
    import inspect

    theirs = libaucs_own()
    function = getattr(theirs, name)
    kinds = {"resnet20": theirs.resnet_cifar.ResNet, "resnet18": theirs.resnet.ResNet, "densenet121": theirs.densenet.DenseNet}
    made = next(kinds[key] for key in kinds if FAMILIES[key] is FAMILIES[name])
    known = {*inspect.signature(function).parameters, *inspect.signature(made).parameters}
    assert {*FAMILIES[name].arguments, "pretrained", "last_activation", "num_classes"} <= known


def test_libauc_knows_the_addresses_of_the_weights_that_we_offer() -> None:
    offered = [name for name in LIBAUC if FAMILIES[name].has_imagenet]
    assert offered
    for name in offered:
        assert name in sys.modules[getattr(libaucs_own(), name).__module__].model_urls


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:the target 'train/loss' is logged in training only")  # there is nothing better here
@pytest.mark.parametrize("workers", [0, 2])
def test_batch_norm_augmented_and_balanced_batches_continue_exactly(tmp_path: Path, workers: int) -> None:
    """Two epochs at once are the same bits as one, fresh objects, and one more, batch statistics included."""
    digits = load_digits()
    images, labels = (digits.images[:300] * 15).astype(np.uint8), (digits.target[:300] > 7).astype(np.int64)
    data = image_arrays([(images[:200], labels[:200]), (images[200:], labels[200:])], augment="crop")
    settings: dict[str, Any] = {"batch_size": 64, "num_workers": workers}
    states = []
    for budgets in ((2,), (1, 2)):
        for budget in budgets:
            fit = Fit(lambda: AUCModule(Network("resnet20", 1)()), lambda seed: data.clone(seed=seed, **settings), epochs=2,
                      objective=Objective("train/loss", "min"))  # fmt: skip
            result = fit.run(spec=TrialSpec(1, {}, seed=5, budget=budget, directory=tmp_path / str(len(budgets))))
            assert result.error is None, result.error
        states.append(fit.module.model.state_dict())
    assert any("running_mean" in name for name in states[0])
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_a_maker_of_networks_travels_to_other_processes() -> None:
    maker = cloudpickle.loads(cloudpickle.dumps(Network("resnet20", 1)))
    assert maker == Network("resnet20", 1)


def test_imagenet_weights_come_from_torchs_cache_and_otherwise_the_error_says_where_to_put_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody listens there: no download, at once
    with pytest.raises(CheckpointError, match=r"model resnet18: expected its weights.*pretrained_path: FILE"):
        Network("resnet18", 1, imagenet=True)()
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(4)
    weights = Network("resnet18", 1000)().network.state_dict()  # type: ignore[operator, union-attr]
    torch.save(weights, cache / "resnet18-5c106cde.pth")
    loaded: Any = Network("resnet18", 1, imagenet=True)()
    assert torch.equal(loaded.network.conv1.weight, weights["conv1.weight"])
    assert loaded.network.fc.weight.shape == (1, 512)


def test_names_are_found_in_any_case_and_unknown_ones_have_a_neighbour() -> None:
    assert network_of(ModelSection("ResNet18"), 1).name == "resnet18"
    with pytest.raises(ConfigError, match="Did you mean 'densenet121'"):
        family("densnet121")
    with pytest.raises(ConfigError, match="model.activation: .*Did you mean 'activations'"):
        network_of(ModelSection("resnet20", kwargs={"activation": "elu"}), 1)
    with pytest.raises(ConfigError, match="model.num_classes: expected 14"):
        network_of(ModelSection("resnet20", num_classes=1), 14)
    assert network_of(ModelSection("resnet20", num_classes=14), 14).num_labels == 14
