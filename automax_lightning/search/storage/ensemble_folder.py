"""``<search>/ensemble``: the models that a search delivers, as links to its trials' files, and ``ensemble.json``."""

from __future__ import annotations

import dataclasses
import filecmp
import json
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from automax_lightning.errors import CheckpointError, JournalError
from automax_lightning.search.storage.ownership import ENSEMBLE
from automax_lightning.trial.checkpoint import TrialFiles
from automax_lightning.utils.files import link_or_copy, write_atomically
from automax_lightning.utils.serialization import decode_values, encode, encode_values

FOLDER = ENSEMBLE
TABLE = f"{FOLDER}/ensemble.json"
FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Member:
    """A trial whose model is part of the ensemble.

    Args:
        trial: its number, from 1.
        configuration: its hyperparameters, as plain values.
        seed: of the trial.
        score: its validation score.
        weight: how often it counts in the mean, at least 1.
    """

    trial: int
    configuration: Mapping[str, Any]
    seed: int = 0
    score: float | None = None
    weight: int = 1

    @property
    def checkpoint(self) -> str:
        """The name of its checkpoint in the folder."""
        return f"{self.trial:04d}.ckpt"

    @property
    def scores(self) -> str:
        """The name of its ``scores.npz`` in the folder, from which its validation distribution is taken."""
        return f"{self.trial:04d}.npz"


@dataclasses.dataclass(frozen=True)
class EnsembleTable:
    """The content of ``ensemble.json``.

    Args:
        members: the models, the best first.
        rule: how they were chosen: ``"half"``, ``"greedy"`` or ``"folds"``.
        left_out: trial number -> why it is no member though the rule has chosen it.
        search: id of the search.
        target: the metric of the search.
        mode: ``"max"`` or ``"min"``.
    """

    members: tuple[Member, ...] = ()
    rule: str = "half"
    left_out: Mapping[int, str] = dataclasses.field(default_factory=dict)
    search: str = ""
    target: str = "AUROC"
    mode: str = "max"

    def to_json(self) -> bytes:
        """The file's content."""
        members = [
            {"trial": each.trial, "weight": each.weight, "score": encode(each.score), "seed": each.seed,
             "configuration": encode_values(each.configuration), "checkpoint": each.checkpoint, "scores": each.scores}
            for each in self.members
        ]  # fmt: skip
        left_out = [{"trial": number, "reason": reason} for number, reason in self.left_out.items()]
        table = {"format": FORMAT, "search": self.search, "target": self.target, "mode": self.mode, "rule": self.rule,
                 "members": members, "left_out": left_out}  # fmt: skip
        return (json.dumps(table, indent=1) + "\n").encode()


def read_table(directory: Path) -> EnsembleTable | None:
    """The ensemble of a search, as its ``ensemble.json`` has it; None where there is none.

    Args:
        directory: of the search.

    Raises:
        CheckpointError: if the file is damaged, or a newer version wrote it.
    """
    path = directory / TABLE
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        if table["format"] > FORMAT:
            raise CheckpointError(str(path), f"format {FORMAT}", f"format {table['format']}", "Upgrade automax-lightning.")
        members = tuple(map(_member, table["members"]))
        left_out = {int(each["trial"]): str(each["reason"]) for each in table["left_out"]}
        return EnsembleTable(members, table["rule"], left_out, table["search"], table["target"], table["mode"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            str(path), "the table of an ensemble", f"a damaged file ({type(error).__name__}: {error})",
            "Delete it, and start the search again: it is made anew.",
        ) from error  # fmt: skip


def _member(entry: Mapping[str, Any]) -> Member:
    values = decode_values(entry["configuration"])
    return Member(int(entry["trial"]), values, int(entry["seed"]), entry["score"], int(entry["weight"]))


class EnsembleFolder:
    """The ensemble's folder, which is made to follow from the journal; needs the search's lock.

    Files of members come first, then the table by rename, and then files that no member needs any more are removed. So a
    table never names a file that was not there, and the next start makes good what a crash has cut.

    Args:
        directory: of the search.
        claim: records names as the search's own, before they are written.
    """

    def __init__(self, directory: Path, claim: Callable[..., None]) -> None:
        self.directory = directory
        self.claim = claim

    def keep(self, table: EnsembleTable, written: Iterable[str]) -> None:
        """Make the folder hold this ensemble.

        Args:
            table: what it is to hold; one without members removes the folder.
            written: names, relative to the search's directory, that the journal knows as the search's own.

        Raises:
            JournalError: if a file that the search has not written has one of the names.
        """
        ours = {name for name in written if name.startswith(f"{FOLDER}/")}
        sources = self._sources(table)
        names = {*sources, *([TABLE] if table.members else [])}
        self._refuse_foreign(names - ours)
        if table.members:
            self.claim(*names)
            (self.directory / FOLDER).mkdir(exist_ok=True)
            for name, source in sources.items():
                _place(source, self.directory / name)
            if _content(self.directory / TABLE) != table.to_json():
                write_atomically(self.directory / TABLE, table.to_json())
        self._remove(ours - names, kept=names)

    def _sources(self, table: EnsembleTable) -> dict[str, Path]:
        """Name in the folder -> the trial's own file, which may be gone where the name is there already."""
        sources = {}
        for member in table.members:
            files = TrialFiles.of(self.directory, member.trial)
            sources[f"{FOLDER}/{member.checkpoint}"] = files.best
            if files.scores.exists() or (self.directory / FOLDER / member.scores).exists():
                sources[f"{FOLDER}/{member.scores}"] = files.scores
        return sources

    def _refuse_foreign(self, names: Iterable[str]) -> None:
        folder = self.directory / FOLDER
        links = [folder] if folder.is_symlink() or (folder.exists() and not folder.is_dir()) else []
        for path in (*links, *(self.directory / name for name in sorted(names))):
            if os.path.lexists(path):
                raise JournalError(
                    str(path), "a name that is free, because the search keeps its ensemble there",
                    "a file that the search has not written", "Move it away, or pass ensemble_size=0.",
                )  # fmt: skip

    def _remove(self, names: Iterable[str], kept: Iterable[str]) -> None:
        if (self.directory / FOLDER).is_symlink():
            return
        # The table goes first: it must not name what is gone.
        for name in sorted(names, key=lambda name: name != TABLE):
            (self.directory / name).unlink(missing_ok=True)
        for name in (*names, *kept):
            (self.directory / f"{name}.new").unlink(missing_ok=True)
        with suppress(OSError):  # it is needed, or somebody else's files are in it
            (self.directory / FOLDER).rmdir()


def _place(source: Path, target: Path) -> None:
    """Give a file a second name, in one step for whoever looks; what is there already stays."""
    if not source.exists() or (target.exists() and _is_same(source, target)):
        return
    fresh = target.with_name(f"{target.name}.new")
    fresh.unlink(missing_ok=True)
    link_or_copy(source, fresh)
    os.replace(fresh, target)


def _is_same(source: Path, target: Path) -> bool:
    """Whether the target is a link to the source, or, on file systems without links, a copy of it."""
    return os.path.samefile(source, target) or filecmp.cmp(source, target, shallow=False)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
