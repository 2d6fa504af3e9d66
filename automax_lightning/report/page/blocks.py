"""The parts of the page that are tables and text, as records that its templates draw; each is a function of the record."""

from __future__ import annotations

import dataclasses
from typing import Any

import yaml

from automax_lightning.report.ensemble import EnsembleScores, ensemble_scores
from automax_lightning.report.page.rerun import call, command, versions
from automax_lightning.report.page.templates import Column, Table
from automax_lightning.report.tables import arm_table, seed_table
from automax_lightning.search.record import SearchRecord
from automax_lightning.trial.records import Status, TrialResult
from automax_lightning.utils.formatting import format_duration, show, show_score
from automax_lightning.utils.serialization import encode
from automax_lightning.utils.splits import score_on_test

_MOST_ROWS = 2000


@dataclasses.dataclass(frozen=True)
class Card:
    """A number that one looks for first.

    Args:
        name: what it is.
        value: the number as text.
        note: what stands under it, in small letters.
    """

    name: str
    value: str
    note: str


@dataclasses.dataclass(frozen=True)
class Rerun:
    """How to resume or repeat a search.

    Args:
        command: the command line that resumes it; None where it was no command.
        call: the Python call that resumes it.
        settings: what the journal compares, as YAML.
        space: the search space, as YAML.
        versions: package -> version, where the page is written.
        recorded_version: of this package, when the search was last run.
    """

    command: str | None
    call: str
    settings: str
    space: str
    versions: Table
    recorded_version: str


def figures_of_merit(record: SearchRecord) -> list[Card]:
    """The numbers that one looks for first: the best score, its test score, the default's, the ensemble's, trials and time."""
    best, default, target = record.best, record.default, record.objective.target
    over = len(record.results)
    n_partial, n_failed, n_pending = (
        len(record.scored) - len(record.whole),
        over - len(record.scored),
        len(record.history.pending()),
    )
    counts = ((n_partial, "partial"), (n_failed, "failed"), (n_pending, "not over"))
    notes = [f"{count} {what}" for count, what in counts if count]
    trained = sum(result.seconds for result in record.results.values())
    epoch = "" if best is None else f"trial {best.number}, epoch {best.best_epoch} of {best.epochs}"
    ensemble = ensemble_scores(record)
    if best is not None and record.repetitions > 1:
        epoch = f"mean over {record.repetition}s; {epoch}"
    return [
        Card(f"best validation {target}", show_score(None if best is None else record.best_score), epoch),
        Card(f"test {target}", show_score(_test(record, best)), "of that trial, scored once"),
        Card(f"default, validation {target}", show_score(_score(default)), f"test {show_score(_test(record, default))}"),
        *([] if ensemble is None else [_of_the_ensemble(ensemble)]),
        Card("trials", record.plan.progress(record.history), ", ".join(notes) or "all trained to their end"),
        Card("time", format_duration(record.history.seconds), f"{format_duration(trained)} in trials"),
    ]


def _of_the_ensemble(scores: EnsembleScores) -> Card:
    note = f"validation {show_score(scores.val)}, optimistic; {len(scores.members)} trials"
    return Card(f"ensemble, test {scores.metric}", show_score(scores.test), note)


def _test(record: SearchRecord, result: TrialResult | None) -> float | None:
    return None if result is None else score_on_test(result.test, record.objective.target)


def _score(result: TrialResult | None) -> float | None:
    return result.score if result is not None and result.is_scored else None


def configurations(record: SearchRecord) -> Table:
    """The best configuration beside the default one; what differs is marked."""
    roles = {"best": record.best, "default": record.default}
    chosen = [{} if result is None else record.configuration_of(result.number) for result in roles.values()]
    rows = [
        [name, *(show(each[name]) if name in each else "not used" for each in chosen)]
        for name in dict.fromkeys([*chosen[0], *chosen[1]])
    ]
    labels = [role if result is None else f"{role} (trial {result.number})" for role, result in roles.items()]
    marks = ["differs" if best != default else "" for _, best, default in rows]
    return Table(["hyperparameter", *(Column(label, is_text=True) for label in labels)], rows, marks)


def comparisons(record: SearchRecord) -> list[str]:
    """The text tables that compare seeds and arms, where the search has any."""
    tables = [seed_table(record.history, record.objective)] if record.repetitions > 1 else []
    tables += [arm_table(record.history, record.objective, arm.name) for arm in record.arms]
    return [table.rsplit("\n", 1)[0] for table in tables]  # the page draws its own line at the end


def failures(record: SearchRecord) -> Table:
    """Trials without a score, each with its reason and the file of its traceback."""
    rows = [
        [each.number, _words(each.status), each.reason or each.status.value,
         f"trials/{each.number:04d}/error.txt" if each.error else "-"]
        for each in record.failed
    ]  # fmt: skip
    return Table(["trial", "status", "reason", "traceback"], rows)


def trials(record: SearchRecord) -> Table:
    """Every trial, the best and the default marked; of more than 2,000, the newest."""
    target, names = record.objective.target, [parameter.name for parameter in record.parameters]
    columns = ["trial", "status", f"val {target}", f"test {target}", "epochs", "time", "seed", "origin"]
    labels = [Column(parameter.label, parameter.name) for parameter in record.parameters]
    specs = record.history.asks[-_MOST_ROWS:]
    rows = []
    for spec in specs:
        values = [show(spec.configuration[name]) if name in spec.configuration else "" for name in names]
        rows.append([spec.number, *_outcome(record, spec.number), spec.seed, spec.origin, *values])
    n_cut = len(record.history.asks) - len(specs)
    note = f"The first {n_cut} trials are left out here; journal.jsonl has them." if n_cut else ""
    return Table([*columns, *labels], rows, [record.role(spec.number) for spec in specs], note)


def _outcome(record: SearchRecord, number: int) -> list[str]:
    """Status, validation and test score, epochs and time of a trial."""
    result = record.results.get(number)
    if result is None:
        epoch = max(record.history.curves.get(number, {}), default=0)
        return [f"not over, epoch {epoch}", "-", "-", str(epoch), "-"]
    is_partial = result.status is not Status.SUCCESS and result.is_scored
    score = f"{show_score(_score(result))}{' (partial)' if is_partial else ''}"
    test, seconds = show_score(_test(record, result)), format_duration(result.seconds)
    return [_words(result.status), score, test, str(result.epochs), seconds]


def _words(status: Status) -> str:
    words = {Status.SUCCESS: "finished", Status.STOPPED: "stopped early"}
    return words.get(status, status.name.lower().replace("_", " "))


def rerun(record: SearchRecord) -> Rerun:
    """The command and the call that resume the search, its settings, and the versions."""
    settings = dict(record.history.settings)
    space = settings.pop("space", {})
    table = Table(["package", Column("version", is_text=True)], [[name, version] for name, version in versions().items()])
    recorded = str(settings.get("version", "-"))
    return Rerun(command(record), call(record), _yaml(settings), _yaml(space), table, recorded)


def _yaml(settings: Any) -> str:
    return yaml.safe_dump(encode(dict(settings)), sort_keys=False, allow_unicode=True, width=110)
