"""Which files of a directory are the search's own, by what its journal says; nothing else is ever moved or removed."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from automax_lightning.errors import JournalError, SearchLockedError
from automax_lightning.search.storage.lines import is_inside, is_ours, lines, to_line
from automax_lightning.search.storage.lock import SearchLock
from automax_lightning.trial.checkpoint import BEST, SCORES, TrialFiles
from automax_lightning.utils.files import remove_if_empty

JOURNAL = "journal.jsonl"
ENSEMBLE = "ensemble"
_ENSEMBLE_FILE = re.compile(r"ensemble\.json|\d{4,}\.(ckpt|npz)")
SMAC_FILES = ("configspace.json", "intensifier.json", "optimization.json", "runhistory.json", "scenario.json")
BEST_FILES = (BEST, SCORES, "trial.yaml")
DATA_FILE = "data_summary.txt"
_LOCKS = ("lock", "lock.json", "lock.lease")
_WRITTEN_BY_0_1_0 = (
    "state.pkl", "config.yaml", "best_config.yaml", "best_recipe.yaml", "factory.pkl", "report.html", "refit/refit.ckpt",
    *(f"smac/{name}" for name in SMAC_FILES),
)  # fmt: skip
"""0.1.0 kept no record of what it wrote. A file of such a name beside a journal of that version is taken for its own."""
_ASIDE = re.compile(r"\.old-\d{8}-\d{6}(-\d+)?")


def trial_files(number: int) -> list[str]:
    """The names that a search itself writes in the directory of a trial, relative to the search's directory."""
    files = TrialFiles.of(Path(), number)
    paths = (files.best, files.scores, *files.only_for_resuming, files.error, files.runs, files.trial_json)
    return [path.as_posix() for path in paths]


def owned(directory: Path) -> set[str]:
    """The files in a directory that its journal proves to be the search's, as paths relative to it.

    The journal proves a file by a ``wrote`` event, or by the trial that it asked for. A name that leads through a
    symbolic link, or is one, proves nothing: the search makes none.

    Args:
        directory: of a search; for one without a journal of ours the answer is empty.
    """
    return {name for name in _proven(directory) if _is_file_inside(directory, name)}


def _proven(directory: Path) -> set[str]:
    """The names that the journal proves to be the search's, whether such files are there or not."""
    if not is_ours(directory):
        return set()
    names = {JOURNAL, *_LOCKS}
    begun_by_0_1_0 = False
    for line in lines(directory / JOURNAL):
        if line.event is not None:
            begun_by_0_1_0 = begun_by_0_1_0 or (line.number == 1 and "search" not in line.event)
            names |= _names_in(line.event)
    if begun_by_0_1_0:
        names |= {*_WRITTEN_BY_0_1_0, *_best_of_0_1_0(directory)}
    names |= {f"{name}.new" for name in names}  # before it takes its name
    return {name for name in names if is_inside(name)}


def _names_in(event: object) -> set[str]:
    """What one event proves."""
    try:
        if event["event"] == "ask":  # type: ignore[index]
            return set(trial_files(int(event["trial"]["number"])))  # type: ignore[index]
        if event["event"] == "wrote":  # type: ignore[index]
            return {name for path in event["paths"] for name in _with_swaps(str(path))}  # type: ignore[index]
    except (KeyError, TypeError, ValueError):
        return set()
    return set()


def _with_swaps(path: str) -> set[str]:
    """A file of ``<name>_best``, and where it lies while that directory is replaced."""
    folder, slash, name = path.partition("/")
    if not slash or not folder.endswith("_best"):
        return {path}
    return {path, *(f"{folder}{suffix}/{name}" for suffix in (".new", ".new.part", ".old"))}


def _best_of_0_1_0(directory: Path) -> set[str]:
    folders = [path.parent for path in directory.glob("*_best/trial.yaml") if (path.parent / BEST).exists()]
    return {f"{folder.name}/{name}" for folder in folders for name in BEST_FILES}


def _is_file_inside(directory: Path, name: str) -> bool:
    path = directory
    parts = PurePosixPath(name).parts
    for part in parts:
        path = path / part
        if path.is_symlink():
            return False
    return path.is_file()


def files_below(folder: Path) -> Iterator[Path]:
    """Everything below a folder, or at a path, that is no folder itself; symbolic links are not followed."""
    if os.path.lexists(folder) and not folder.is_dir():
        yield folder
    for parent, folders, names in os.walk(folder):
        yield from (Path(parent) / name for name in names)
        yield from (Path(parent) / name for name in folders if (Path(parent) / name).is_symlink())


def refuse_foreign_files(directory: Path, names: Iterable[str]) -> None:
    """Raise if a folder without a journal holds what a new search in it would write over.

    Args:
        directory: where the search is to begin.
        names: paths relative to it that the search will write, besides the usual ones.

    Raises:
        JournalError: which names the file.
    """
    usual = ("state.pkl", "config.yaml", DATA_FILE, "factory.pkl", *(f"smac/{name}" for name in SMAC_FILES))
    trials = sorted(directory.glob("trials/[0-9][0-9][0-9][0-9]*"))
    folders = (directory / "trials", directory / "smac", directory / "workers", directory / ENSEMBLE)
    links = [path for path in folders if path.is_symlink()]
    members = sorted(path for path in directory.glob(f"{ENSEMBLE}/*") if _ENSEMBLE_FILE.fullmatch(path.name))
    for path in (*links, *trials, *members, *(directory / name for name in (*usual, *names))):
        if os.path.lexists(path):
            raise JournalError(
                str(path), "a name that is free, because a search writes it", "what lies there without a journal",
                "Move it away, or choose another name or output_directory.",
            )  # fmt: skip


def claim_file(directory: Path, name: str) -> None:
    """Record that a file is the search's, before it is written by somebody who has not opened the journal.

    Args:
        directory: of the search, which may be running; nothing happens where there is none.
        name: path relative to it.

    Raises:
        JournalError: if such a file is there, and the journal does not know of it.
    """
    if not is_ours(directory) or name in owned(directory):
        return
    if os.path.lexists(directory / name):
        raise JournalError(
            str(directory / name), "a name that is free, or the search's own file", "a file that the search has not written",
            "Move it away, or say where else to write.",
        )  # fmt: skip
    line = to_line({"event": "wrote", "paths": [name], "time": round(time.time(), 3)})
    with suppress(SearchLockedError), SearchLock(directory):
        _append(directory, line)
        return
    _append(directory, line)  # one write at the end is whole, whoever else writes there


def _append(directory: Path, line: bytes) -> None:
    with open(directory / JOURNAL, "rb+", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(end - 1)
        if file.read(1) != b"\n":  # the next start of the search drops the line that was cut; this one would be lost with it
            return
    with open(directory / JOURNAL, "ab", buffering=0) as file:
        file.write(line)


def remove_search(directory: Path) -> None:
    """Remove the files that the journal proves to be the search's, and the folders that are empty then.

    The journal goes last, so that a removal that was cut can be finished. The directory itself goes if it is empty.

    Args:
        directory: of the search; nothing happens where there is none, or where it is a symbolic link.
    """
    if directory.is_symlink():
        return
    mine, folders_of = owned(directory), _proven(directory)
    for name in sorted(mine - {JOURNAL}):
        (directory / name).unlink(missing_ok=True)
    _remove_empty_folders(directory, folders_of)  # those too that a removal has left that was cut
    if JOURNAL in mine:
        (directory / JOURNAL).unlink(missing_ok=True)
    remove_if_empty(directory)


def _remove_empty_folders(directory: Path, names: Iterable[str]) -> None:
    folders = {parent for name in names for parent in PurePosixPath(name).parents if parent.parts}
    for folder in sorted(folders, key=lambda folder: len(folder.parts), reverse=True):
        remove_if_empty(directory / folder)


def set_aside(directory: Path) -> Path | None:
    """Move a search to ``<name>.old-<time>`` beside it; what is not the search's stays where it is.

    Args:
        directory: of the search.

    Returns:
        Where it lies now; None where there was no search.

    Raises:
        SearchLockedError: if somebody runs it.
        JournalError: if the directory is a symbolic link.
    """
    if not is_ours(directory):
        return None
    if directory.is_symlink():
        raise JournalError(
            str(directory), "a directory, to be overwritten", "a symbolic link", "Remove the link, or choose another name."
        )
    with SearchLock(directory):  # never under the feet of a search that is running
        mine = owned(directory)
        _append(directory, to_line({"event": "aside", "of": directory.name, "time": round(time.time(), 3)}))
        aside = _free_name(directory)
        if all(path.relative_to(directory).as_posix() in mine for path in files_below(directory)):
            os.rename(directory, aside)
            return aside
        aside.mkdir()
        os.link(directory / JOURNAL, aside / JOURNAL)  # the old search can be proved at either place from here on
        for name in sorted(mine - {JOURNAL, *_LOCKS}):
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
            os.rename(directory / name, aside / name)
        _remove_empty_folders(directory, _proven(directory))
        (directory / JOURNAL).unlink()
    return aside


def _free_name(directory: Path) -> Path:
    name = f"{directory.name}.old-{time.strftime('%Y%m%d-%H%M%S')}"
    names = (directory.with_name(name + suffix) for suffix in ("", *(f"-{index}" for index in range(2, 1000))))
    return next(path for path in names if not os.path.lexists(path))


def _set_aside_of(directory: Path) -> list[Path]:
    """The searches that were moved aside from here, the newest last."""
    return [path for path in _named_as_aside(directory) if is_ours(path) and _was_set_aside(path, directory.name)]


def _named_as_aside(directory: Path) -> list[Path]:
    if not directory.parent.is_dir():
        return []
    siblings = sorted(path for path in directory.parent.iterdir() if path.name.startswith(f"{directory.name}.old-"))
    return [path for path in siblings if _ASIDE.fullmatch(path.name.removeprefix(directory.name)) and not path.is_symlink()]


def _was_set_aside(aside: Path, name: str) -> bool:
    newest = None
    for line in lines(aside / JOURNAL):
        newest = line.event or newest
    return newest is not None and newest["event"] == "aside" and newest.get("of") == name


def drop_set_aside(directory: Path) -> None:
    """Remove the searches that were moved aside from here, once the one that has replaced them has a result."""
    for aside in _set_aside_of(directory):
        remove_search(aside)
    for empty in _named_as_aside(directory):
        remove_if_empty(empty)  # left by a removal that was cut after its last file


def put_back(directory: Path) -> None:
    """Undo `set_aside`, where the search that was to replace the old one has come to nothing.

    Args:
        directory: where the old search was; nothing happens while another one is in it.
    """
    aside = next(reversed(_set_aside_of(directory)), None)
    if aside is None or os.path.lexists(directory / JOURNAL):
        return
    for name in sorted(owned(aside) - {JOURNAL, *_LOCKS}):
        if not os.path.lexists(directory / name):
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            os.rename(aside / name, directory / name)
    directory.mkdir(parents=True, exist_ok=True)
    os.rename(aside / JOURNAL, directory / JOURNAL)
    for name in _LOCKS:
        (aside / name).unlink(missing_ok=True)
    for folder, _, _ in os.walk(aside, topdown=False):
        remove_if_empty(Path(folder))
