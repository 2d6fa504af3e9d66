"""A search in a notebook: its settings, its verdict, its trials."""

from __future__ import annotations

from automax_lightning.report.page.blocks import trials
from automax_lightning.report.page.templates import render
from automax_lightning.report.verdict import verdict
from automax_lightning.search.planning.plan import Plan
from automax_lightning.search.record import SearchRecord
from automax_lightning.utils.formatting import format_duration


def search_card(record: SearchRecord, plan: Plan) -> str:
    """The search as HTML without styles of its own, so that light and dark notebooks show it in theirs.

    Args:
        record: the search.
        plan: of the search as it is now wanted; it may be longer than the recorded one.
    """
    objective = record.objective
    direction = "maximise" if objective.mode == "max" else "minimise"
    facts = [f"{direction} {objective.target}", f"{plan.progress(record.history)} trials"]
    facts += [f"seed {record.history.settings.get('seed', 0)}", f"{len(record.parameters)} hyperparameters"]
    facts += [format_duration(record.history.seconds)] if record.history.seconds else []
    table = trials(record) if record.history.asks else None
    return render("search_card.html.j2", name=record.name, facts=facts, verdict=verdict(record), trials=table)
