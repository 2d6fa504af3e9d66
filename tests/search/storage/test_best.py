"""The best checkpoint on disk is the journal's best, or is repaired."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from automax_lightning import AutoMAX
from automax_lightning.errors import CheckpointError
from automax_lightning.search.storage.best import content_hash, verify_best
from tests.support.cheap import cheap


@pytest.fixture
def search(tmp_path: Path) -> AutoMAX:
    search = cheap(tmp_path, n_trials=3)
    search.optimize()
    return search


def verified(search: AutoMAX) -> Path:
    assert search.best is not None
    return verify_best(search.directory, "mine", search.history, search.best)


def test_the_best_checkpoint_says_what_it_belongs_to(search: AutoMAX) -> None:
    described = yaml.safe_load((search.best_directory / "trial.yaml").read_text())
    path = search.best_directory / "best.ckpt"
    assert search.best is not None
    assert (described["trial"], described["score"]) == (search.best.number, search.best.score)
    assert (described["search"], described["sha256"]) == (search.history.search, content_hash(path))
    assert verified(search) == path


@pytest.mark.parametrize("damage", ["another trial's", "bytes", "gone", "another search's", "no description"])
def test_a_checkpoint_that_is_not_the_best_ones_is_repaired(search: AutoMAX, damage: str) -> None:
    assert search.best is not None
    assert search.best.checkpoint is not None
    path, wanted = search.best_directory / "best.ckpt", search.best.checkpoint.read_bytes()
    description = search.best_directory / "trial.yaml"
    if damage == "gone":
        shutil.rmtree(search.best_directory)
    elif damage == "no description":
        description.unlink()
    elif damage == "another search's":
        description.write_text(description.read_text().replace(search.history.search, "f" * 32))
    else:
        path.unlink()
        path.write_bytes(b"other weights")
    if damage == "another trial's":
        description.write_text(description.read_text().replace(f"trial: {search.best.number}", "trial: 77"))
    assert verified(search).read_bytes() == wanted
    assert yaml.safe_load(description.read_text())["trial"] == search.best.number


def test_what_cannot_be_repaired_is_an_error(search: AutoMAX) -> None:
    assert search.best is not None
    assert search.best.checkpoint is not None
    search.best.checkpoint.unlink()
    (search.best_directory / "best.ckpt").unlink()
    with pytest.raises(
        CheckpointError, match=rf"expected the checkpoint of trial {search.best.number}, the best one, found none"
    ):
        verified(search)


def test_what_follows_from_the_last_result_is_made_good_also_when_no_trial_is_left(search: AutoMAX) -> None:
    (search.directory / "state.pkl").unlink()
    shutil.rmtree(search.directory / "smac")
    path = search.directory / "journal.jsonl"
    events = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join(line for line in events if b'"settled"' not in line))
    cheap(search.config.directory.parent, n_trials=3).optimize()
    assert (search.directory / "state.pkl").exists()
    assert len(list((search.directory / "smac").iterdir())) == 5
