from __future__ import annotations

import pytest

from automax_lightning.utils.html import Raw, tag, text


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


def test_control_sequences_are_left_out() -> None:
    assert tag("p", "\x1b[31mred\x1b[0m \udcff") == "<p>red \\udcff</p>"
