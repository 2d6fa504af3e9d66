"""What is not the search's own is never touched: neither by overwriting, nor by a first trial that fails."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automax_lightning.errors import JournalError
from automax_lightning.search.storage.lines import to_line
from automax_lightning.search.storage.ownership import owned, put_back, remove_search, set_aside
from tests.support.cheap import Failing, cheap
from tests.support.journals import write_journal

NAMES = (
    "config.yaml", "state.pkl", "report.html", "best_config.yaml", "factory.pkl", "notes.txt", "trials/notes.txt",
    "trials/0001/notes.txt", "trials/0001/checkpoints/mine.ckpt", "trials/0009/checkpoints/best.ckpt", "workers/mine.txt",
    "smac/mine.json", "smac/scenario.json", "refit/mine.ckpt", "mine_best/notes.txt", "mine_best/best.ckpt",
    "other_best/best.ckpt",
    "ensemble/notes.txt", "ensemble/0001.ckpt", "ensemble/0002.npz", "ensemble/ensemble.json",
    "../mine.txt", "../mine.old/notes.txt",
)  # fmt: skip
"""Files that a user may have where a search is to be, or in a search that there is."""

COMMANDS: dict[str, Callable[[Path], object]] = {
    "begin": lambda folder: cheap(folder, n_trials=2).optimize(),
    "extend": lambda folder: cheap(folder, n_trials=3).optimize(),
    "extend further": lambda folder: cheap(folder, n_trials=5).optimize(),
    "without ensemble": lambda folder: cheap(folder, n_trials=5, ensemble_size=0).optimize(),
    "overwrite": lambda folder: cheap(folder, n_trials=1, overwrite=True).optimize(),
    "overwrite and fail": lambda folder: cheap(folder, Failing, overwrite=True).optimize(),
    "fail": lambda folder: cheap(folder, Failing).optimize(),
    "overwrite another": lambda folder: cheap(folder, n_trials=1, overwrite=True, SEED=3).optimize(),
}


def files(folder: Path) -> dict[str, bytes]:
    """Path -> content of every file below."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def place(folder: Path, names: list[str]) -> dict[str, bytes]:
    """Files of somebody else, where there are none yet."""
    foreign = {}
    for name in names:
        path = folder / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(path):
            path.write_text(f"somebody's {name}")
            foreign[os.path.normpath(Path("mine") / name)] = path.read_bytes()
    return foreign


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    first=st.lists(st.sampled_from(NAMES), unique=True, max_size=4),
    later=st.lists(st.sampled_from(NAMES), unique=True, max_size=4),
    commands=st.lists(st.sampled_from(sorted(COMMANDS)), min_size=1, max_size=3),
)
def test_every_file_that_was_not_the_searchs_stays_as_it_is(first: list[str], later: list[str], commands: list[str]) -> None:
    with tempfile.TemporaryDirectory() as place_:
        folder = Path(place_)
        foreign = place(folder, first)
        for index, command in enumerate(commands):
            if index == 1:
                foreign |= place(folder, later)
            with suppress(JournalError, RuntimeError):  # a file in its way, or the trial that fails as asked
                COMMANDS[command](folder)
            assert {name: content for name, content in files(folder).items() if name in foreign} == foreign


def test_a_file_with_a_name_that_a_search_writes_is_an_error_before_anything_starts(tmp_path: Path) -> None:
    before = place(tmp_path, ["config.yaml", "notes.txt"])
    for overwrite in (False, True):
        with pytest.raises(JournalError, match="config.yaml: expected a name that is free, because a search writes it"):
            cheap(tmp_path, overwrite=overwrite).optimize()
        assert files(tmp_path) == before


def test_the_old_search_is_kept_until_the_new_one_has_a_result(tmp_path: Path) -> None:
    first = cheap(tmp_path)
    first.optimize()
    before = files(tmp_path / "mine")
    with pytest.raises(RuntimeError, match="as asked"):
        cheap(tmp_path, Failing, overwrite=True).optimize()
    after = files(tmp_path / "mine")
    assert set(after) - {"lock"} == set(before) - {"lock"}
    assert {name: after[name] for name in before if name not in ("lock", "journal.jsonl")} == {
        name: content for name, content in before.items() if name not in ("lock", "journal.jsonl")
    }
    assert cheap(tmp_path).log == first.log
    cheap(tmp_path, n_trials=1, overwrite=True).optimize()
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert cheap(tmp_path, n_trials=1).finished == 1


def test_setting_aside_moves_what_is_ours_and_putting_back_undoes_it(tmp_path: Path) -> None:
    search = cheap(tmp_path)
    search.optimize()
    (search.directory / "notes.txt").write_text("mine")
    before = files(tmp_path / "mine")
    aside = set_aside(search.directory)
    assert aside is not None
    assert files(search.directory) in ({"notes.txt": b"mine"}, {"notes.txt": b"mine", "lock": b""})
    assert "journal.jsonl" in files(aside)
    put_back(search.directory)
    assert set(files(search.directory)) - {"lock"} == set(before) - {"lock"}
    assert cheap(tmp_path).log == search.log


def test_a_directory_without_a_journal_of_ours_is_nobodys_to_remove(tmp_path: Path) -> None:
    place(tmp_path, ["config.yaml", "trials/0001/checkpoints/best.ckpt"])
    (tmp_path / "mine" / "journal.jsonl").write_text('{"event": "my own diary"}\n')
    before = files(tmp_path)
    remove_search(tmp_path / "mine")
    assert set_aside(tmp_path / "mine") is None
    assert files(tmp_path) == before
    with pytest.raises(JournalError, match="expected a journal that this package has begun"):
        cheap(tmp_path).optimize()


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    search = cheap(tmp_path / "real")
    search.optimize()
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "mine").symlink_to(search.directory)
    before = files(search.directory)
    with pytest.raises(JournalError, match="expected a directory, to be overwritten, found a symbolic link"):
        cheap(tmp_path / "link", overwrite=True).optimize()
    remove_search(tmp_path / "link" / "mine")
    assert {name: before[name] for name in before if name != "lock"} == {
        name: content for name, content in files(search.directory).items() if name != "lock"
    }
    cheap(tmp_path / "link", n_trials=3).optimize()  # resuming through it is its owner's wish
    assert cheap(tmp_path / "real", n_trials=3).finished == 3


def test_an_output_directory_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    cheap(tmp_path / "out").optimize()
    cheap(tmp_path / "out", n_trials=1, overwrite=True).optimize()
    assert sorted(path.name for path in (tmp_path / "disk").iterdir()) == ["mine"]


@pytest.mark.parametrize("name", ["trials", "smac"])
def test_a_folder_that_is_a_link_to_elsewhere_is_not_written_through(tmp_path: Path, name: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JournalError, match=f"{name}: expected a name that is free"):
        cheap(tmp_path).optimize()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_journal_cannot_claim_what_is_outside(tmp_path: Path) -> None:
    write_journal(tmp_path / "mine")
    (tmp_path / "precious.txt").touch()
    with open(tmp_path / "mine" / "journal.jsonl", "rb+") as file:
        file.seek(0, os.SEEK_END)
        file.write(
            to_line({"event": "wrote", "paths": ["../precious.txt", str(tmp_path / "precious.txt"), "a/../../precious.txt"]})
        )
    assert not any("precious" in name for name in owned(tmp_path / "mine"))
    remove_search(tmp_path / "mine")
    assert (tmp_path / "precious.txt").exists()
