from __future__ import annotations

import pytest

from automax_lightning.utils.html import Raw, table, tag, text


@pytest.mark.parametrize(
    ("value", "expected"),
    [("<b>", "&lt;b&gt;"), ('"', "&quot;"), ("&amp;", "&amp;amp;"), (Raw("<b>"), "<b>"), (None, "None"), (0.5, "0.5")],
)
def test_every_text_is_escaped_once(value: object, expected: str) -> None:
    assert text(value) == expected
    assert tag("i", value) == f"<i>{expected}</i>"


def test_elements_nest_without_being_escaped_again() -> None:
    assert tag("p", tag("b", "a < b"), " & more") == "<p><b>a &lt; b</b> &amp; more</p>"
    assert isinstance(tag("p"), Raw)


def test_attributes_are_escaped_and_empty_ones_left_out() -> None:
    assert tag("p", title='"x" onload=', cls="", style="") == '<p title="&quot;x&quot; onload="></p>'


def test_numbers_stand_to_the_right_and_so_does_the_head_of_a_column_of_numbers() -> None:
    made = table(["trial", "score", "name"], [[1, "0.9", "<i>"], [2, "-", "3 of"]])
    assert made.startswith('<div class="scroll"><table><thead><tr><th class="number">trial</th><th>score</th><th>name</th>')
    assert '<td class="number">0.9</td><td>&lt;i&gt;</td>' in made
    assert "<td>-</td><td>3 of</td>" in made


@pytest.mark.parametrize("cell", [True, Raw("1"), "1 of 2", "", "- ."])
def test_what_only_looks_like_a_number_is_none(cell: object) -> None:
    assert 'class="number"' not in table(["x"], [[cell]])


def test_rows_are_marked_and_a_table_without_rows_is_one() -> None:
    made = table(["x"], [["a"], ["b"]], marked=["best", ""])
    assert '<tr class="best"><td>a</td></tr><tr><td>b</td></tr>' in made
    assert table(["x"], []).endswith("<tbody></tbody></table></div>")


def test_numbers_stand_to_the_right_and_words_to_the_left() -> None:
    text = table(["a", "b"], [[1, "x"], ["2.5", "3"]])
    assert text.count('class="number"') == 4
    assert '<th class="number">a</th><th>b</th>' in text
