"""The append-only record of a search: every proposal, every epoch and every result. It is the only truth."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from automax_lightning.errors import JournalError
from automax_lightning.search.storage.history import History, Observation, replay
from automax_lightning.search.storage.lock import SearchLock
from automax_lightning.trial.records import TrialResult, TrialSpec
from automax_lightning.trial.records_json import result_to_json, spec_to_json
from automax_lightning.utils.serialization import decode, encode, encode_values

FORMAT = 1
_FREE = ("version", "n_trials", "format")
"""Settings that may differ from one run of a search to the next."""


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
            self._append({"event": "open", "pid": os.getpid(), "host": socket.gethostname(), "argv": sys.argv})
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

    def record_known(self, known: Sequence[Observation]) -> None:
        """What is known from elsewhere; it is kept here, so that the search goes on without its source."""
        lines = [{"values": encode_values(each.values), "cost": each.cost} for each in known]
        self._append({"event": "known", "known": lines})
        self.history = dataclasses.replace(self.history, known=tuple(known))

    def record_ask(self, spec: TrialSpec) -> None:
        """A proposal, before it is run."""
        self._append({"event": "ask", "trial": spec_to_json(spec, self.directory)})
        self.history = self.history.asked(spec)

    def record_promotion(self, number: int, budget: int | None) -> None:
        """A trial goes on up to a larger budget; None for the whole fit."""
        self._append({"event": "promote", "number": number, "budget": budget})
        self.history = self.history.promoted(number, budget)

    def record_retry(self, numbers: Sequence[int]) -> None:
        """Trials that had failed are to run again."""
        self._append({"event": "retry", "numbers": list(numbers)})
        self.history = self.history.retried(numbers)

    def record_start(self, number: int) -> None:
        """A trial begins, or goes on."""
        self._append({"event": "start", "number": number})

    def record_epoch(self, number: int, epoch: int, score: float) -> None:
        """The score of a trial after one more epoch."""
        self._append({"event": "epoch", "number": number, "epoch": epoch, "score": encode(score)})

    def record_result(self, result: TrialResult) -> None:
        """The end of a trial, its pause or its interruption."""
        self._append({"event": "result", "result": result_to_json(result, self.directory)})
        self.history = self.history.ended(result)

    def _append(self, event: Mapping[str, Any]) -> None:
        line = json.dumps({**event, "time": round(time.time(), 3)}, allow_nan=False, ensure_ascii=False) + "\n"
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
    for event in events:
        if event["event"] == "settings":
            _check_format(decode(event["settings"])["format"], directory)
    return replay(events, directory, warnings)


def read_search(directory: Path) -> History:
    """As `read`, where there must be a search.

    Raises:
        JournalError: if there is no journal, or it holds no settings yet.
    """
    history = read(directory)
    if not history.settings:
        raise JournalError(
            str(directory), "the directory of a search, which holds its journal.jsonl", "none",
            "Pass <output_directory>/<name>, e.g. automax_output/mine.",
        )  # fmt: skip
    return history


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


def _check_format(found: int, root: Path) -> None:
    if found > FORMAT:
        raise JournalError(str(root), f"a journal of format {FORMAT}", f"format {found}", "Upgrade automax-lightning to read it.")


def check_same(old: Mapping[str, Any], new: Mapping[str, Any], directory: Path) -> None:
    """Raise a `JournalError` that shows the difference if `directory` holds another search.

    Args:
        old: the recorded settings.
        new: the settings of this run; ``n_trials`` and ``version`` may differ, and what an older version has not recorded
            of the fit is not compared.
        directory: for the message.
    """
    if isinstance(new.get("fit"), Mapping):
        recorded = old.get("fit", {})
        new = {**new, "fit": {name: value for name, value in new["fit"].items() if name in recorded}}
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
