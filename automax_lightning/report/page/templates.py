"""The page's HTML: Jinja templates in this folder, which escape every value, and the records that they draw."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from automax_lightning.utils.formatting import printable

_NUMERIC = set("0123456789+-.e ")


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a `Table`.

    Args:
        label: what stands at its head.
        title: shown when the mouse is over the head; empty for nothing.
        is_text: whether numbers stand to the left in it, as words do; otherwise they stand to the right.
    """

    label: str
    title: str = ""
    is_text: bool = False


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of the page.

    Args:
        columns: its columns; a plain text is the label of one.
        rows: one cell per column.
        marks: a class for each row, ``"best"``, ``"default"``, ``"differs"`` or empty; none by default.
        note: a sentence above the table; empty for none.
    """

    columns: Sequence[Column | str]
    rows: Sequence[Sequence[object]]
    marks: Sequence[str] = ()
    note: str = ""

    @property
    def heads(self) -> list[Column]:
        """The columns, each as a `Column`."""
        return [each if isinstance(each, Column) else Column(each) for each in self.columns]

    def is_right(self, column: int, cell: object) -> bool:
        """Whether a cell stands to the right."""
        return not self.heads[column].is_text and is_number(cell)

    def is_right_column(self, column: int) -> bool:
        """Whether a whole column stands to the right, and so its head does."""
        return not self.heads[column].is_text and all(is_number(row[column]) for row in self.rows)


def is_number(cell: object) -> bool:
    """Whether a cell reads as a number.

    Example:
        >>> is_number(3), is_number("-0.5"), is_number("1 of 2"), is_number(True)
        (True, True, False, False)
    """
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return True
    return isinstance(cell, str) and any(map(str.isdigit, cell)) and set(cell) <= _NUMERIC


def render(template: str, **values: Any) -> str:
    """A template with these values in it; a value that is missing is an error.

    Args:
        template: name of a file in this folder, e.g. ``"page.html.j2"``.
        values: what the template names; every text is escaped unless it is `Markup`.
    """
    return _environment().get_template(template).render(**values)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("automax_lightning.report", "page"), autoescape=True, undefined=StrictUndefined,
        finalize=lambda value: printable(value) if type(value) is str else value, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
