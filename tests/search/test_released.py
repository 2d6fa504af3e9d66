"""A search directory that the released 0.1.0 has written is extended with the proposals and scores that 0.1.0 would make."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from automax_lightning import AutoMAXCLI
from automax_lightning.search.storage.journal import read
from tests.support import released


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in released.TRIALS:
        shutil.copytree(released.FOLDER / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["main.py"])
    for name in ("PL_GLOBAL_SEED", "PL_SEED_WORKERS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    released.write_document()
    return tmp_path


@pytest.mark.parametrize("name", released.SEARCHES)
def test_a_search_of_0_1_0_is_extended_as_0_1_0_would(folder: Path, name: str) -> None:
    expected = json.loads((folder / name / "expected.json").read_text())
    search = released.tuner(name, released.TRIALS[name])
    assert released.told(search) == expected[: len(search.log)]
    extended = released.tuner(name, len(expected))
    extended.optimize()
    assert released.told(extended) == [_about(entry) for entry in expected]
    assert extended.load_best_model() is not None


def _about(entry: dict[str, object]) -> dict[str, object]:
    """Scores of another machine may differ in their last bits."""
    scores = {name: None if entry[name] is None else pytest.approx(entry[name], rel=1e-6) for name in ("val", "test")}
    return {**entry, **scores}


def test_a_search_from_a_file_of_0_1_0_is_extended(folder: Path) -> None:
    expected = json.loads((folder / "tuned" / "expected.json").read_text())
    search = released.tune(len(expected))
    assert search.finished == 1
    assert released.told(search) == [_about(entry) for entry in expected]


def test_the_best_configuration_of_0_1_0_still_trains(folder: Path) -> None:
    shutil.copy(folder / "tuned" / "best_config.yaml", "best_config.yaml")
    trainer = AutoMAXCLI(args=["fit", "--config", "best_config.yaml"], save_config_callback=None).trainer
    best = read(folder / "tuned").results[1]
    assert best.best_epoch is not None
    assert trainer.callback_metrics["val/AUROC"].item() == pytest.approx(best.curve[-1])
    assert yaml.safe_load(Path("best_config.yaml").read_text())["model"]["class_path"] == "automax_lightning.AUCModule"


def test_a_search_of_0_1_0_is_small() -> None:
    assert sum(path.stat().st_size for path in released.FOLDER.rglob("*")) < 300_000
