"""A journal tells what was written into it, or which line is damaged; nothing in between."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from automax_lightning.errors import JournalError
from automax_lightning.search.storage.history import History
from automax_lightning.search.storage.journal import Journal, read
from automax_lightning.search.storage.lines import is_ours, lines, to_line
from tests.support.journals import SETTINGS, write_journal


def outcome(directory: Path, expected: History) -> str:
    """What reading a journal comes to."""
    try:
        history = read(directory)
    except JournalError as error:
        return "named" if "journal.jsonl:" in str(error) or "Upgrade" in str(error) else str(error)
    if history.warnings:
        return "dropped and said" if "the last line" in history.warnings[0] else history.warnings[0]
    return "without effect" if history == expected else "silently other data"


def test_1500_bit_flips_are_named_or_without_effect(tmp_path: Path) -> None:
    write_journal(tmp_path, trials=3)
    path = tmp_path / "journal.jsonl"
    whole, expected = path.read_bytes(), read(tmp_path)
    generator = random.Random(0)
    outcomes: Counter[str] = Counter()
    for _ in range(1500):
        bit = generator.randrange(8 * len(whole))
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(damaged)
        outcomes[outcome(tmp_path, expected)] += 1
    assert set(outcomes) <= {"named", "dropped and said", "without effect"}
    assert outcomes["named"] > 1300


def test_blank_lines_and_events_of_newer_versions_are_named(tmp_path: Path) -> None:
    write_journal(tmp_path, trials=1)
    path = tmp_path / "journal.jsonl"
    path.write_bytes(
        path.read_bytes() + b"\n" + to_line({"event": "dream", "of": "sheep"}) + to_line({"event": "start", "number": 1})
    )
    assert read(tmp_path).warnings == (
        f"{path}:8: a blank line is ignored", "1 events 'dream' of a newer version are ignored",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"event": "result", "result": {"number": 1, "status": "ASLEEP", "checkpoint": None}}, "found 'ASLEEP'. Upgrade"),
        ({"event": "result", "result": {"number": 1}}, "the event 'result' with all that belongs to it"),
        ({"event": "promote", "number": 77, "budget": 3}, "the event 'promote' with all that belongs to it"),
        ({"event": "ask", "trial": {"number": 2, "directory": "../../home"}}, "one inside of the search's directory"),
        ({"event": "result", "result": {"number": 1, "checkpoint": "/etc/passwd"}}, "one inside of the search's directory"),
    ],
)
def test_an_event_that_cannot_be_understood_is_an_error_with_its_line(
    tmp_path: Path, event: dict[str, object], message: str
) -> None:
    write_journal(tmp_path, trials=1)
    path = tmp_path / "journal.jsonl"
    path.write_bytes(path.read_bytes() + to_line(event))
    with pytest.raises(JournalError, match=rf"journal.jsonl:8.*{message}"):
        read(tmp_path)


def test_a_journal_of_0_1_0_is_read_and_continued_with_checksums(tmp_path: Path) -> None:
    write_journal(tmp_path, trials=1)
    path = tmp_path / "journal.jsonl"
    old = [json.loads(line) for line in path.read_text().splitlines()]
    for event in old:
        event.pop("crc")
        if event["event"] == "open":
            event.pop("format")
            event.pop("search")
    old[1]["settings"]["format"] = 1
    path.write_text("".join(json.dumps(event) + "\n" for event in old))
    assert (read(tmp_path).format, read(tmp_path).search) == (1, "")
    before = path.read_bytes()
    with Journal(tmp_path, SETTINGS) as journal:
        journal.record_epoch(1, 3, 0.5)
    after = path.read_bytes()
    assert after.startswith(before)
    assert (read(tmp_path).format, len(read(tmp_path).search), read(tmp_path).settings) == (2, 32, SETTINGS)
    path.write_bytes(after + b'{"event": "start", "number": 1}\n{"event": "start", "number": 1}\n')
    with pytest.raises(JournalError, match="found its checksum is gone"):
        read(tmp_path)


def test_what_python_cannot_encode_is_kept(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_bytes(to_line({"event": "open", "pid": 1, "host": "x", "argv": ["\ud800", "ä"]}))
    assert is_ours(tmp_path)
    assert next(iter(lines(tmp_path / "journal.jsonl"))).event["argv"] == ["\ud800", "ä"]  # type: ignore[index]


def test_a_journal_that_is_deleted_meanwhile_is_noticed(tmp_path: Path) -> None:
    with Journal(tmp_path, SETTINGS) as journal:
        journal.path.unlink()
        with pytest.raises(JournalError, match="found no journal: it was deleted or replaced meanwhile"):
            journal.record_epoch(1, 1, 0.5)


def test_a_directory_that_is_deleted_meanwhile_is_noticed(tmp_path: Path) -> None:
    with Journal(tmp_path / "a", SETTINGS) as journal:
        shutil.rmtree(tmp_path / "a")
        with pytest.raises(JournalError, match="found neither the directory nor its journal"):
            journal.record_epoch(1, 1, 0.5)
    assert list(tmp_path.iterdir()) == []


def test_a_journal_that_is_replaced_meanwhile_is_noticed_and_not_written_into(tmp_path: Path) -> None:
    with Journal(tmp_path, SETTINGS) as journal:
        journal.path.rename(tmp_path / "moved.jsonl")
        journal.path.write_bytes(b"")
        with pytest.raises(JournalError, match="found another file: it was deleted or replaced meanwhile"):
            journal.record_epoch(1, 1, 0.5)
    assert journal.path.read_bytes() == b""
