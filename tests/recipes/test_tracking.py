"""A recipe's project of Weights & Biases: its runs, and the sentences where there can be none."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from automax_lightning.recipes.building import build
from automax_lightning.recipes.notes import notes_of
from automax_lightning.recipes.reading import from_mapping
from automax_lightning.recipes.sections import Recipe
from automax_lightning.recipes.tracking import is_offline, is_tracked, logger_of


def recipe(folder: Path, trainer: Any = None, **training: Any) -> Recipe:
    return from_mapping({
        "dataset": {"name": "digits"}, "model": {"name": "mlp", "hidden": [4]}, "trainer": trainer or {},
        "training": {"epochs": 1, "project_name": "mine", "verbose": 0, **training},
        "automax": {"name": "s", "n_trials": 2, "output_directory": str(folder)},
    })  # fmt: skip


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nobody is logged in."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.delenv("WANDB_MODE", raising=False)


@pytest.mark.slow
@pytest.mark.usefixtures("nobody")
def test_each_trial_is_a_run_of_the_project_that_asks_nobody(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    loaded = build(recipe(tmp_path))
    cloudpickle.dumps(loaded.factory)  # begins no run
    tuner = loaded.tuner()
    tuner.optimize()
    assert all(result.status.has_score for result in tuner.history.final().values())
    begun = [path.name.rsplit("-", 1)[1] for path in (tmp_path / "s" / "wandb").glob("offline-run-*")]
    kept = [json.loads((tuner.directory / "trials" / f"000{n}" / "runs.json").read_text())["0"] for n in (1, 2)]
    assert sorted(begun) == sorted(kept)
    assert ["wandb sync" in note for note in loaded.notes] == [True]


@pytest.mark.usefixtures("nobody")
def test_a_login_is_found_where_it_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_offline()
    (tmp_path / ".netrc").write_text("machine example.org login me password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    assert is_offline()
    (tmp_path / ".netrc").write_text("machine api.wandb.ai login user password secret\n")
    assert not is_offline()
    (tmp_path / ".netrc").unlink()
    monkeypatch.setenv("WANDB_API_KEY", "secret")
    assert not is_offline()


def test_without_wandb_or_with_another_logger_a_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = recipe(tmp_path, {"logger": "csv"})
    assert not is_tracked(other)
    assert logger_of(other) == {}
    assert "not the logger of the trainer section" in notes_of(other, "AUCMLoss")[0]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    missing = recipe(tmp_path)
    assert not is_tracked(missing)
    assert logger_of(missing) == {}
    assert "pip install wandb" in notes_of(missing, "AUCMLoss")[0]


def test_without_a_project_nothing_is_tracked(tmp_path: Path) -> None:
    plain = recipe(tmp_path, project_name=None)
    assert not is_tracked(plain)
    assert notes_of(plain, "AUCMLoss") == ()
