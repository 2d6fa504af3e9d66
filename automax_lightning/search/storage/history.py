"""What has happened in a search, as one frozen value, and how the lines of a journal make it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from automax_lightning.errors import JournalError
from automax_lightning.search.storage.lines import is_inside
from automax_lightning.trial.records import Split, Status, TrialResult, TrialSpec
from automax_lightning.trial.records_json import result_from_json, spec_from_json
from automax_lightning.utils.serialization import decode, decode_values

Key = tuple[tuple[str, Any], ...]
T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Observation:
    """What is known of one proposal.

    Args:
        values: its configuration.
        cost: what it cost; None while it runs, and for a failure.
        failed: it is over, without a score.
    """

    values: Mapping[str, Any]
    cost: float | None = None
    failed: bool = False

    @cached_property
    def key(self) -> Key:
        """What makes two configurations the same, see `configuration_key`."""
        return configuration_key(self.values)

    def with_key(self, key: Key) -> Observation:
        """Itself, with the key that the caller has at hand: sorting the names of each configuration again takes long."""
        vars(self)["key"] = key  # where a `cached_property` keeps its value
        return self


@dataclasses.dataclass(frozen=True)
class History:
    """What a journal tells. Each event makes a new one; what is derived from one is derived once.

    Args:
        settings: the last settings.
        asks: every proposal, in order.
        results: trial number -> its last result.
        curves: trial number -> scores of the epochs that were recorded, for trials that are not over too.
        warnings: what was found and ignored, for instance a torn last line.
        reopened: numbers of the trials that had ended and go on with a larger budget.
        known: configurations with their costs from elsewhere, given to this search at its start.
        seconds: wall-clock time that this search has run in all, over its continuations.
        started: trial number -> when it was last started, in seconds since 1970.
        newest: when the last event was recorded, in seconds since 1970.
        command: the command line of the process that has run this search last.
        search: what tells this search from every other one; empty for one that only 0.1.0 has run.
        format: of the journal's lines.
        written: files that the search has written, as paths relative to its directory; those of trials go by their numbers.
        settled: whether everything that follows from the last result is on the disk.
    """

    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    asks: tuple[TrialSpec, ...] = ()
    results: Mapping[int, TrialResult] = dataclasses.field(default_factory=dict)
    curves: Mapping[int, Mapping[int, float]] = dataclasses.field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    reopened: frozenset[int] = frozenset()
    known: tuple[Observation, ...] = ()
    seconds: float = 0.0
    started: Mapping[int, float] = dataclasses.field(default_factory=dict)
    newest: float | None = None
    command: tuple[str, ...] = ()
    search: str = ""
    format: int = 1
    written: frozenset[str] = frozenset()
    settled: bool = False

    def final(self) -> Mapping[int, TrialResult]:
        """The results of the trials that are over, or paused at the end of a budget."""
        return self._final

    def pending(self) -> tuple[TrialSpec, ...]:
        """The proposals whose trials are not over, in order; those that were promoted to a larger budget too."""
        return self._pending

    def spec(self, number: int) -> TrialSpec:
        """The trial of that number, with its present budget.

        Raises:
            KeyError: if there is no such trial.
        """
        return self.specs[number]

    @cached_property
    def specs(self) -> Mapping[int, TrialSpec]:
        """Trial number -> what was asked, with its present budget, in the order of the proposals."""
        return {spec.number: spec for spec in self.asks}

    @cached_property
    def groups(self) -> Mapping[Key, tuple[int, ...]]:
        """Configuration -> numbers of its trials, both in the order of the proposals; grown from event to event."""
        groups: dict[Key, tuple[int, ...]] = {}
        for spec in self.asks:
            key = configuration_key(spec.configuration)
            groups[key] = (*groups.get(key, ()), spec.number)
        return groups

    @cached_property
    def _final(self) -> Mapping[int, TrialResult]:
        return {number: result for number, result in self.results.items() if result.status.is_final}

    @cached_property
    def _pending(self) -> tuple[TrialSpec, ...]:
        over = self._final.keys() - self.reopened
        return tuple(spec for spec in self.asks if spec.number not in over)

    @cached_property
    def _derived(self) -> dict[Hashable, Any]:
        return {}

    def derived(self, key: Hashable, derive: Callable[[], T]) -> T:
        """A value that is derived from this history alone, and so only once.

        Args:
            key: names the value, with everything but the history that it depends on.
            derive: called the first time that `key` is asked for.
        """
        if key not in self._derived:
            self._derived[key] = derive()
        value: T = self._derived[key]
        return value

    def on_fold(self, split: Split | None) -> History:
        """The history with the results of one fold alone, whose curves are of the same rows; itself without folds.

        Args:
            split: of the trial that is to be compared.
        """
        if split is None or split.fold is None:
            return self
        return self.derived(("fold", split), lambda: self._on_fold(split))

    def _on_fold(self, split: Split) -> History:
        return History(results={n: result for n, result in self.results.items() if self.specs[n].split == split})

    def noted(self, **changes: Any) -> History:
        """The history with other notes: the fields `started`, `written`, `settled`, on which nothing derived depends."""
        history = dataclasses.replace(self, **changes)
        fields = {field.name for field in dataclasses.fields(self)}
        vars(history).update({name: value for name, value in vars(self).items() if name not in fields})
        return history

    def _next(self, **changes: Any) -> History:
        """The history with these fields changed; a configuration's key is too costly to be made again at each event."""
        history = dataclasses.replace(self, **changes)
        if "asks" not in changes and "groups" in vars(self):
            vars(history)["groups"] = self.groups  # a `cached_property` keeps its value there
        return history

    # One event more ---------------------------------------------------------------------------------------------------

    def asked(self, spec: TrialSpec) -> History:
        """A proposal."""
        history, key = self._next(asks=(*self.asks, spec)), configuration_key(spec.configuration)
        vars(history)["groups"] = {**self.groups, key: (*self.groups.get(key, ()), spec.number)}
        return history

    def promoted(self, number: int, budget: int | None) -> History:
        """A trial is promoted to a larger budget."""
        asks = tuple(dataclasses.replace(s, budget=budget) if s.number == number else s for s in self.asks)
        history = self._next(asks=asks, reopened=self.reopened | {number})
        vars(history)["groups"] = self.groups
        return history

    def ended(self, result: TrialResult) -> History:
        """The end of a trial, or its interruption, which does not undo what it has reached before."""
        if not result.status.is_final and result.number in self.reopened:
            return self
        results = {**self.results, result.number: result}
        return self._next(results=results, reopened=self.reopened - {result.number})

    def retried(self, numbers: Iterable[int]) -> History:
        """Trials that had failed are to run again, from their start: what they have brought counts no more."""
        again = frozenset(numbers)
        results = {number: result for number, result in self.results.items() if number not in again}
        curves = {number: curve for number, curve in self.curves.items() if number not in again}
        return self._next(results=results, curves=curves, reopened=self.reopened - again)

    def failed(self) -> tuple[int, ...]:
        """Numbers of the trials that are over without a score, or were cut by their time limit, in order."""
        return tuple(sorted(n for n, result in self.final().items() if not result.is_scored or result.status is Status.TIMEOUT))


class Replay:
    """Makes a history of the events of a journal, one after the other; paths are kept relative to `root`.

    Put together once at the end: adding event by event to a frozen history would take quadratic time.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.settings: dict[str, Any] = {}
        self.asks: dict[int, TrialSpec] = {}
        self.results: dict[int, TrialResult] = {}
        self.reopened: set[int] = set()
        self.curves: dict[int, Mapping[int, float]] = {}
        self.started: dict[int, float] = {}
        self.known: tuple[Observation, ...] = ()
        self.command: tuple[str, ...] = ()
        self.written: set[str] = set()
        self.search, self.format, self.settled = "", 1, False
        self.clock = _Clock()
        self.unknown: dict[str, int] = {}
        self._take: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "open": self._open, "settings": self._settings, "known": self._known, "wrote": self._wrote, "ask": self._ask,
            "promote": self._promote, "start": self._start, "epoch": self._epoch, "result": self._result,
            "retry": self._retry, "settled": _nothing, "aside": _nothing,
        }  # fmt: skip

    def add(self, event: Mapping[str, Any], where: str = "journal.jsonl") -> None:
        """Take in one event.

        Args:
            event: a parsed line.
            where: the line, for messages.

        Raises:
            JournalError: if the event cannot be understood.
        """
        kind = event["event"]
        take = self._take.get(str(kind))
        if take is None:
            self.unknown[str(kind)] = self.unknown.get(str(kind), 0) + 1
            return
        try:
            self.clock.tick(event)
            take(event)
        except JournalError as error:
            raise JournalError(f"{where}: {error.where}", error.expected, error.found, error.fix) from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise JournalError(
                where, f"the event {kind!r} with all that belongs to it", f"{type(error).__name__}: {error}",
                "Restore the file from a backup.",
            ) from error  # fmt: skip
        self.settled = kind == "settled" or (self.settled and kind in KEEPS_SETTLED)

    def history(self, warnings: Sequence[str] = ()) -> History:
        """Everything so far.

        Args:
            warnings: what was noticed and ignored by whoever read the events.
        """
        unknown = [f"{n} events {kind!r} of a newer version are ignored" for kind, n in sorted(self.unknown.items())]
        return History(
            self.settings, tuple(self.asks.values()), self.results, self.curves, (*warnings, *unknown),
            frozenset(self.reopened), self.known, self.clock.seconds, self.started, self.clock.newest, self.command,
            self.search, self.format, frozenset(self.written), self.settled,
        )  # fmt: skip

    def _open(self, event: Mapping[str, Any]) -> None:
        argv = tuple(event.get("argv", ()))
        if argv[1:2] != ("retry",):  # which says nothing of how the search is run
            self.command = argv
        self.search = self.search or str(event.get("search", ""))

    def _settings(self, event: Mapping[str, Any]) -> None:
        settings = decode(event["settings"])
        self.format = settings.pop("format")
        self.settings = settings

    def _known(self, event: Mapping[str, Any]) -> None:
        self.known = tuple(Observation(decode_values(each["values"]), each["cost"]) for each in event["known"])

    def _wrote(self, event: Mapping[str, Any]) -> None:
        self.written |= {str(path) for path in event["paths"]}

    def _ask(self, event: Mapping[str, Any]) -> None:
        _check_inside(event["trial"]["directory"])
        spec = spec_from_json(event["trial"], self.root)
        self.asks[spec.number] = spec

    def _promote(self, event: Mapping[str, Any]) -> None:
        number = event["number"]
        self.asks[number] = dataclasses.replace(self.asks[number], budget=event["budget"])
        self.reopened.add(number)

    def _retry(self, event: Mapping[str, Any]) -> None:
        for number in event["numbers"]:
            self.results.pop(number, None)
            self.curves.pop(number, None)
            self.reopened.discard(number)

    def _start(self, event: Mapping[str, Any]) -> None:
        self.started[event["number"]] = event.get("time", 0.0)

    def _epoch(self, event: Mapping[str, Any]) -> None:
        number, epoch, score = event["number"], event["epoch"], decode(event["score"])
        curve = self.curves.setdefault(number, {})
        if not isinstance(curve, dict):  # of a trial that has ended and was promoted
            curve = self.curves[number] = dict(curve)
        curve[epoch] = score

    def _result(self, event: Mapping[str, Any]) -> None:
        data = event["result"]
        _check_inside(data["checkpoint"])
        if data["status"] not in Status.__members__:
            raise JournalError("status", f"one of {[*Status.__members__]}", repr(data["status"]), "Upgrade automax-lightning.")
        result = result_from_json(data, self.root)
        if result.status.is_final or result.number not in self.reopened:
            self.results[result.number] = result
            self.reopened.discard(result.number)
        if result.number in self.curves and self._holds_its_curve(result):
            self.curves[result.number] = CurveOf(result.curve)

    def _holds_its_curve(self, result: TrialResult) -> bool:
        """Whether the epochs that were recorded one by one are the result's; a long search would keep them twice."""
        curve = self.curves[result.number]
        return all(epoch <= len(result.curve) and _same(score, result.curve[epoch - 1]) for epoch, score in curve.items())


def _nothing(event: Mapping[str, Any]) -> None:
    """That it has happened is all there is to it."""


KEEPS_SETTLED = ("open", "settings", "wrote", "settled", "aside")
"""Events after which what is on the disk still follows from the last result."""


class CurveOf(Mapping[int, float]):
    """The curve of a result as epoch -> score, without a copy.

    Args:
        scores: of the epochs from 1 on.
    """

    def __init__(self, scores: tuple[float, ...]) -> None:
        self.scores = scores

    def __getitem__(self, epoch: int) -> float:
        if not 1 <= epoch <= len(self.scores):
            raise KeyError(epoch)
        return self.scores[epoch - 1]

    def __iter__(self) -> Iterator[int]:
        return iter(range(1, len(self.scores) + 1))

    def __len__(self) -> int:
        return len(self.scores)


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def _check_inside(path: str | None) -> None:
    """A journal names no file outside of its directory: whoever opens it would read or remove what is not the search's."""
    if path is not None and not is_inside(path):
        raise JournalError("path", "one inside of the search's directory", repr(path), "Do not open this journal.")


def replay(events: Iterable[Mapping[str, Any]], root: Path, warnings: Sequence[str] = ()) -> History:
    """The history that these events of a journal make.

    Args:
        events: parsed lines, in order.
        root: the search's directory, to which paths are relative.
        warnings: kept in the history.

    Raises:
        JournalError: if an event cannot be understood.
    """
    built = Replay(root)
    for number, event in enumerate(events, start=1):
        built.add(event, f"journal.jsonl:{number}")
    return built.history(warnings)


class _Clock:
    """Adds up the time between events, but not the time in which nobody searched."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.newest: float | None = None

    def tick(self, event: Mapping[str, Any]) -> None:
        now = event.get("time")
        if now is not None and self.newest is not None and event["event"] != "open":
            self.seconds += max(0.0, now - self.newest)
        self.newest = self.newest if now is None else now


def configuration_key(chosen: Any) -> Key:
    """What makes two configurations the same."""
    return tuple(sorted((name, (type(value).__name__, value)) for name, value in dict(chosen).items()))
