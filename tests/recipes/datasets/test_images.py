"""Pixels as networks get them, against torchvision's own functions; augmentation that a seed decides."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import functional

from automax_lightning.auc.data.datamodule import AUCDataModule
from automax_lightning.errors import ConfigError, DataError
from automax_lightning.recipes.datasets.images import AUGMENTATIONS, ImageArrays, ImageFiles, augmentation
from automax_lightning.trial.seeding import seed_all

IMAGES = np.random.default_rng(0).integers(0, 256, size=(12, 10, 10, 3), dtype=np.uint8)
LABELS = np.array([0, 1] * 6)


@pytest.mark.parametrize(
    ("images", "channels"),
    [(IMAGES, 3), (IMAGES[..., 0], 1), (IMAGES[..., :1], 1), (IMAGES.transpose(0, 3, 1, 2), 3), (IMAGES.astype(np.float64), 3)],
)
def test_any_layout_becomes_channels_first_in_0_to_1(images: Any, channels: int) -> None:
    x, y = ImageArrays(images, LABELS, augmentation(None).evaluate(10, 8))[3]
    assert x.shape == (channels, 10, 10)
    expected = torch.from_numpy(IMAGES[3, ..., 0].astype(np.float32) / 255)
    torch.testing.assert_close(x[0], expected)
    assert int(y) == 1


def test_sizes_and_normalisation_are_torchvisions() -> None:
    image = torch.from_numpy(IMAGES[0].transpose(2, 0, 1).copy())
    resized = functional.resize(image, [16, 16], antialias=True)
    expected = functional.normalize(resized.float() / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    torch.testing.assert_close(AUGMENTATIONS["medical"].evaluate(16, 0)(image), expected, atol=0.02, rtol=0)  # one of 255 levels
    centred = functional.normalize(image.float() / 255, [0.5], [0.5])
    torch.testing.assert_close(AUGMENTATIONS["turn"].evaluate(10, 0)(image), centred)


def test_cropped_training_images_are_a_resized_part_that_may_be_mirrored() -> None:
    image = torch.from_numpy(IMAGES[0].transpose(2, 0, 1).copy())
    whole = image.float() / 255
    parts = [functional.crop(whole, top, left, 8, 8) for top in range(3) for left in range(3)]
    possible = [functional.resize(p, [10, 10], antialias=True) for part in parts for p in (part, functional.hflip(part))]
    torch.manual_seed(0)
    found = [AUGMENTATIONS["crop"].train(10, 8)(image) for _ in range(60)]
    hits = {next(n for n, one in enumerate(possible) if torch.allclose(one, x, atol=1e-6)) for x in found}
    assert len(hits) > 12


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
@pytest.mark.parametrize("channels", [1, 3])
def test_every_augmentation_takes_grey_and_colour(name: str, channels: int) -> None:
    image = torch.from_numpy(IMAGES[0, ..., :channels].transpose(2, 0, 1).copy())
    for transform in (augmentation(name).train(12, 8), augmentation(name).evaluate(12, 8)):
        x = pickle.loads(pickle.dumps(transform))(image)  # as it travels to the workers of a loader
        assert x.shape[1:] == (12, 12)
        assert x.dtype == torch.float32


@pytest.mark.parametrize("workers", [0, 2])
def test_an_epochs_augmentation_depends_on_its_seed_alone(workers: int) -> None:
    chosen = AUGMENTATIONS["crop"]

    def epoch(seed: int) -> torch.Tensor:
        seed_all(seed)
        train = ImageArrays(IMAGES, LABELS, chosen.train(10, 6))
        data = AUCDataModule(train, train, batch_size=4, num_workers=workers, seed=seed)
        return torch.cat([x for x, _, _ in data.train_dataloader()])

    assert torch.equal(epoch(1), epoch(1))
    assert not torch.equal(epoch(1), epoch(2))


def test_files_are_read_as_they_were_written_and_missing_ones_are_counted(tmp_path: Path) -> None:
    paths = [tmp_path / f"{n}.png" for n in range(2)]
    Image.fromarray(IMAGES[0]).save(paths[0])
    Image.fromarray(IMAGES[1, ..., 0]).save(paths[1])  # grey
    files = ImageFiles(paths, LABELS[:2], augmentation(None).evaluate(10, 0))
    colours = torch.from_numpy(IMAGES[0].astype(np.float32).transpose(2, 0, 1) / 255)
    torch.testing.assert_close(files[0][0], colours)
    torch.testing.assert_close(files[1][0][2], torch.from_numpy(IMAGES[1, ..., 0].astype(np.float32) / 255))
    with pytest.raises(DataError, match="expected 2 image files, found 1 of them missing, the first is .*no.png"):
        ImageFiles([paths[0], tmp_path / "no.png"], LABELS[:2], augmentation(None).evaluate(10, 0))


def test_what_is_no_image_is_named() -> None:
    with pytest.raises(DataError, match=r"found shape \(12, 30\)"):
        ImageArrays(np.zeros((12, 30)), LABELS, augmentation(None).evaluate(4, 2))
    with pytest.raises(DataError, match="expected 12 labels, one for each image, found 11"):
        ImageArrays(IMAGES, LABELS[:11], augmentation(None).evaluate(4, 2))
    with pytest.raises(ConfigError, match="dataset.kwargs.augment: .*Did you mean 'crop'"):
        augmentation("crops")
