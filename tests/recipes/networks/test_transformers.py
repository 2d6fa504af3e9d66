"""Transformers from a folder, as small as they can be and with random weights, through a whole search."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from automax_lightning.errors import AutoMAXError, CheckpointError, ConfigError
from automax_lightning.recipes import load
from automax_lightning.recipes.datasets.loaders import load_data
from automax_lightning.recipes.networks.families import Network
from automax_lightning.recipes.networks.transformers import is_transformer
from automax_lightning.recipes.sections import DatasetSection

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad", "a", "film", "plot", "was", "the"]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

    folder = tmp_path_factory.mktemp("bert")
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    torch.manual_seed(0)
    BertForMaskedLM(BertConfig(vocab_size=len(WORDS), max_position_embeddings=32, **sizes)).save_pretrained(folder)
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

    folder = tmp_path_factory.mktemp("vit")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    torch.manual_seed(0)
    ViTForImageClassification(ViTConfig(image_size=16, patch_size=8, num_labels=10, **sizes)).save_pretrained(folder)
    ViTImageProcessor(size={"height": 16, "width": 16}, image_mean=[0.5, 0.4, 0.3], image_std=[0.2, 0.3, 0.4]).save_pretrained(
        folder
    )
    return folder


def reviews(folder: Path) -> Path:
    generator = np.random.default_rng(0)
    label = (np.arange(160) % 5 == 0).astype(int)
    text = [f"the film was {'good' if y else 'bad'} {generator.choice(['a', 'plot', 'unheard'])}" for y in label]
    pd.DataFrame({"review": text, "label": label}).to_csv(folder / "d.csv", index=False)
    return folder / "d.csv"


def recipe(folder: Path, dataset: dict[str, Any], model: dict[str, Any], **training: Any) -> Path:
    sections = {
        "dataset": {"eval_splits": ["val", "test"], **dataset},
        "model": model,
        "training": {"epochs": 2, "batch_size": 16, "verbose": 0, "optimizer_kwargs": {"lr": 0.5}, **training},
        "automax": {"name": "s", "n_trials": 1, "output_directory": str(folder / "out")},
    }
    (folder / "r.yaml").write_text(yaml.safe_dump(sections))
    return folder / "r.yaml"


def test_sentences_are_tuned_from_a_folder(tmp_path: Path, bert: Path) -> None:
    dataset = {"name": str(reviews(tmp_path)), "kwargs": {"text": "review"}}
    model = {"name": str(bert), "max_length": 8, "dropout": {"choices": [0.0, 0.1]}}
    adam = {"loss": "APLoss", "optimizer_kwargs": {"lr": 0.02}}
    tuner = load(recipe(tmp_path, dataset, model, epochs=8, **adam)).tuner()
    tuner.optimize()
    best = tuner.best
    assert best is not None
    assert best.test["AUROC"] > 0.95  # one word decides
    assert tuner.load_best_model()(["the film was good", "the film was bad"]).shape == (2, 1)


def test_sentences_are_cut_and_padded_as_the_tokenizer_does(bert: Path) -> None:
    network: Any = Network(str(bert), 1)(max_length=4).eval()
    with torch.no_grad():
        scores = network(["good film was bad", "good film was good"])
        whole: Any = Network(str(bert), 1)().eval()
        alone, beside = whole(["good"]), whole(["good", "the film was bad the plot"])
    assert torch.equal(scores[0], scores[1])  # the word that differs is cut off
    torch.testing.assert_close(alone[0], beside[0])


def test_pretrained_layers_are_the_folders_and_the_head_is_fresh(bert: Path) -> None:
    torch.manual_seed(1)
    one: Any = Network(str(bert), 1)()
    two: Any = Network(str(bert), 3)()
    first, second = one.network.bert.state_dict(), two.network.bert.state_dict()
    shared = [name for name in first if not name.startswith("pooler")]
    assert all(torch.equal(first[name], second[name]) for name in shared)
    assert two.network.classifier.weight.shape == (3, 16)


def test_dropout_reaches_the_layers(bert: Path) -> None:
    network: Any = Network(str(bert), 1)(dropout=0.37)
    assert network.network.training
    rates = {module.p for module in network.modules() if isinstance(module, torch.nn.Dropout)}
    assert 0.37 in rates


def test_images_are_tuned_from_a_folder_and_normalised_as_its_processor_does(tmp_path: Path, vit: Path) -> None:
    from transformers import AutoImageProcessor

    network: Any = Network(str(vit), 1)().eval()
    x = torch.rand(2, 3, 16, 16)
    with torch.no_grad():
        pixels = AutoImageProcessor.from_pretrained(vit)(images=x, return_tensors="pt", do_rescale=False)["pixel_values"]
        torch.testing.assert_close(network(x), network.network(pixel_values=pixels).logits)
        assert network(torch.rand(2, 1, 8, 8)).shape == (2, 1)
    tuner = load(recipe(tmp_path, {"name": "digits", "kwargs": {"imratio": 0.2}}, {"name": str(vit)})).tuner()
    tuner.optimize()
    assert tuner.best is not None


def test_the_maker_travels_and_labels_of_several_columns_fit(tmp_path: Path, bert: Path) -> None:
    frame = pd.read_csv(reviews(tmp_path)).assign(other=[0, 1] * 80)
    frame.to_csv(tmp_path / "d.csv", index=False)
    dataset = {"name": str(tmp_path / "d.csv"), "kwargs": {"text": "review", "target": ["label", "other"]}}
    loaded = load(recipe(tmp_path, dataset, {"name": str(bert)}))
    fit = cloudpickle.loads(cloudpickle.dumps(loaded.factory))(loaded.factory.cs.get_default_configuration())
    assert fit.module.pair.name == "MultiLabelAUCMLoss"
    assert loaded.notes == ("training.loss: the data have several labels, for which AUCMLoss is MultiLabelAUCMLoss.",)
    assert fit.run(seed=0).status.has_score


def test_mistakes_are_named(tmp_path: Path, bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = reviews(tmp_path)
    with pytest.raises(AutoMAXError, match="dataset.kwargs.text: .*Did you mean 'review'"):
        load_data(DatasetSection(str(path), {"text": "reviw"}))
    with pytest.raises(ConfigError, match="model.max_len: .*Did you mean 'max_length'"):
        load(recipe(tmp_path, {"name": str(path), "kwargs": {"text": "review"}}, {"name": str(bert), "max_len": 3}))
    with pytest.raises(ConfigError, match="model: expected a network that takes the samples of the data"):
        load(recipe(tmp_path, {"name": "digits"}, {"name": str(bert)}))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # read from the environment when it is imported
    with pytest.raises(CheckpointError, match="model nobody/nothing: expected its weights"):
        Network("nobody/nothing", 1)()
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigError, match=r"it is not installed. pip install 'automax-lightning\[text\]'"):
        Network(str(bert), 1)()


def test_what_a_transformer_is_called(bert: Path, tmp_path: Path) -> None:
    assert is_transformer("google/vit-base-patch16-224")
    assert is_transformer(str(bert))
    assert not is_transformer("resnet20")
