"""The lines of a journal: one JSON object each, with a checksum of its own, read one after the other."""

from __future__ import annotations

import dataclasses
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from automax_lightning.errors import JournalError

FORMAT = 2
"""1: lines without a checksum, as 0.1.0 wrote them; 2: every line ends with ``"crc"``."""

_BEGINNING = b'{"event": "open"'
_SUFFIX = re.compile(rb', "crc": "([0-9a-f]{8})"}$')


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of a journal.

    Args:
        number: from 1.
        end: offset of the first byte after it, in bytes.
        event: what it tells; None for a line that is blank or damaged.
        damage: what is wrong with it, empty for nothing.
    """

    number: int
    end: int
    event: Mapping[str, Any] | None
    damage: str = ""


def to_line(event: Mapping[str, Any]) -> bytes:
    r"""An event as a line with its checksum.

    Example:
        >>> to_line({"event": "start", "number": 1})
        b'{"event": "start", "number": 1, "crc": "8dbc329f"}\n'
    """
    body = json.dumps(event, allow_nan=False).encode()  # ASCII: a message may hold half of a surrogate pair
    return b'%b, "crc": "%08x"}\n' % (body[:-1], zlib.crc32(body))


def lines(path: Path) -> Iterator[Line]:
    """Every line of a journal, in order; one that was cut is the last one and has no event.

    Args:
        path: of the journal.

    Raises:
        JournalError: if a newer version wrote it.
    """
    has_checksums, end = False, 0
    with open(path, "rb") as file:
        for number, raw in enumerate(file, start=1):
            end += len(raw)
            event, damage = _parsed(raw, has_checksums=has_checksums)
            _check_format(event, path)
            has_checksums = has_checksums or (event is not None and not damage and "crc" in event)
            yield Line(number, end, None if damage else event, damage)


def _parsed(raw: bytes, *, has_checksums: bool) -> tuple[Mapping[str, Any] | None, str]:
    """The event of a line, and what is wrong with it; a damaged line may show an event none the less."""
    if not raw.endswith(b"\n"):
        return None, "it was cut while it was written"
    text = raw[:-1]
    if not text.strip():
        return None, ""
    try:
        event = json.loads(text)
        _ = event["event"]
    except (ValueError, TypeError, KeyError):  # ValueError: bytes that are no text, too
        return None, f"found {text[:60]!r}"
    checksum = _SUFFIX.search(text)
    if checksum is None:
        is_whole = not has_checksums and not _needs_checksum(event)
        return event, "" if is_whole else "its checksum is gone"
    is_whole = zlib.crc32(text[: checksum.start()] + b"}") == int(checksum[1], 16)
    return event, "" if is_whole else "its checksum differs from its content"


def _needs_checksum(event: Mapping[str, Any]) -> bool:
    """The first line of a journal of format 2 says so itself."""
    return bool(event["event"] == "open" and event.get("format", 1) != 1)


def _check_format(event: Mapping[str, Any] | None, path: Path) -> None:
    settings: Any = {} if event is None else event.get("settings", event)
    version = settings.get("format", 1) if isinstance(settings, Mapping) else 1
    if isinstance(version, int) and version > FORMAT:
        raise JournalError(
            str(path.parent), f"a journal of format {FORMAT}", f"format {version}", "Upgrade automax-lightning to read it."
        )


def is_ours(directory: Path) -> bool:
    """Whether a directory holds a journal that begins as this package's do, of 0.1.0 too."""
    path = directory / "journal.jsonl"
    if path.is_symlink() or not path.is_file():
        return False
    with open(path, "rb") as file:
        first = file.readline(100_000)
    event, _ = _parsed(first if first.endswith(b"\n") else first + b"\n", has_checksums=False)
    return event is not None and bool(event["event"] == "open") and "pid" in event and "host" in event


def is_begun(path: Path) -> bool:
    """Whether a file is missing, empty, or a journal whose first line was cut while it was written."""
    if not path.exists():
        return True
    with open(path, "rb") as file:
        first = file.readline(1000)
    return not first.endswith(b"\n") and first[: len(_BEGINNING)] == _BEGINNING[: len(first)]


def is_inside(name: str) -> bool:
    """Whether a relative path, as a journal has it, stays below the directory that it is relative to.

    Example:
        >>> is_inside("trials/0001"), is_inside("../other"), is_inside("/etc"), is_inside("C:/x")
        (True, False, False, False)
    """
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return bool(parts) and ".." not in parts and not name.startswith(("/", "\\")) and ":" not in parts[0]
