"""Melanoma and CheXpert, with labels and splits by LibAUC's rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from automax_lightning.errors import DataError
from tests.support.recipes import PIXELS, data, sizes


def test_melanoma_is_split_by_its_records(tmp_path: Path) -> None:
    root = tmp_path / "melanoma"
    (root / "train").mkdir(parents=True)
    frame = pd.DataFrame({"image_name": [f"i{n}" for n in range(60)], "target": [1, 0, 0] * 20, "tfrecord": [*range(10)] * 6})
    frame.loc[59, "tfrecord"] = -1  # a duplicate of another image
    frame.to_csv(root / "train.csv", index=False)
    for name in frame["image_name"]:
        Image.fromarray(PIXELS[0]).save(root / "train" / f"{name}.jpg")
    module = data("melanoma", root_path=str(tmp_path), image_size=8)
    used = frame[frame["tfrecord"] != -1]
    assert sizes(module)[2] == int((used["tfrecord"] >= 8).sum())
    assert sum(sizes(module)) == 59
    assert module.datasets[2][0][0].shape == (3, 8, 8)


def test_chexpert_reads_uncertain_findings_as_libauc_does(tmp_path: Path) -> None:
    root = tmp_path / "CheXpert-v1.0-small"
    generator = np.random.default_rng(0)
    names = ["Cardiomegaly", "Edema", "Consolidation", "Atelectasis", "Pleural Effusion"]
    for split, count in (("train", 80), ("valid", 20)):
        (root / split).mkdir(parents=True)
        frame = pd.DataFrame(generator.choice([0.0, 1.0, -1.0, np.nan], size=(count, 5)), columns=names)
        frame.insert(0, "Path", [f"CheXpert-v1.0-small/{split}/{n}.jpg" for n in range(count)])
        frame["Frontal/Lateral"] = ["Frontal"] * (count - 5) + ["Lateral"] * 5
        frame.to_csv(root / f"{split}.csv", index=False)
        for n in range(count):
            Image.fromarray(PIXELS[n]).save(root / split / f"{n}.jpg")
    module = data("CheXpert", root_path=str(tmp_path), image_size=8, val_size=0.2)
    assert sizes(module) == [60, 15, 15]
    valid = pd.read_csv(root / "valid.csv").iloc[:15][names]
    expected = valid.fillna(0)
    for name in names:
        expected[name] = expected[name].replace(-1, 1.0 if name in ("Edema", "Atelectasis") else 0.0)
    assert np.array_equal(module.datasets[2].targets.numpy(), expected.to_numpy())
    assert data("chexpert", root_path=str(tmp_path), image_size=8, label="Edema").facts.num_labels == 1
    with pytest.raises(DataError, match="dataset.kwargs.label"):
        data("chexpert", root_path=str(tmp_path), label="Oedema")
