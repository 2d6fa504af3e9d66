"""Imports by name: the packages of an extra, asked for before they are needed, and objects behind dotted paths."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

from automax_lightning.errors import AutoMAXError, ConfigError, ReportError

_REPORT = ("plotly", "optuna")


def require(*modules: str, extra: str, where: str, error: type[AutoMAXError] = ConfigError) -> None:
    """Raise if a package of an extra is not installed.

    Args:
        *modules: names to import, e.g. ``"omegaconf"``.
        extra: the extra that brings them, e.g. ``"recipes"``.
        where: what was asked for, e.g. ``"AutoMAX.report"``.
        error: the class to raise.

    Raises:
        AutoMAXError: the class `error`, with the command that installs them.
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        fix = f'Install it: pip install "automax-lightning[{extra}]"'
        raise error(where, " and ".join(modules), f"no {' and no '.join(missing)}", fix)


def need_extra(where: str, partners: tuple[str, ...] = _REPORT) -> None:
    """Raise if the packages that a report needs are not installed.

    Args:
        where: what was asked for, e.g. ``"AutoMAX.report"``.
        partners: names of the packages.

    Raises:
        ReportError: with the command that installs them.
    """
    require(*partners, extra="report", where=where, error=ReportError)


def import_path(path: str) -> Any:
    """The object behind a dotted path such as ``"package.Class"``; None where the module has no such name."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name, None) if module else None
