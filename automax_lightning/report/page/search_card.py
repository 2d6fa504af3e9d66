"""How a search looks in a notebook: its settings, its verdict, its trials."""

from __future__ import annotations

from automax_lightning.report.page import blocks as sections
from automax_lightning.report.verdict import verdict
from automax_lightning.search.record import SearchRecord
from automax_lightning.utils.formatting import show_seconds
from automax_lightning.utils.html import tag


def search_card(record: SearchRecord, n_trials: int) -> str:
    """The search as HTML without styles of its own, so that light and dark notebooks show it in theirs.

    Args:
        record: of the search.
        n_trials: trials in all.
    """
    objective = record.objective
    way = "maximise" if objective.mode == "max" else "minimise"
    facts = [f"{way} {objective.target}", f"{len(record.results)} of {max(n_trials, len(record.results))} trials"]
    facts += [f"seed {record.history.settings.get('seed', 0)}", f"{len(record.parameters)} hyperparameters"]
    facts += [show_seconds(record.history.seconds)] if record.history.seconds else []
    found = verdict(record)
    parts = [tag("strong", f"AutoMAX {record.name}"), tag("p", ", ".join(facts)), tag("p", found.headline)]
    parts += [tag("p", sentence) for sentence in found.sentences]
    parts += [tag("p", tag("em", warning)) for warning in found.warnings]
    if record.history.asks:
        parts.append(tag("div", sections.trials(record), style="max-height: 320px; overflow: auto"))
    return tag("div", *parts)
