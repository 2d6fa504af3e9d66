from __future__ import annotations

import pytest
import torch

from automax_lightning import DigitsDataModule
from automax_lightning.errors import ConfigError


@pytest.mark.parametrize("share", [0.01, 0.05, 0.3, 0.49])
def test_the_share_of_positives_is_the_wanted_one(share: float) -> None:
    data = DigitsDataModule(share=share)
    labels = torch.cat([torch.as_tensor(part.tensors[1]) for part in data.datasets])
    assert float((labels == 1).float().mean()) == pytest.approx(share, abs=0.002)


def test_the_rows_are_the_same_for_every_seed_and_the_splits_are_not() -> None:
    one, other = DigitsDataModule(seed=0), DigitsDataModule(seed=1)

    def rows(data: DigitsDataModule) -> list[tuple[float, ...]]:
        return sorted(tuple(row) for part in data.datasets for row in part.tensors[0].round(decimals=3).tolist())

    assert len(rows(one)) == len(rows(other)) == 474 + 237 + 237
    assert not torch.equal(one.datasets[0].tensors[0], other.datasets[0].tensors[0])


def test_a_split_seed_keeps_the_splits_while_the_seed_moves_the_batches() -> None:
    one, other = (DigitsDataModule(seed=seed, split_seed=5) for seed in (0, 1))
    for mine, theirs in zip(one.datasets, other.datasets, strict=True):
        assert torch.equal(mine.tensors[0], theirs.tensors[0])


@pytest.mark.parametrize("size", [8, 17, 32])
def test_images_have_a_channel_and_the_asked_size(size: int) -> None:
    x, _ = DigitsDataModule(images=True, image_size=size).datasets[0].tensors
    assert x.shape[1:] == (1, size, size)


@pytest.mark.parametrize("share", [0, 0.5, -0.1, 1.2])
def test_a_share_outside_is_refused(share: float) -> None:
    with pytest.raises(ConfigError, match=r"DigitsDataModule.share: expected a share in \(0, 0.5\)"):
        DigitsDataModule(share=share)


@pytest.mark.parametrize(("images", "size"), [(True, 7), (False, 16), (False, 0)])
def test_a_size_that_cannot_be_is_refused(images: bool, size: int) -> None:
    with pytest.raises(ConfigError, match=r"DigitsDataModule.image_size: expected at least 8, with images=True"):
        DigitsDataModule(images=images, image_size=size)
