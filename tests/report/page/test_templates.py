from __future__ import annotations

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from automax_lightning.report.page.templates import Column, Table, render


def draw(table: Table) -> str:
    """The table as the card of a search shows it."""
    verdict = {"headline": "", "sentences": [], "warnings": []}
    card = render("search_card.html.j2", name="s", facts=[], verdict=verdict, trials=table)
    start = card.index("<table")
    return card[start : card.index("</table>", start)]


def test_numbers_stand_to_the_right_and_so_does_the_head_of_a_column_of_numbers() -> None:
    drawn = draw(Table(["trial", "score", "name"], [[1, "0.9", "<i>"], [2, "-", "3 of"]]))
    assert drawn.startswith('<table><thead><tr><th class="number">trial</th><th>score</th><th>name</th>')
    assert '<td class="number">0.9</td><td>&lt;i&gt;</td>' in drawn
    assert "<td>-</td><td>3 of</td>" in drawn


@pytest.mark.parametrize("cell", [True, Markup("<b>1</b>"), "1 of 2", "", "- ."])
def test_what_only_looks_like_a_number_is_none(cell: object) -> None:
    assert 'class="number"' not in draw(Table(["x"], [[cell]]))


def test_a_column_of_text_keeps_its_numbers_to_the_left() -> None:
    assert draw(Table([Column("best", is_text=True)], [["0.1"]])).endswith(
        "<th>best</th></tr></thead><tbody><tr><td>0.1</td></tr></tbody>"
    )


def test_rows_are_marked_and_a_table_without_rows_is_one() -> None:
    drawn = draw(Table(["x"], [["a"], ["b"]], marks=["best", ""]))
    assert '<tr class="best"><td>a</td></tr><tr><td>b</td></tr>' in drawn
    assert draw(Table(["x"], [])).endswith("<tbody></tbody>")


def test_everything_is_escaped_once_and_without_control_sequences() -> None:
    drawn = draw(Table([Column("<a>", title='"x" onload=')], [["a & b"], ["\x1b[31mred\x1b[0m\udcff"]]))
    assert 'title="&#34;x&#34; onload="' in drawn
    assert ">&lt;a&gt;</th>" in drawn
    assert "<td>a &amp; b</td>" in drawn
    assert "<td>red\\udcff</td>" in drawn


def test_a_value_that_a_template_names_must_be_there() -> None:
    with pytest.raises(UndefinedError, match="'name' is undefined"):
        render("search_card.html.j2", facts=[])
