"""Images in memory or in files as map-style datasets, with the augmentations of LibAUC's own trainer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from automax_lightning.errors import ConfigError, DataError, closest
from automax_lightning.utils.imports import require

Transform = Callable[[Tensor], Tensor]
_IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


class ImageArrays(Dataset[tuple[Tensor, Tensor]]):
    """Images kept as bytes, which a transform turns into float32 tensors one by one.

    Args:
        images: (n, h, w), (n, h, w, 1 or 3) or (n, 1 or 3, h, w), values 0 .. 255.
        targets: (n,) or (n, C), 0 or 1.
        transform: takes a uint8 tensor (c, h, w).

    Raises:
        DataError: if the shape is none of images, or the numbers of images and targets differ.

    Example:
        >>> import numpy as np
        >>> data = ImageArrays(np.full((2, 4, 4, 3), 255), np.array([0, 1]), plain(8))
        >>> x, y = data[1]
        >>> x.shape, float(x.max()), int(y)
        (torch.Size([3, 8, 8]), 1.0, 1)
    """

    def __init__(self, images: NDArray[Any], targets: NDArray[Any], transform: Transform) -> None:
        self.images = torch.from_numpy(np.ascontiguousarray(_channels_first(np.asarray(images)), dtype=np.uint8))
        self.targets = torch.from_numpy(np.asarray(targets).astype(np.int64))
        self.transform = transform
        if len(self.images) != len(self.targets):
            raise DataError("dataset", f"{len(self.images)} labels, one for each image", str(len(self.targets)), "Check them.")

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, position: int) -> tuple[Tensor, Tensor]:
        return self.transform(self.images[position]), self.targets[position]


class ImageFiles(Dataset[tuple[Tensor, Tensor]]):
    """Image files, read when they are asked for.

    Args:
        paths: one file per sample.
        targets: (n,) or (n, C), 0 or 1.
        transform: takes a uint8 tensor (3, h, w).

    Raises:
        DataError: if a file is not there.
    """

    def __init__(self, paths: Sequence[Path], targets: NDArray[Any], transform: Transform) -> None:
        require("PIL", extra="recipes", where="dataset")
        missing = [path for path in paths if not path.is_file()]
        if missing:
            raise DataError("dataset", f"{len(paths)} image files", f"{len(missing)} of them missing, the first is {missing[0]}",
                            "Put them there, or correct the column of paths.")  # fmt: skip
        self.paths = list(paths)
        self.targets = torch.from_numpy(np.asarray(targets).astype(np.int64))
        self.transform = transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, position: int) -> tuple[Tensor, Tensor]:
        from PIL import Image

        with Image.open(self.paths[position]) as image:
            pixels = np.array(image.convert("RGB"))
        return self.transform(torch.from_numpy(pixels).permute(2, 0, 1)), self.targets[position]


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """What is done to training images and to evaluation images, each a function of (size, crop) that makes a transform.

    Args:
        train: for the training split.
        evaluate: for the other splits.
    """

    train: Callable[[int, int], Transform]
    evaluate: Callable[[int, int], Transform]


def plain(size: int, crop: int = 0) -> Transform:
    """Values in [0, 1], at `size` x `size` pixels."""
    return _composed(lambda v2: [_floats(v2), _resized(v2, size)])


def crop_and_flip(size: int, crop: int) -> Transform:
    """As `plain`, of a random part of `crop` x `crop` pixels that may be mirrored: what LibAUC does to CIFAR10."""
    return _composed(lambda v2: [_floats(v2), v2.RandomCrop((crop, crop)), v2.RandomHorizontalFlip(), _resized(v2, size)])


def turn_and_flip(size: int, crop: int = 0) -> Transform:
    """As `centred`, mirrored and turned by up to 10 degrees at random: what LibAUC does to PneumoniaMNIST."""
    return _composed(lambda v2: [
        _resized(v2, size), v2.RandomHorizontalFlip(), v2.RandomRotation(10), _floats(v2), v2.Normalize([0.5], [0.5]),
    ])  # fmt: skip


def centred(size: int, crop: int = 0) -> Transform:
    """As `plain`, with values in [-1, 1]."""
    return _composed(lambda v2: [_resized(v2, size), _floats(v2), v2.Normalize([0.5], [0.5])])


def medical(size: int, crop: int = 0) -> Transform:
    """As `normalised`, mirrored, turned by up to 10 degrees, and with other brightness and contrast, at random."""
    return _composed(lambda v2: [
        _resized(v2, size), v2.RandomHorizontalFlip(), v2.RandomVerticalFlip(), v2.RandomRotation(10),
        v2.ColorJitter(brightness=0.2, contrast=0.2), _floats(v2), v2.Normalize(*_IMAGENET),
    ])  # fmt: skip


def normalised(size: int, crop: int = 0) -> Transform:
    """As `plain`, with ImageNet's mean and deviation: what LibAUC does to medical images."""
    return _composed(lambda v2: [_resized(v2, size), _floats(v2), v2.Normalize(*_IMAGENET)])


AUGMENTATIONS = {
    "none": Augmentation(plain, plain),
    "crop": Augmentation(crop_and_flip, plain),
    "turn": Augmentation(turn_and_flip, centred),
    "medical": Augmentation(medical, normalised),
}


def augmentation(name: str | None) -> Augmentation:
    """The augmentation of that name.

    Raises:
        ConfigError: if there is none.
    """
    steps = AUGMENTATIONS.get(str(name or "none"))
    if steps is None:
        raise ConfigError(
            "dataset.kwargs.augment", f"one of {list(AUGMENTATIONS)}", repr(name), closest(str(name), AUGMENTATIONS)
        )
    return steps


def _composed(steps: Callable[[Any], list[Any]]) -> Transform:
    require("torchvision", extra="recipes", where="dataset.kwargs.augment")
    from torchvision.transforms import v2

    transform: Transform = v2.Compose(steps(v2))
    return transform


def _resized(v2: Any, size: int) -> Any:
    return v2.Resize((size, size), antialias=True)


def _floats(v2: Any) -> Any:
    return v2.ToDtype(torch.float32, scale=True)


def _channels_first(images: NDArray[Any]) -> NDArray[Any]:
    if images.ndim == 3:
        return images[:, None]
    if images.ndim == 4 and images.shape[1] in (1, 3):
        return images
    if images.ndim == 4 and images.shape[3] in (1, 3):
        return np.moveaxis(images, 3, 1)
    raise DataError("dataset", "images (n, h, w), (n, h, w, 3) or (n, 3, h, w)", f"shape {images.shape}", "Reshape them.")
