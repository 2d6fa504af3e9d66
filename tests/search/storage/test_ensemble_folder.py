"""The ensemble's folder: what it holds, how it follows the journal, and that nothing of somebody else's is touched."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from automax_lightning.errors import CheckpointError, JournalError
from automax_lightning.search.storage.ensemble_folder import TABLE, EnsembleFolder, EnsembleTable, Member, read_table
from automax_lightning.trial.checkpoint import TrialFiles

ONE, TWO, THREE = (Member(n, {"lr": 0.1 * n, "size": (n, 2)}, seed=n, score=n / 10, weight=n) for n in (1, 2, 3))


class Search:
    """A directory with three trials, and what its journal would know as its own."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.written = directory, set[str]()
        for number in (1, 2, 3):
            files = TrialFiles.of(directory, number)
            files.checkpoints.mkdir(parents=True)
            files.best.write_text(f"weights {number}")
            files.scores.write_text(f"scores {number}")

    def keep(self, *members: Member) -> None:
        EnsembleFolder(self.directory, lambda *names: self.written.update(names)).keep(
            EnsembleTable(members, "half", {9: "gone"}, "ID"), frozenset(self.written)
        )

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in (self.directory / "ensemble").iterdir())


def test_the_folder_holds_links_and_a_table_that_says_all_of_them(tmp_path: Path) -> None:
    search = Search(tmp_path)
    search.keep(TWO, ONE)
    assert search.names == ["0001.ckpt", "0001.npz", "0002.ckpt", "0002.npz", "ensemble.json"]
    assert os.path.samefile(tmp_path / "ensemble" / "0002.ckpt", TrialFiles.of(tmp_path, 2).best)
    assert read_table(tmp_path) == EnsembleTable((TWO, ONE), "half", {9: "gone"}, "ID")
    assert json.loads((tmp_path / TABLE).read_text())["format"] == 1
    assert search.written == {f"ensemble/{name}" for name in search.names}


def test_members_come_and_go_and_without_any_the_folder_goes(tmp_path: Path) -> None:
    search = Search(tmp_path)
    search.keep(ONE, TWO)
    (tmp_path / "ensemble" / "notes.txt").write_text("mine")
    search.keep(THREE, TWO)
    assert search.names == ["0002.ckpt", "0002.npz", "0003.ckpt", "0003.npz", "ensemble.json", "notes.txt"]
    search.keep()
    assert search.names == ["notes.txt"]
    (tmp_path / "ensemble" / "notes.txt").unlink()
    search.keep(ONE, TWO)
    search.keep()
    assert not (tmp_path / "ensemble").exists()


def test_a_trial_whose_own_files_are_gone_stays_where_the_folder_has_them(tmp_path: Path) -> None:
    search = Search(tmp_path)
    search.keep(ONE, TWO)
    files = TrialFiles.of(tmp_path, 1)
    files.best.unlink()
    files.scores.unlink()
    search.keep(ONE, TWO)
    assert (tmp_path / "ensemble" / "0001.ckpt").read_text() == "weights 1"
    assert "0001.npz" in search.names


def test_a_file_that_is_not_the_trials_is_put_right(tmp_path: Path) -> None:
    search = Search(tmp_path)
    search.keep(ONE, TWO)
    path = tmp_path / "ensemble" / "0001.ckpt"
    path.unlink()
    path.write_text("half of it")
    (tmp_path / "ensemble" / "0001.ckpt.new").write_text("left by a kill")
    search.keep(ONE, TWO)
    assert path.read_text() == "weights 1"
    assert "0001.ckpt.new" not in search.names


def test_without_links_a_copy_is_a_member_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(source: object, target: object) -> None:
        raise OSError("this file system has no links")

    monkeypatch.setattr(os, "link", no_links)
    search = Search(tmp_path)
    search.keep(ONE, TWO)
    before = (tmp_path / "ensemble" / "0001.ckpt").stat().st_ino
    search.keep(ONE, TWO)
    assert (tmp_path / "ensemble" / "0001.ckpt").stat().st_ino == before
    assert (tmp_path / "ensemble" / "0001.ckpt").read_text() == "weights 1"


@pytest.mark.parametrize("name", ["ensemble.json", "0001.ckpt", "0002.npz"])
def test_a_file_of_somebody_elses_is_an_error_and_stays(tmp_path: Path, name: str) -> None:
    search = Search(tmp_path)
    (tmp_path / "ensemble").mkdir()
    (tmp_path / "ensemble" / name).write_text("mine")
    with pytest.raises(JournalError, match=f"{name}: expected a name that is free, because the search keeps its ensemble there"):
        search.keep(ONE, TWO)
    assert (tmp_path / "ensemble" / name).read_text() == "mine"
    assert search.names == [name]


def test_a_folder_that_is_a_link_is_not_written_through(tmp_path: Path) -> None:
    search = Search(tmp_path / "s")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "s" / "ensemble").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JournalError, match="ensemble: expected a name that is free"):
        search.keep(ONE, TWO)
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize(("content", "message"), [("{", "damaged file"), ('{"format": 1}', "damaged file .KeyError"),
                                                  ('{"format": 2}', "expected format 1, found format 2")])  # fmt: skip
def test_a_table_that_cannot_be_read_says_what_to_do(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "ensemble").mkdir()
    (tmp_path / TABLE).write_text(content)
    with pytest.raises(CheckpointError, match=message):
        read_table(tmp_path)


def test_where_there_is_no_table_there_is_no_ensemble(tmp_path: Path) -> None:
    assert read_table(tmp_path) is None
