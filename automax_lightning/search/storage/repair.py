"""A damaged journal, made readable again: all whole lines are kept, and what is lost is said."""

from __future__ import annotations

import dataclasses
import os
import shutil
import socket
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automax_lightning.errors import JournalError
from automax_lightning.search.storage.history import Replay
from automax_lightning.search.storage.lines import FORMAT, lines, to_line
from automax_lightning.search.storage.lock import SearchLock


@dataclasses.dataclass(frozen=True)
class Repair:
    """What a repair has done.

    Args:
        kept: whole lines.
        lost: one sentence per line that was left out.
        backup: where the damaged journal lies; None where nothing was wrong.
    """

    kept: int
    lost: tuple[str, ...]
    backup: Path | None

    def describe(self) -> str:
        """The repair as a few lines of text."""
        if self.backup is None:
            return f"The journal is whole: {self.kept} lines. Nothing was changed."
        return "\n".join([*self.lost, f"{self.kept} lines are kept; the damaged journal is {self.backup}."])


def repair(directory: Path) -> Repair:
    """Leave the lines out of a search's journal that cannot be read; the damaged journal is kept beside it.

    A line that is whole but rests on one that is lost, such as the result of a trial whose proposal is gone, is left out
    as well: the search proposes that trial again.

    Args:
        directory: of the search.

    Returns:
        What was kept and what is lost.

    Raises:
        JournalError: if there is no journal of a search, or a newer version wrote it.
        SearchLockedError: if somebody runs the search.
    """
    path = directory / "journal.jsonl"
    if not path.exists():
        raise JournalError(
            str(directory), "the directory of a search, which holds its journal.jsonl", "none",
            "Pass <output_directory>/<name>, e.g. automax_output/mine.",
        )  # fmt: skip
    with SearchLock(directory):
        whole, lost = _sorted_out(path)
        if not lost:
            return Repair(len(whole), (), None)
        backup = path.with_name(f"journal.damaged-{time.strftime('%Y%m%d-%H%M%S')}.jsonl")
        shutil.copyfile(path, backup)
        fresh = path.with_name("journal.jsonl.new")
        with open(fresh, "wb") as file:
            file.writelines(whole)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    return Repair(len(whole), tuple(lost), backup)


def _sorted_out(path: Path) -> tuple[list[bytes], list[str]]:
    """The lines that make a history, as they stand, and what is wrong with the others."""
    replay, whole, lost, start = Replay(path.parent), list[bytes](), list[str](), 0
    first: Mapping[str, Any] = {}
    with open(path, "rb") as file:
        for line in lines(path):
            raw = file.read(line.end - start)
            start = line.end
            reason = line.damage or ("it is blank" if line.event is None else "")
            if not reason and line.event is not None:
                reason = _what_is_missing(replay, line.event)
            if reason:
                lost.append(f"line {line.number} is lost: {reason}")
            elif line.event is not None and line.event["event"] != "settled":  # with something lost, it may not be true
                whole.append(raw)
                first = first or line.event
    if first.get("event") != "open":
        whole.insert(0, _header(replay))
    return whole, lost


def _header(replay: Replay) -> bytes:
    """The first line of a journal whose own is lost; by it the directory is known as a search's."""
    search = replay.search or uuid.uuid4().hex
    host = socket.gethostname()
    return to_line({"event": "open", "format": FORMAT, "search": search, "pid": os.getpid(), "host": host, "argv": []})


def _what_is_missing(replay: Replay, event: Mapping[str, Any]) -> str:
    """Why an event cannot be taken in after those before it; empty if it can."""
    try:
        number = _trial_of(event)
        if number is not None and number not in replay.asks:
            return f"it tells of trial {number}, whose proposal is lost"
        replay.add(event)
    except JournalError as error:
        return f"expected {error.expected}, found {error.found}"
    return ""


def _trial_of(event: Mapping[str, Any]) -> int | None:
    """The trial that an event rests on."""
    if event["event"] not in ("promote", "start", "epoch", "result"):
        return None
    number = event.get("result", event).get("number")
    return number if isinstance(number, int) else None
