"""Objects of LibAUC by their path in the catalogue."""

from __future__ import annotations

import importlib
from typing import Any


def imported(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
