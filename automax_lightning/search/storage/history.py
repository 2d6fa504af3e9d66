"""What has happened in a search, as one frozen value, and how the lines of a journal make it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from automax_lightning.trial.records import TrialResult, TrialSpec
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


def replay(events: Iterable[Mapping[str, Any]], root: Path, warnings: Sequence[str] = ()) -> History:
    """The history that these events of a journal make.

    Args:
        events: parsed lines, in order.
        root: the search's directory, to which paths are relative.
        warnings: kept in the history.
    """
    # Put together once: adding event by event to a frozen history would take quadratic time.
    settings: dict[str, Any] = {}
    asks: dict[int, TrialSpec] = {}
    results: dict[int, TrialResult] = {}
    reopened: set[int] = set()
    curves: dict[int, dict[int, float]] = {}
    started: dict[int, float] = {}
    known: tuple[Observation, ...] = ()
    command: tuple[str, ...] = ()
    clock = _Clock()
    for event in events:
        clock.tick(event)
        kind = event["event"]
        if kind == "settings":
            settings = {name: value for name, value in decode(event["settings"]).items() if name != "format"}
        elif kind == "open":
            command = tuple(event.get("argv", ()))
        elif kind == "known":
            known = tuple(Observation(decode_values(each["values"]), each["cost"]) for each in event["known"])
        elif kind == "ask":
            spec = spec_from_json(event["trial"], root)
            asks[spec.number] = spec
        elif kind == "promote":
            asks[event["number"]] = dataclasses.replace(asks[event["number"]], budget=event["budget"])
            reopened.add(event["number"])
        elif kind == "start":
            started[event["number"]] = event.get("time", 0.0)
        elif kind == "epoch":
            curves.setdefault(event["number"], {})[event["epoch"]] = decode(event["score"])
        elif kind == "result":
            result = result_from_json(event["result"], root)
            if result.status.is_final or result.number not in reopened:
                results[result.number] = result
                reopened.discard(result.number)
    return History(
        settings, tuple(asks.values()), results, curves, tuple(warnings), frozenset(reopened), known, clock.seconds, started,
        clock.newest, command,
    )  # fmt: skip


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
