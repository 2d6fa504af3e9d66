"""The append-only record of a search: every proposal, every epoch and every result. It is the only truth."""

from __future__ import annotations

import dataclasses
import os
import re
import socket
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from automax_lightning.errors import JournalError
from automax_lightning.search.storage.history import KEEPS_SETTLED, History, Observation, Replay
from automax_lightning.search.storage.lines import FORMAT, is_begun, is_ours, lines, to_line
from automax_lightning.search.storage.lock import SearchLock
from automax_lightning.search.storage.ownership import files_below, refuse_foreign_files, trial_files
from automax_lightning.trial.checkpoint import TrialFiles
from automax_lightning.trial.records import TrialResult, TrialSpec
from automax_lightning.trial.records_json import result_to_json, spec_to_json
from automax_lightning.utils.serialization import decode, encode, encode_values

_FREE = ("version", "n_trials", "n_fits", "format")
_SET_ASIDE = re.compile(r"\.(foreign|damaged)\d*$")
"""What a trial has found in its place and moved away: it need not be ours."""
"""Settings that may differ from one run of a search to the next."""


class Journal:
    """A search's journal, open for appending, and locked.

    Each event is one line of JSON with a checksum, written and synced to the disk before the search goes on. A last line
    that was cut or damaged by a crash is dropped; any other damage is an error.

    Args:
        directory: the search's directory; made if it is missing.
        settings: what makes this search this search; compared with what is recorded.
        reserved: paths relative to the directory that the search will write, besides the usual ones; a new search does
            not begin where one of them is somebody else's file.

    Attributes:
        history: everything recorded so far, kept up to date.

    Raises:
        SearchLockedError: on entering, if somebody else runs this search.
        JournalError: on entering, if the directory belongs to another search, holds a file that the search would write
            over, or the journal is damaged; later, if the directory or the journal was deleted or replaced meanwhile.
    """

    def __init__(self, directory: Path, settings: Mapping[str, Any], reserved: Sequence[str] = ()) -> None:
        self.directory = directory
        self.path = directory / "journal.jsonl"
        self.settings = dict(settings)
        self.reserved = tuple(reserved)
        self.history = History()
        self._lock = SearchLock(directory)
        self._descriptor: int | None = None
        self._before: dict[Path, frozenset[Path]] = {}

    def __enter__(self) -> Journal:
        if not self.path.exists():
            refuse_foreign_files(self.directory, self.reserved)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._lock.__enter__()
        try:
            self._open()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _open(self) -> None:
        self.history, whole = _read(self.directory)  # says which line is damaged
        if not (is_ours(self.directory) or is_begun(self.path)):
            raise JournalError(
                str(self.path), "a journal that this package has begun", "another file", "Choose another name for the search."
            )
        if self.history.settings:
            check_same(self.history.settings, self.settings, self.directory)
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        if os.fstat(self._descriptor).st_size != whole:
            os.ftruncate(self._descriptor, whole)
            os.fsync(self._descriptor)
        _sync_directory(self.directory)
        search = self.history.search or uuid.uuid4().hex
        self._append({
            "event": "open", "format": FORMAT, "search": search, "pid": os.getpid(), "host": socket.gethostname(),
            "argv": sys.argv,
        })  # fmt: skip
        is_old = self.history.format != FORMAT  # 0.1.0 must see that it cannot go on with this journal
        self.history = dataclasses.replace(self.history, search=search, format=FORMAT)
        if is_old or {**self.history.settings} != self.settings:
            self._append({"event": "settings", "settings": encode({**self.settings, "format": FORMAT})})
            self.history = dataclasses.replace(self.history, settings=self.settings)
        for name in ("workers", "factory.pkl"):
            self._look_at(self.directory / name)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._descriptor is not None:
            try:
                self._claim_what_is_new()
            except (OSError, JournalError):
                if kind is None:
                    raise
            finally:
                os.close(self._descriptor)
                self._descriptor = None
                self._lock.__exit__(kind, error, trace)
            return
        self._lock.__exit__(kind, error, trace)

    # What is the search's own -----------------------------------------------------------------------------------------

    def claim(self, *names: str) -> None:
        """Record that files are the search's, before they are first written.

        Args:
            names: paths relative to the directory.
        """
        new = sorted({*names} - self.history.written)
        if new:
            self._append({"event": "wrote", "paths": new})
            self.history = self.history.noted(written=self.history.written | frozenset(new))

    def _look_at(self, folder: Path) -> None:
        """Remember which files are there before the search lets others write there."""
        self._before.setdefault(folder, frozenset(files_below(folder)))

    def _claim_what_is_new(self) -> None:
        """The files that loggers, callbacks and workers have written into the folders of this run's trials."""
        new = {path for folder, before in self._before.items() for path in frozenset(files_below(folder)) - before}
        self._before = {}
        names = {path.relative_to(self.directory).as_posix() for path in new if not _SET_ASIDE.search(path.name)}
        own = {path for number in self.history.specs for path in trial_files(number)} if names else set()
        self.claim(*(names - own))

    # Events -----------------------------------------------------------------------------------------------------------

    def record_known(self, known: Sequence[Observation]) -> None:
        """What is known from elsewhere; it is kept here, so that the search no longer needs its source."""
        observations = [{"values": encode_values(each.values), "cost": each.cost} for each in known]
        self._append({"event": "known", "known": observations})
        self.history = dataclasses.replace(self.history, known=tuple(known))

    def record_ask(self, spec: TrialSpec) -> None:
        """A proposal, before it is run."""
        self._append({"event": "ask", "trial": spec_to_json(spec, self.directory)})
        self.history = self.history.asked(spec)

    def record_promotion(self, number: int, budget: int | None) -> None:
        """A trial is promoted to a larger budget; None for the whole fit."""
        self._append({"event": "promote", "number": number, "budget": budget})
        self.history = self.history.promoted(number, budget)

    def record_retry(self, numbers: Sequence[int]) -> None:
        """Trials that had failed are to run again."""
        self._append({"event": "retry", "numbers": list(numbers)})
        self.history = self.history.retried(numbers)

    def record_start(self, number: int) -> None:
        """A trial begins, or is resumed."""
        self._look_at(TrialFiles.of(self.directory, number).directory)
        self._append({"event": "start", "number": number})
        self.history = self.history.noted(started={**self.history.started, number: time.time()})

    def record_epoch(self, number: int, epoch: int, score: float) -> None:
        """The score of a trial after one more epoch."""
        self._append({"event": "epoch", "number": number, "epoch": epoch, "score": encode(score)})

    def record_result(self, result: TrialResult) -> None:
        """The end of a trial, its pause or its interruption."""
        self._append({"event": "result", "result": result_to_json(result, self.directory)})
        self.history = self.history.ended(result)

    def record_settled(self) -> None:
        """Everything that follows from the events above is on the disk."""
        self._append({"event": "settled"})
        self.history = self.history.noted(settled=True)

    def _append(self, event: Mapping[str, Any]) -> None:
        """Write one line and sync it; a line that could not be written whole is taken back."""
        assert self._descriptor is not None
        self.check_place()
        content, start = to_line({**event, "time": round(time.time(), 3)}), os.fstat(self._descriptor).st_size
        try:
            written = os.write(self._descriptor, content)
            if written != len(content):
                raise OSError(f"{self.path}: only {written} of {len(content)} bytes could be written")
        except OSError:
            os.ftruncate(self._descriptor, start)
            raise
        os.fsync(self._descriptor)
        if self.history.settled and event["event"] not in KEEPS_SETTLED:
            self.history = self.history.noted(settled=False)

    def check_place(self) -> None:
        """Raise a `JournalError` if the journal's path does not lead to the open file any more."""
        assert self._descriptor is not None
        ours = os.fstat(self._descriptor)
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            raise self._gone("neither the directory nor its journal" if not self.directory.exists() else "no journal") from None
        if (ours.st_dev, ours.st_ino) != (there.st_dev, there.st_ino):
            raise self._gone("another file")

    def _gone(self, found: str) -> JournalError:
        return JournalError(
            str(self.path), "the journal that this search writes", f"{found}: it was deleted or replaced meanwhile",
            "Put it back, or start the search anew; nothing more is written here.",
        )  # fmt: skip


def read(directory: Path) -> History:
    """What the journal in `directory` tells; an empty history where there is none. Needs no lock.

    Raises:
        JournalError: if a line other than the last is damaged, or a newer version wrote it.
    """
    return _read(directory)[0]


def _read(directory: Path) -> tuple[History, int]:
    """The history, and the length of the journal without a damaged last line, in bytes."""
    path = directory / "journal.jsonl"
    if not path.exists():
        return History(), 0
    replay, warnings, end = Replay(directory), list[str](), 0
    damaged = None
    for line in lines(path):
        if damaged is not None:
            raise _damage(path, *damaged)
        if line.damage:
            damaged = line.number, line.damage
            continue
        if line.event is None:
            warnings.append(f"{path}:{line.number}: a blank line is ignored")
        else:
            replay.add(line.event, f"{path}:{line.number}")
        end = line.end
    if damaged is not None:
        is_cut = "cut" in damaged[1]
        what = "was cut while it was written" if is_cut else f"is damaged ({damaged[1]})"
        warnings.append(f"{path}: the last line {what} and is ignored")
    return replay.history(warnings), end


def _damage(path: Path, number: int, damage: str) -> JournalError:
    return JournalError(
        f"{path}:{number}", "a line of JSON with an event, and what its checksum says", damage.removeprefix("found "),
        f"Restore the file from a backup, or run: automax-lightning repair {path.parent}",
    )  # fmt: skip


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
    keys = sorted({*old, *new} - {*_FREE})
    # As JSON: NaN is NaN there, and what was encoded before it was written is not encoded twice.
    changes = [line for key in keys for line in _changes(key, encode(old.get(key)), encode(new.get(key)))]
    if changes:
        raise JournalError(
            str(directory), "the search that this directory holds", "another one:\n  " + "\n  ".join(changes) + "\n",
            "Choose another name, or pass overwrite=True to delete the old search.",
        )  # fmt: skip


def _changes(key: str, old: Any, new: Any) -> list[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        names = sorted({*old, *new})
        return [line for name in names for line in _changes(f"{key}.{name}", old.get(name), new.get(name))]
    return [] if old == new else [f"{key}: {decode(old)!r} -> {decode(new)!r}"]


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
