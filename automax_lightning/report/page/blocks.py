"""The parts of the page that are tables and text; each is a function of the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from automax_lightning.report.page import rerun as again
from automax_lightning.report.tables import arm_table, seed_table
from automax_lightning.report.verdict import verdict
from automax_lightning.search.record import SearchRecord
from automax_lightning.trial.checkpoint import TrialFiles
from automax_lightning.trial.records import Status, TrialResult
from automax_lightning.utils.formatting import show, show_score, show_seconds
from automax_lightning.utils.html import Raw, table, tag, text
from automax_lightning.utils.serialization import encode

_MOST_ROWS = 2000


def verdict_box(record: SearchRecord) -> Raw:
    """The verdict, with what a reader should not overlook under it."""
    found = verdict(record)
    lines = [tag("p", found.headline, cls="headline"), *(tag("p", sentence) for sentence in found.sentences)]
    return tag("div", *lines, *(tag("p", warning, cls="warning") for warning in found.warnings), cls="verdict")


def figures_of_merit(record: SearchRecord) -> Raw:
    """The numbers that one looks for first."""
    best, default, target = record.best, record.default, record.objective.target
    wanted, over = max(record.n_trials, len(record.results)), len(record.results)
    cut = len(record.scored) - len(record.whole)
    failed = len(record.results) - len(record.scored)
    notes = [f"{cut} partial" if cut else "", f"{failed} failed" if failed else "", _under_way(record)]
    cards = [
        (f"best validation {target}", show_score(None if best is None else best.score), _what(record, best)),
        (f"test {target}", show_score(_test(record, best)), "of that trial, scored once"),
        (f"default, validation {target}", show_score(_score(default)), f"test {show_score(_test(record, default))}"),
        ("trials", f"{over} of {wanted}", ", ".join(filter(None, notes)) or "all trained to their end"),
        ("time", show_seconds(record.history.seconds), f"{show_seconds(_trial_seconds(record))} in trials"),
    ]  # fmt: skip
    return tag("div", *(_card(*card) for card in cards), cls="cards")


def _card(name: str, value: str, note: str) -> Raw:
    return tag("div", tag("div", name, cls="name"), tag("div", value, cls="value"), tag("div", note, cls="note"), cls="card")


def _what(record: SearchRecord, best: TrialResult | None) -> str:
    return "" if best is None else f"trial {best.number}, epoch {best.best_epoch} of {best.epochs}"


def _under_way(record: SearchRecord) -> str:
    waiting = len(record.history.pending())
    return f"{waiting} not over" if waiting else ""


def _trial_seconds(record: SearchRecord) -> float:
    return sum(result.seconds for result in record.results.values())


def _test(record: SearchRecord, result: TrialResult | None) -> float | None:
    return None if result is None else result.test.get(record.objective.target)


def _score(result: TrialResult | None) -> float | None:
    return result.score if result is not None and result.status.has_score else None


def configurations(record: SearchRecord) -> Raw:
    """The best configuration beside the default one; what differs is marked."""
    best, default = record.best, record.default
    chosen = [{} if result is None else record.specs[result.number].configuration for result in (best, default)]
    rows: list[list[Any]] = []
    differ: list[str] = []
    for name in dict.fromkeys([*chosen[0], *chosen[1]]):
        values = [show(each[name]) if name in each else "not used" for each in chosen]
        rows.append([name, *(tag("span", value) for value in values)])  # numbers and words in one column stand to the left
        differ.append("differs" if values[0] != values[1] else "")
    names = [
        f"{role}{'' if result is None else f' (trial {result.number})'}"
        for role, result in (("best", best), ("default", default))
    ]
    return table(["hyperparameter", *names], rows, differ)


def comparisons(record: SearchRecord) -> Raw:
    """The text tables that compare seeds and arms, where the search has any."""
    found = [seed_table(record.history, record.objective)] if record.n_seeds > 1 else []
    found += [arm_table(record.history, record.objective, arm.name) for arm in record.arms]
    return Raw("".join(tag("div", tag("pre", each.rsplit("\n", 1)[0]), cls="scroll") for each in found))


def failures(record: SearchRecord) -> Raw:
    """Trials without a score, each with its reason."""
    failed = [result for result in record.results.values() if not result.status.has_score]
    if not failed:
        return tag("p", "No trial has failed.", cls="quiet")
    rows = [
        [each.number, _words(each.status), each.reason or each.status.value, _trace(each)]
        for each in failed
    ]  # fmt: skip
    return table(["trial", "status", "reason", "traceback"], rows)


def _trace(result: TrialResult) -> str:
    return TrialFiles.of(Path(), result.number).error.as_posix() if result.error else "-"


def trials(record: SearchRecord) -> Raw:
    """Every trial, the best and the default marked; of very many, the newest."""
    names = [parameter.name for parameter in record.parameters]
    labels = [tag("span", parameter.label, title=parameter.name) for parameter in record.parameters]
    head = [
        "trial",
        "status",
        f"val {record.objective.target}",
        f"test {record.objective.target}",
        "epochs",
        "time",
        "seed",
        "origin",
    ]
    specs = record.history.asks[-_MOST_ROWS:]
    rows, roles = [], []
    for spec in specs:
        result = record.results.get(spec.number)
        values = [show(spec.configuration[name]) if name in spec.configuration else "" for name in names]
        rows.append([spec.number, *_outcome(record, result, spec.number), spec.seed, spec.origin, *values])
        roles.append(record.role(spec.number))
    cut = len(record.history.asks) - len(specs)
    note = tag("p", f"The first {cut} trials are left out here; journal.jsonl has them.", cls="quiet") if cut else ""
    return Raw(text(note) + table([*head, *labels], rows, roles))


def _outcome(record: SearchRecord, result: TrialResult | None, number: int) -> list[Any]:
    if result is None:
        epoch = max(record.history.curves.get(number, {0: 0.0}))
        return [f"not over, epoch {epoch}", "-", "-", str(epoch), "-"]
    partial = result.status is not Status.SUCCESS and result.status.has_score
    score = f"{show_score(_score(result))}{' (partial)' if partial else ''}"
    return [_words(result.status), score, show_score(_test(record, result)), str(result.epochs), show_seconds(result.seconds)]


def _words(status: Status) -> str:
    known = {Status.SUCCESS: "finished", Status.STOPPED: "stopped early"}
    return known.get(status, status.name.lower().replace("_", " "))


def going_on(record: SearchRecord) -> Raw:
    """The command and the call that go on, the settings, and the versions."""
    line = again.command(record)
    parts = [tag("h3", "The same command goes on"), tag("pre", line)] if line else []
    parts += [tag("h3", "From Python"), tag("pre", again.call(record))]
    settings = {name: value for name, value in record.history.settings.items() if name != "space"}
    parts += [_folded("Settings", _yaml(settings)), _folded("Search space", _yaml(record.history.settings.get("space", {})))]
    recorded = str(record.history.settings.get("version", "-"))
    rows = [[name, tag("span", version)] for name, version in again.versions().items()]
    parts += [tag("h3", "Versions where this page was made"), table(["package", "version"], rows)]
    return Raw("".join([*parts, tag("p", f"The search was last run with automax-lightning {recorded}.", cls="quiet")]))


def _folded(title: str, content: str) -> Raw:
    return tag("details", tag("summary", title), tag("pre", content))


def _yaml(settings: Any) -> str:
    return yaml.safe_dump(encode(dict(settings)), sort_keys=False, allow_unicode=True, width=110)
