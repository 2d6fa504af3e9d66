"""The partners of the extra ``report``, asked for before they are imported."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

from automax_lightning.errors import ReportError

_PARTNERS = ("plotly", "optuna")


def need_extra(where: str, partners: tuple[str, ...] = _PARTNERS) -> None:
    """Raise if what a report is made with is not installed.

    Args:
        where: what was asked for, e.g. ``"AutoMAX.report"``.
        partners: names of the packages.

    Raises:
        ReportError: with the command that installs them.
    """
    missing = [name for name in partners if find_spec(name) is None]
    if missing:
        raise ReportError(
            where, " and ".join(partners), f"no {' and no '.join(missing)}", 'Install it: pip install "automax-lightning[report]"'
        )


def import_path(path: str) -> Any:
    """The object behind a dotted path such as ``"package.Class"``; None where the module has no such name."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name, None) if module else None
