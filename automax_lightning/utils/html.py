"""Small pieces of HTML; every text that goes through them is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

_NUMERIC = set("0123456789+-.e ")


class Raw(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: object) -> str:
    """A value as text of a page, escaped unless it is HTML already.

    Example:
        >>> text("<b>"), text(Raw("<b>"))
        ('&lt;b&gt;', '<b>')
    """
    return str(value) if isinstance(value, Raw) else html.escape(str(value))


def tag(name: str, *inside: object, **attributes: str) -> Raw:
    """An element.

    Args:
        name: of the element.
        inside: its content; escaped unless `Raw`.
        attributes: of the element; ``cls`` is its class.

    Example:
        >>> tag("p", "a < b", cls="note")
        '<p class="note">a &lt; b</p>'
    """
    listed = "".join(f' {key.replace("cls", "class")}="{html.escape(value)}"' for key, value in attributes.items() if value)
    return Raw(f"<{name}{listed}>{''.join(map(text, inside))}</{name}>")


def table(head: Sequence[object], rows: Iterable[Sequence[object]], marked: Sequence[str] = ()) -> Raw:
    """A table that scrolls sideways by itself where it is too wide.

    Args:
        head: of each column.
        rows: cells; numbers stand to the right.
        marked: a class for each row, empty for none.
    """
    lines = []
    sides = ["number"] * len(head)
    for number, row in enumerate(rows):
        classes = ["number" if _is_number(cell) else "" for cell in row]
        sides = [side and new for side, new in zip(sides, classes, strict=True)]
        cells = [tag("td", cell, cls=side) for cell, side in zip(row, classes, strict=True)]
        lines.append(tag("tr", *cells, cls=marked[number] if marked else ""))
    top = tag("thead", tag("tr", *(tag("th", each, cls=side) for each, side in zip(head, sides, strict=True))))
    return tag("div", tag("table", top, tag("tbody", *lines)), cls="scroll")


def _is_number(cell: object) -> bool:
    if isinstance(cell, Raw):
        return False
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return True
    return isinstance(cell, str) and any(map(str.isdigit, cell)) and set(cell) <= _NUMERIC
