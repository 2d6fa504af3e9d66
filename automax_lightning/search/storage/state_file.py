"""``state.pkl``: the log in the original AutoMAX's form, written whole and read without running code from it."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

from automax_lightning.errors import JournalError
from automax_lightning.search.storage.history import History
from automax_lightning.trial.records import TrialResult, TrialSpec
from automax_lightning.utils.files import write_atomically
from automax_lightning.utils.splits import score_on_test


def write_state(path: Path, log: list[dict[str, Any]]) -> None:
    """Write the log so that a crash leaves the old file or the new one.

    Args:
        path: where.
        log: dictionaries of plain Python values.
    """
    write_atomically(path, pickle.dumps(log, protocol=4))


def read_state(path: Path) -> list[dict[str, Any]]:
    """The log of a ``state.pkl``; refuses anything but plain containers and numbers.

    Raises:
        JournalError: if the file holds something else, which could run code, or is damaged.
    """
    try:
        log: list[dict[str, Any]] = _PlainUnpickler(io.BytesIO(path.read_bytes())).load()
    except (pickle.UnpicklingError, EOFError, ValueError) as error:
        raise JournalError(
            str(path), "a list of plain dictionaries", str(error), "Delete it; journal.jsonl holds everything."
        ) from error
    return log


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"the object {module}.{name}")


def log(history: History) -> list[dict[str, Any]]:
    """One dictionary a finished trial, in the original AutoMAX's form: plain values only.

    Keys: ``trial, val, test, space, seed, origin, status, reason, val_metrics, test_metrics, epochs, best_epoch,
    seconds, checkpoint``; ``val`` and ``test`` are the target's values, None where there is none.
    """
    specs = {spec.number: spec for spec in history.asks}
    return [_log_entry(specs[number], result) for number, result in sorted(history.final().items())]


def _log_entry(spec: TrialSpec, result: TrialResult) -> dict[str, Any]:
    has_score = result.is_scored
    target = next((name for name, value in result.val.items() if value == result.score), None)
    return {
        "trial": spec.number,
        "val": result.score if has_score else None,
        "test": score_on_test(result.test, target) if has_score and target is not None else None,
        "space": dict(spec.configuration),
        "seed": spec.seed,
        "origin": spec.origin,
        "status": result.status.name,
        "reason": result.reason,
        "val_metrics": dict(result.val),
        "test_metrics": dict(result.test),
        "epochs": result.epochs,
        "best_epoch": result.best_epoch,
        "seconds": result.seconds,
        "checkpoint": None if result.checkpoint is None else str(result.checkpoint),
    }
