"""How a search looks in a notebook: its settings, its verdict, its trials."""

from __future__ import annotations

from automax_lightning.report.page import blocks as sections
from automax_lightning.report.verdict import verdict
from automax_lightning.search.record import Reading
from automax_lightning.utils.formatting import show_seconds
from automax_lightning.utils.html import tag


def search_card(reading: Reading, n_trials: int) -> str:
    """The search as HTML without styles of its own, so that light and dark notebooks show it in theirs.

    Args:
        reading: of the search.
        n_trials: trials in all.
    """
    objective = reading.objective
    way = "maximise" if objective.mode == "max" else "minimise"
    facts = [f"{way} {objective.target}", f"{len(reading.results)} of {max(n_trials, len(reading.results))} trials"]
    facts += [f"seed {reading.history.settings.get('seed', 0)}", f"{len(reading.parameters)} hyperparameters"]
    facts += [show_seconds(reading.history.seconds)] if reading.history.seconds else []
    found = verdict(reading)
    parts = [tag("strong", f"AutoMAX {reading.name}"), tag("p", ", ".join(facts)), tag("p", found.headline)]
    parts += [tag("p", sentence) for sentence in found.sentences]
    parts += [tag("p", tag("em", warning)) for warning in found.warnings]
    if reading.history.asks:
        parts.append(tag("div", sections.trials(reading), style="max-height: 320px; overflow: auto"))
    return tag("div", *parts)
