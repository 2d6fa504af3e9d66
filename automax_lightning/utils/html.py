"""Small pieces of HTML; every text that goes through them is escaped."""

from __future__ import annotations

import html

from automax_lightning.utils.formatting import printable


class Raw(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: object) -> str:
    """A value as text of a page, escaped unless it is HTML already.

    Example:
        >>> text("<b>"), text(Raw("<b>"))
        ('&lt;b&gt;', '<b>')
    """
    return str(value) if isinstance(value, Raw) else html.escape(printable(str(value)))


def tag(name: str, *inside: object, **attributes: str) -> Raw:
    """An element.

    Args:
        name: name of the element, e.g. ``"td"``.
        inside: its content, in order; escaped unless `Raw`.
        attributes: name -> value, escaped; ``cls`` is its class, and an empty value is left out.

    Example:
        >>> tag("p", "a < b", cls="note")
        '<p class="note">a &lt; b</p>'
    """
    listed = "".join(f' {key.replace("cls", "class")}="{html.escape(value)}"' for key, value in attributes.items() if value)
    return Raw(f"<{name}{listed}>{''.join(map(text, inside))}</{name}>")
