"""The `automax-lightning` command."""

from __future__ import annotations

from typing import Any

from automax_lightning.cli.entry_point import main as main
from automax_lightning.cli.entry_point import usage as usage


def __getattr__(name: str) -> Any:
    if name == "AutoMAXCLI":
        from automax_lightning.cli.automax_cli import AutoMAXCLI

        return AutoMAXCLI
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
