"""The append-only record of a search: every proposal, every epoch and every result. It is the only truth."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from automax_lightning.encoding import decode, encode
from automax_lightning.errors import JournalError
from automax_lightning.search.lock import SearchLock
from automax_lightning.search.records import result_from_json, result_to_json, spec_from_json, spec_to_json
from automax_lightning.trial import TrialResult, TrialSpec

FORMAT = 1
_FREE = ("version", "n_trials", "format")
"""Settings that may differ from one run of a search to the next."""


@dataclasses.dataclass(frozen=True)
class History:
    """What a journal tells.

    Args:
        settings: the last settings.
        asks: every proposal, in order.
        results: trial number -> its last result.
        curves: trial number -> scores of the epochs that were recorded, for trials that are not over too.
        warnings: what was found and ignored, for instance a torn last line.
    """

    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    asks: tuple[TrialSpec, ...] = ()
    results: Mapping[int, TrialResult] = dataclasses.field(default_factory=dict)
    curves: Mapping[int, Mapping[int, float]] = dataclasses.field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def final(self) -> dict[int, TrialResult]:
        """The results of the trials that are over."""
        return {number: result for number, result in self.results.items() if result.status.is_final}

    def pending(self) -> tuple[TrialSpec, ...]:
        """The proposals whose trials are not over, in order."""
        over = self.final()
        return tuple(spec for spec in self.asks if spec.number not in over)


class Journal:
    """A search's journal, open for appending, and locked.

    Each event is one line of JSON, written, flushed and synced to the disk before the search goes on. A last line that
    was cut by a crash is dropped; any other damage is an error.

    Args:
        directory: the search's directory; made if it is missing.
        settings: what makes this search this search; compared with what is recorded.

    Attributes:
        history: everything recorded so far, kept up to date.

    Raises:
        SearchLockedError: on entering, if somebody else runs this search.
        JournalError: on entering, if the directory belongs to another search, or the journal is damaged.
    """

    def __init__(self, directory: Path, settings: Mapping[str, Any]) -> None:
        self.directory = directory
        self.path = directory / "journal.jsonl"
        self.settings = dict(settings)
        self.history = History()
        self._lock = SearchLock(directory)
        self._file: Any = None

    def __enter__(self) -> Journal:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._lock.__enter__()
        try:
            self.history = read(self.directory)
            if self.history.settings:
                check_same(self.history.settings, self.settings, self.directory)
            _drop_torn_line(self.path)
            self._file = open(self.path, "ab")
            _sync_directory(self.directory)
            if {**self.history.settings} != self.settings:
                self._append({"event": "settings", "settings": encode({**self.settings, "format": FORMAT})})
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        self._lock.__exit__(kind, error, trace)

    def record_ask(self, spec: TrialSpec) -> None:
        """A proposal, before it is run."""
        self._append({"event": "ask", "trial": spec_to_json(spec, self.directory)})
        self.history = dataclasses.replace(self.history, asks=(*self.history.asks, spec))

    def record_epoch(self, number: int, epoch: int, score: float) -> None:
        """The score of a trial after one more epoch."""
        self._append({"event": "epoch", "number": number, "epoch": epoch, "score": encode(score)})

    def record_result(self, result: TrialResult) -> None:
        """The end of a trial, or its interruption."""
        self._append({"event": "result", "result": result_to_json(result, self.directory)})
        results = {**self.history.results, result.number: result}
        self.history = dataclasses.replace(self.history, results=results)

    def _append(self, event: Mapping[str, Any]) -> None:
        line = json.dumps(event, allow_nan=False, ensure_ascii=False) + "\n"
        self._file.write(line.encode())
        self._file.flush()
        os.fsync(self._file.fileno())


def read(directory: Path) -> History:
    """What the journal in `directory` tells; an empty history where there is none. Needs no lock.

    Raises:
        JournalError: if a line other than the last is damaged, or a newer version wrote it.
    """
    path = directory / "journal.jsonl"
    if not path.exists():
        return History()
    lines = path.read_bytes().split(b"\n")
    warnings = [f"{path}: the last line was cut while it was written and is ignored"] if lines[-1] else []
    events = [_event(line, number, path) for number, line in enumerate(lines[:-1], start=1)]
    return _replay(events, directory, warnings)


def _event(line: bytes, number: int, path: Path) -> dict[str, Any]:
    try:
        event = json.loads(line)
        _ = event["event"]
    except (ValueError, TypeError, KeyError) as error:
        raise JournalError(
            f"{path}:{number}", "a line of JSON with an event", repr(line[:60]), "Restore the file from a backup."
        ) from error
    known: dict[str, Any] = event
    return known


def _replay(events: Iterable[Mapping[str, Any]], root: Path, warnings: list[str]) -> History:
    settings: dict[str, Any] = {}
    asks: list[TrialSpec] = []
    results: dict[int, TrialResult] = {}
    curves: dict[int, dict[int, float]] = {}
    for event in events:
        kind = event["event"]
        if kind == "settings":
            settings = decode(event["settings"])
            _check_format(settings.pop("format"), root)
        elif kind == "ask":
            asks.append(spec_from_json(event["trial"], root))
        elif kind == "epoch":
            curves.setdefault(event["number"], {})[event["epoch"]] = decode(event["score"])
        elif kind == "result":
            result = result_from_json(event["result"], root)
            results[result.number] = result
    return History(settings, tuple(asks), results, curves, tuple(warnings))


def _check_format(found: int, root: Path) -> None:
    if found > FORMAT:
        raise JournalError(str(root), f"a journal of format {FORMAT}", f"format {found}", "Upgrade automax-lightning to read it.")


def check_same(old: Mapping[str, Any], new: Mapping[str, Any], directory: Path) -> None:
    """Raise a `JournalError` that shows the difference if `directory` holds another search.

    Args:
        old: the recorded settings.
        new: the settings of this run; ``n_trials`` and ``version`` may differ.
        directory: for the message.
    """
    changes = [line for key in sorted({*old, *new} - {*_FREE}) for line in _changes(key, old.get(key), new.get(key))]
    if changes:
        raise JournalError(
            str(directory), "the search that this directory holds", "another one:\n  " + "\n  ".join(changes) + "\n",
            "Choose another name, or pass overwrite=True to delete the old search.",
        )  # fmt: skip


def _changes(key: str, old: Any, new: Any) -> list[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        names = sorted({*old, *new})
        return [line for name in names for line in _changes(f"{key}.{name}", old.get(name), new.get(name))]
    return [] if old == new else [f"{key}: {old!r} -> {new!r}"]


def _drop_torn_line(path: Path) -> None:
    if not path.exists():
        return
    with open(path, "r+b") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole != len(content):
            file.truncate(whole)
            os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    """Make a new file's name durable; directories cannot be opened for this on Windows."""
    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
