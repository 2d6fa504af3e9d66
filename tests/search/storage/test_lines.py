"""A journal tells what was written into it, or which line is damaged; nothing in between."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from automax_lightning.errors import JournalError
from automax_lightning.search.storage.journal import Journal, read
from automax_lightning.search.storage.lines import is_ours, lines, to_line
from tests.support.journals import SETTINGS, write_journal


def test_1500_bit_flips_are_named_or_without_effect(tmp_path: Path) -> None:
    write_journal(tmp_path, trials=3)
    path = tmp_path / "journal.jsonl"
    whole, expected = path.read_bytes(), read(tmp_path)
    generator = random.Random(0)
    outcomes = {"named": 0, "dropped and said": 0, "without effect": 0}
    for _ in range(1500):
        bit = generator.randrange(8 * len(whole))
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(damaged)
        try:
            history = read(tmp_path)
        except JournalError as error:
            assert "journal.jsonl:" in str(error) or "Upgrade" in str(error)
            outcomes["named"] += 1
            continue
        if history.warnings:
            assert "the last line" in history.warnings[0]
            outcomes["dropped and said"] += 1
        else:
            assert history == expected
            outcomes["without effect"] += 1
    assert outcomes["named"] > 1300
    assert outcomes["dropped and said"] > 10


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


def test_a_journal_that_is_deleted_or_replaced_meanwhile_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a" / "journal.jsonl"
    with (
        pytest.raises(JournalError, match="found no journal: it was deleted or replaced meanwhile"),
        Journal(tmp_path / "a", SETTINGS) as journal,
    ):
        path.unlink()
        journal.record_epoch(1, 1, 0.5)
    with pytest.raises(JournalError, match="found another file: it was deleted"), Journal(tmp_path / "b", SETTINGS) as journal:
        path = tmp_path / "b" / "journal.jsonl"
        path.rename(tmp_path / "b" / "old")
        path.write_bytes(b"")
        journal.record_epoch(1, 1, 0.5)
    assert path.read_bytes() == b""
