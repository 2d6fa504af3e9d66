"""What the test split has brought, under the names that the user's module gave to it. Needs no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_VALIDATION = ("val", "valid", "validation", "dev", "eval")
_SEPARATORS = re.compile(r"([/_.\-\s:]+)")


def metrics_of_test(logged: Mapping[str, Any]) -> dict[str, float]:
    """Everything that a test has logged; ``test/`` at the beginning of a key is left out.

    Args:
        logged: key -> value.

    Example:
        >>> metrics_of_test({"test/AUROC": 0.9, "test_loss": 0.3})
        {'AUROC': 0.9, 'test_loss': 0.3}
    """
    short = {key: key.removeprefix("test/") for key in logged}
    return {key if name in logged and name != key else name: float(logged[key]) for key, name in short.items()}


def score_on_test(test: Mapping[str, float], target: str) -> float | None:
    """The value on the test split that answers the target, found by its name; None if none does.

    Args:
        test: metric name -> value, as in `TrialResult.test`.
        target: metric name or logged key of the validation score.

    Example:
        >>> score_on_test({"AUROC": 0.9}, "AUROC"), score_on_test({"test_loss": 0.3, "test_acc": 0.8}, "val_loss")
        (0.9, 0.3)
        >>> score_on_test({"acc/test": 0.8}, "acc/val"), score_on_test({"test_f1": 0.7}, "val_loss")
        (0.8, None)
    """
    for name in (target.removeprefix("val/"), as_test_key(target), target):
        if name in test:
            return test[name]
    wanted = _bare(target)
    alike = [name for name in test if _bare(name) == wanted]
    return test[min(alike, key=lambda name: not _names_test(name))] if alike else None


def as_test_key(key: str) -> str:
    """The key with the validation split's name replaced by that of the test split.

    Args:
        key: under which a validation score is logged.

    Example:
        >>> as_test_key("val_loss"), as_test_key("acc/val"), as_test_key("value")
        ('test_loss', 'acc/test', 'value')
    """
    pieces = _SEPARATORS.split(key)
    index = next((i for i, piece in enumerate(pieces) if piece.lower() in _VALIDATION), None)
    return key if index is None else "".join((*pieces[:index], "test", *pieces[index + 1 :]))


def column_of_test(name: str) -> str:
    """The column of a test score in a table, which names the split in any case.

    Args:
        name: as in `TrialResult.test`.

    Example:
        >>> column_of_test("AUROC"), column_of_test("test_loss"), column_of_test("acc/test")
        ('test/AUROC', 'test_loss', 'acc/test')
    """
    return name if _names_test(name) else f"test/{name}"


def _names_test(name: str) -> bool:
    return "test" in _SEPARATORS.split(name.lower())


def _bare(key: str) -> tuple[str, ...]:
    """The words of a key without that of its split."""
    words = (piece for piece in _SEPARATORS.split(key.lower())[::2] if piece)
    return tuple(word for word in words if word not in (*_VALIDATION, "test"))
