"""The best trial's checkpoint: which trial, configuration and search it belongs to, and that it is the journal's best."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import yaml

from automax_lightning.errors import CheckpointError
from automax_lightning.search.storage.directory import TrialDirectories
from automax_lightning.search.storage.history import History
from automax_lightning.search.storage.lock import SearchLock, holder_of
from automax_lightning.trial.checkpoint import BEST
from automax_lightning.trial.records import TrialResult
from automax_lightning.utils.serialization import encode_values

DESCRIPTION = "trial.yaml"


def content_hash(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def description(history: History, best: TrialResult, checkpoint: Path) -> dict[str, Any]:
    """What ``trial.yaml`` beside the best checkpoint says: trial, score, configuration, search, and the file's hash.

    Args:
        history: everything recorded.
        best: the incumbent's result.
        checkpoint: its file.
    """
    return {
        "trial": best.number, "score": best.score, **encode_values(history.spec(best.number).configuration),
        "search": history.search, "sha256": content_hash(checkpoint),
    }  # fmt: skip


def keep_best(directories: TrialDirectories, name: str, history: History, best: TrialResult) -> Path | None:
    """Make ``<name>_best`` hold the best trial's checkpoint, unless it does; needs the search's lock.

    Args:
        directories: of the search.
        name: of the experiment.
        history: everything recorded.
        best: the incumbent's result.

    Returns:
        The checkpoint in that directory; None where the trial has kept none.
    """
    kept = directories.root / f"{name}_best"
    if best.checkpoint is None or not best.checkpoint.exists():
        return kept / BEST if _says(kept, history, best) and _is_whole(kept) else None
    described = description(history, best, best.checkpoint)
    is_same = _read(kept) == described and _holds(kept / BEST, best.checkpoint, described["sha256"])
    if not is_same or directories.has_newer_scores(name, best.checkpoint):
        text = yaml.safe_dump(described)
        directories.replace_best(name, best.checkpoint, {DESCRIPTION: text})
    return kept / BEST


def verify_best(directory: Path, name: str, history: History, best: TrialResult) -> Path:
    """The checkpoint in ``<name>_best``, if it is that of the journal's best trial; it is repaired if it is not.

    Args:
        directory: of the search.
        name: of the experiment.
        history: everything recorded.
        best: the incumbent's result.

    Raises:
        CheckpointError: if it is not, and the best trial's own checkpoint is gone.
    """
    kept = directory / f"{name}_best"
    if _says(kept, history, best) and _is_whole(kept):
        return kept / BEST
    if holder_of(directory) is not None and best.checkpoint is not None and best.checkpoint.exists():
        return best.checkpoint  # whoever runs the search is about to put it there
    with SearchLock(directory):
        directories = TrialDirectories(directory)
        directories.recover(name)
        path = keep_best(directories, name, history, best)
    if path is None:
        held = _read(kept)
        found = f"that of trial {held['trial']}" if "trial" in held and (kept / BEST).exists() else "none"
        raise CheckpointError(
            str(kept / BEST), f"the checkpoint of trial {best.number}, the best one", found,
            f"Run optimize() again, or restore {best.checkpoint or 'the file'} from a backup.",
        )  # fmt: skip
    return path


def _read(kept: Path) -> dict[str, Any]:
    try:
        described = yaml.safe_load((kept / DESCRIPTION).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return described if isinstance(described, dict) else {}


def _says(kept: Path, history: History, best: TrialResult) -> bool:
    """Whether the directory is said to hold this trial of this search; 0.1.0 named no search and no hash."""
    wanted = {"trial": best.number, "score": best.score, **encode_values(history.spec(best.number).configuration)}
    described = _read(kept)
    search = described.pop("search", history.search)
    described.pop("sha256", None)
    return described == wanted and search == history.search


def _is_whole(kept: Path) -> bool:
    path, expected = kept / BEST, _read(kept).get("sha256")
    return path.is_file() and (expected is None or content_hash(path) == expected)


def _holds(path: Path, checkpoint: Path, expected: str) -> bool:
    return path.is_file() and (os.path.samefile(path, checkpoint) or content_hash(path) == expected)
