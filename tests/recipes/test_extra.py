"""The packages that only recipes need are an extra: each place that needs one says so where it is missing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from automax_lightning import recipes
from automax_lightning.errors import ConfigError
from automax_lightning.recipes.datasets.benchmarks import benchmark
from automax_lightning.recipes.datasets.images import AUGMENTATIONS, ImageFiles

RECIPE = Path(__file__).parents[2] / "examples" / "recipes" / "auroc.yaml"

NEEDS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a recipe": ("omegaconf", lambda folder: recipes.load(RECIPE)),
    "image files": ("PIL", lambda folder: ImageFiles([], np.zeros(0), lambda image: image)),
    "an augmentation": ("torchvision", lambda folder: AUGMENTATIONS["none"].train(32, 32)),
    "a benchmark": ("torchvision", lambda folder: benchmark("cifar10", False, root_path=str(folder), download=False)),
}


@pytest.mark.parametrize("what", NEEDS)
def test_a_missing_package_is_named_with_the_extra(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, use = NEEDS[what]
    monkeypatch.setitem(sys.modules, module, None)  # as Python marks a module that cannot be imported
    with pytest.raises(ConfigError, match=rf"found no {module}\. .*pip install \"automax-lightning\[recipes\]\""):
        use(tmp_path)
