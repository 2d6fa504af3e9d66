"""``scores.npz``: scores and labels of a trial beside its checkpoints, from which ROC and precision-recall curves are drawn.

Needs no torch: what reads the file need not be able to train.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from automax_lightning.utils.files import write_atomically

FILE = "scores.npz"
LIMIT = 2_000_000
"""Scores of one split that are kept at most: 10 MB."""


@dataclasses.dataclass(frozen=True)
class SplitScores:
    """What a trial's best epoch said about one split.

    Args:
        scores: (N,) or (N, labels), float32; more means more positive.
        labels: of the same shape.
    """

    scores: np.ndarray
    labels: np.ndarray

    @property
    def is_usable(self) -> bool:
        """Whether curves can be drawn: finite scores, and a label with both classes."""
        columns = self.labels[:, None] if self.labels.ndim == 1 else self.labels
        return bool(np.isfinite(self.scores).all()) and any(map(has_both, columns.T))


@dataclasses.dataclass(frozen=True)
class TrialScores:
    """The content of a ``scores.npz``.

    Args:
        splits: ``"val"`` and ``"test"``, those that were scored.
        notes: split -> why its scores were not kept.
        epoch: the epoch (from 1) whose scores these are; 0 if unknown.
    """

    splits: Mapping[str, SplitScores] = dataclasses.field(default_factory=dict)
    notes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    epoch: int = 0


def has_both(labels: np.ndarray) -> bool:
    """Whether these are 0/1 labels with both classes.

    Args:
        labels: (N,).
    """
    return bool(((labels == 0) | (labels == 1)).all() and (labels == 0).any() and (labels == 1).any())


def keep_scores(path: Path, callbacks: Iterable[Any], split: str, epoch: int | None = None) -> None:
    """Write what a callback has just evaluated; without such a callback, write nothing.

    A callback takes part by an attribute ``evaluated``: split -> (scores, labels). `AUROC` has it.

    Args:
        path: of the file; replaced by rename.
        callbacks: of the trainer; the first that offers the split is taken.
        split: ``"val"`` starts the file anew, ``"test"`` is added to what it holds.
        epoch: the epoch (from 1) of the scores; None leaves what the file says.

    Raises:
        OSError: if it cannot be written; the trial runs again then, because its ensemble needs the scores.

    Example:
        >>> import tempfile
        >>> from types import SimpleNamespace
        >>> callback = SimpleNamespace(evaluated={"val": ([0.9, 0.2], [1, 0])})
        >>> path = Path(tempfile.mkdtemp()) / FILE
        >>> keep_scores(path, [callback], "val", epoch=3)
        >>> kept = read_scores(path)
        >>> kept.splits["val"].labels.tolist(), kept.epoch
        ([1, 0], 3)
    """
    offered = next((each for each in map(_evaluated, callbacks) if split in each), None)
    if offered is None:
        return
    before = TrialScores() if split == "val" else read_scores(path)
    splits, notes = dict(before.splits), dict(before.notes)
    scores = _arrays(offered[split])
    if isinstance(scores, str):
        notes[split] = scores
    else:
        splits[split] = scores
    _write(path, TrialScores(splits, notes, before.epoch if epoch is None else epoch))


def read_scores(path: Path) -> TrialScores:
    """What the file holds; nothing where there is none, or where it is damaged.

    Args:
        path: of the file.
    """
    splits, notes, epoch = {}, {}, 0
    with (
        contextlib.suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile),
        np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as held,
    ):
        epoch = int(held["epoch"])
        for name in held.files:
            kind, _, split = name.partition("/")
            if kind == "scores":
                splits[split] = SplitScores(held[name], held[f"labels/{split}"])
            elif kind == "note":
                notes[split] = str(held[name])
    return TrialScores(splits, notes, epoch)


def _evaluated(callback: Any) -> Mapping[str, Any]:
    evaluated = getattr(callback, "evaluated", None)
    return evaluated if isinstance(evaluated, Mapping) else {}


def _arrays(offered: Any) -> SplitScores | str:
    try:
        scores, labels = (np.asarray(part) for part in offered)
        scores = scores.astype(np.float32)
    except (TypeError, ValueError) as error:
        return f"the callback offered something else than (scores, labels): {error}"
    if scores.ndim == 2 and labels.shape == scores.shape[:1]:  # several classes, as one-versus-rest tasks
        labels = labels[:, None] == np.arange(scores.shape[1])
    if scores.shape != labels.shape or scores.ndim not in (1, 2):
        return f"scores of shape {scores.shape} do not go with labels of shape {labels.shape}"
    if scores.size > LIMIT:
        return f"{scores.size:,} scores are more than the {LIMIT:,} that are kept"
    is_small = labels.size > 0 and bool(np.all(np.isin(labels, (0, 1))))
    return SplitScores(scores, labels.astype(np.int8 if is_small else np.float32))


def _write(path: Path, kept: TrialScores) -> None:
    arrays: dict[str, Any] = {"epoch": np.asarray(kept.epoch)}
    for split, held in kept.splits.items():
        arrays |= {f"scores/{split}": held.scores, f"labels/{split}": held.labels}
    arrays |= {f"note/{split}": np.asarray(note) for split, note in kept.notes.items()}
    content = io.BytesIO()
    np.savez(content, **arrays)
    write_atomically(path, content.getvalue())
