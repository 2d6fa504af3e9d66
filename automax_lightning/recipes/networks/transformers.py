"""Transformers of the ``transformers`` library, for sentences and for images, that give logits like any other network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from automax_lightning.errors import ConfigError


def is_transformer(name: str) -> bool:
    """Whether a network's name is a repository ``owner/name`` or a folder with a ``config.json``."""
    return "/" in name or (Path(name) / "config.json").is_file()


class SentenceClassifier(nn.Module):
    """A transformer that takes a list of sentences.

    Args:
        network: a model for sequence classification.
        tokenizer: its tokenizer.
        max_length: tokens of a sentence, the rest is cut off; at least 2.
    """

    def __init__(self, network: nn.Module, tokenizer: Any, max_length: int = 128) -> None:
        super().__init__()
        self.network, self.tokenizer, self.max_length = network, tokenizer, max_length

    def forward(self, x: Sequence[str]) -> Tensor:
        """Logits (N, C) of N sentences."""
        tokens = self.tokenizer(list(x), padding=True, truncation=True, max_length=self.max_length, return_tensors="pt")
        device = next(self.network.parameters()).device
        logits: Tensor = self.network(**{name: tensor.to(device) for name, tensor in tokens.items()}).logits
        return logits


class ImageClassifier(nn.Module):
    """A transformer that takes images with values in [0, 1], of any size, grey or coloured.

    Args:
        network: a model for image classification.
        size: height and width that it wants.
        mean: of each channel that it was trained on.
        deviation: of each channel.
    """

    def __init__(self, network: nn.Module, size: int, mean: Sequence[float], deviation: Sequence[float]) -> None:
        super().__init__()
        self.network, self.size = network, size
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.tensor(mean).reshape(1, -1, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation).reshape(1, -1, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, C) of images (N, 1 or 3, h, w)."""
        x = x.expand(-1, 3, -1, -1) if x.shape[1] == 1 else x
        x = nn.functional.interpolate(x, size=(self.size, self.size), mode="bilinear", antialias=True)
        logits: Tensor = self.network(pixel_values=(x - self.mean) / self.deviation).logits
        return logits


def make_transformer(name: str, num_labels: int, imagenet: bool, max_length: int = 128, **kwargs: Any) -> nn.Module:
    """A transformer with a fresh head, from a folder or, by its repository's name, from the local cache or the network.

    Args:
        name: a repository of the Hugging Face hub, or a folder with one.
        num_labels: columns of the output.
        imagenet: not used; a transformer comes with its weights.
        max_length: tokens of a sentence.
        kwargs: ``dropout``, in [0, 1), of the transformer's hidden layers.

    Raises:
        ConfigError: if ``transformers`` is not installed.
        OSError: if the weights are nowhere.
    """
    try:
        import transformers
    except ImportError as error:
        raise ConfigError("model.name", "transformers, for " + repr(name), "it is not installed",
                          "pip install 'automax-lightning[text]'") from error  # fmt: skip
    config = transformers.AutoConfig.from_pretrained(name)
    config.num_labels = num_labels
    for key in ("hidden_dropout_prob", "dropout", "classifier_dropout"):
        if "dropout" in kwargs and hasattr(config, key):
            setattr(config, key, kwargs["dropout"])
    shared = {"config": config, "ignore_mismatched_sizes": True}
    if hasattr(config, "image_size"):
        return _for_images(transformers, name, shared, config)
    network = transformers.AutoModelForSequenceClassification.from_pretrained(name, **shared)
    # It comes in evaluation mode, in which Lightning leaves it: dropout would never happen.
    return SentenceClassifier(network.train(), transformers.AutoTokenizer.from_pretrained(name), max_length)


def _for_images(transformers: Any, name: str, shared: dict[str, Any], config: Any) -> nn.Module:
    network = transformers.AutoModelForImageClassification.from_pretrained(name, **shared)
    size = config.image_size if isinstance(config.image_size, int) else config.image_size[0]
    settings = transformers.AutoImageProcessor.from_pretrained(name)
    return ImageClassifier(network.train(), size, settings.image_mean, settings.image_std)
