from __future__ import annotations

from pathlib import Path

import pytest

from automax_lightning.errors import JournalError, SearchLockedError
from automax_lightning.search.storage.journal import Journal, read
from automax_lightning.search.storage.lock import SearchLock
from automax_lightning.search.storage.repair import repair
from tests.support.journals import SETTINGS, damage_line, damaged, write_journal


def test_a_whole_journal_is_not_touched(tmp_path: Path) -> None:
    write_journal(tmp_path)
    before = (tmp_path / "journal.jsonl").read_bytes()
    assert repair(tmp_path).backup is None
    assert (tmp_path / "journal.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("line", "asks", "results", "lost"),
    [(1, [1, 2], [1, 2], 1), (2, [1, 2], [1, 2], 1), (3, [2], [2], 5), (5, [1, 2], [1, 2], 1), (7, [1, 2], [2], 1)],
)
def test_every_whole_line_is_kept_and_what_rests_on_a_lost_one_is_named(
    tmp_path: Path, line: int, asks: list[int], results: list[int], lost: int
) -> None:
    damaged(tmp_path, line)
    before = (tmp_path / "journal.jsonl").read_bytes()
    with pytest.raises(JournalError, match=f"journal.jsonl:{line}: expected a line of JSON"):
        read(tmp_path)
    done = repair(tmp_path)
    assert (len(done.lost), done.lost[0].startswith(f"line {line} is lost: ")) == (lost, True)
    assert done.backup is not None
    assert done.backup.read_bytes() == before
    history = read(tmp_path)
    assert ([spec.number for spec in history.asks], sorted(history.results)) == (asks, results)
    with Journal(tmp_path, SETTINGS) as journal:
        assert journal.history.warnings == ()
    assert read(tmp_path).settings == SETTINGS


def test_a_search_that_runs_is_not_repaired(tmp_path: Path) -> None:
    damaged(tmp_path, 4)
    with SearchLock(tmp_path), pytest.raises(SearchLockedError, match="a search that nobody is running"):
        repair(tmp_path)


def test_a_torn_last_line_is_lost_and_said(tmp_path: Path) -> None:
    write_journal(tmp_path)
    path = tmp_path / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    assert repair(tmp_path).lost == ("line 12 is lost: it was cut while it was written",)


def test_several_damaged_lines_are_all_named(tmp_path: Path) -> None:
    write_journal(tmp_path, trials=3)
    for line in (4, 6, 9):
        damage_line(tmp_path, line)
    assert [text.split(" is ")[0] for text in repair(tmp_path).lost] == ["line 4", "line 6", "line 9"]
