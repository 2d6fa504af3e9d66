"""`automax-lightning examples`: the scripts, configurations and recipes that come with the package."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import automax_lightning
from automax_lightning.errors import ConfigError

_COMMENT = "#\"'"
_LEFT_OUT = {"__pycache__", "automax_output", "lightning_logs"}


def main(arguments: Sequence[str]) -> None:
    """The command ``automax-lightning examples``: list the examples, or copy them.

    Args:
        arguments: the command line without the program's name.

    Raises:
        ConfigError: if a file of that name is there already, or DIR cannot be written to.
    """
    parser = argparse.ArgumentParser("automax-lightning examples", description="List the examples, or copy them to a folder.")
    parser.add_argument("--copy", type=Path, metavar="DIR", help="copy them into DIR; files that are there are never overwritten")
    folder = parser.parse_args(arguments[1:]).copy
    if folder is None:
        sys.stdout.write(listing())
        return
    for path in copy(folder):
        sys.stdout.write(f"{path}\n")


def home() -> Path:
    """The folder of the examples: inside an installed package, beside the package in a source tree.

    Raises:
        ConfigError: if there is none.
    """
    package = Path(automax_lightning.__file__).parent
    for folder in (package / "examples", package.parent / "examples"):
        if (folder / "digits.yaml").is_file():
            return folder
    raise ConfigError("automax-lightning examples", "the examples inside the package", "none", "Install the package again.")


def names() -> tuple[str, ...]:
    """The examples' paths below `home`, with forward slashes, sorted.

    Example:
        >>> "digits.yaml" in names() and "recipes/auroc.yaml" in names()
        True
    """
    files = (path.relative_to(home()) for path in home().rglob("*") if path.is_file())
    return tuple(sorted(path.as_posix() for path in files if not _LEFT_OUT & set(path.parts)))


def listing() -> str:
    """What the command prints: each example with its first sentence, and how to get it."""
    width = max(map(len, names()))
    lines = [f"{name:<{width}}  {_summary(home() / name)}".rstrip() for name in names()]
    return "\n".join([
        *lines, "", f"They are in {home()}",
        "Copy them:  automax-lightning examples --copy examples",
        "Run one:    automax-lightning tune --config examples/digits.yaml", "",
    ])  # fmt: skip


def copy(folder: Path) -> list[Path]:
    """Copy every example.

    Args:
        folder: where to; it is made if it is not there.

    Returns:
        The new files.

    Raises:
        ConfigError: if one of the files is there already, in which case none is written, or `folder` cannot be written to.
    """
    targets = {name: folder / name for name in names()}
    taken = [str(path) for path in targets.values() if os.path.lexists(path)]
    if taken:
        more = f" and {len(taken) - 1} more" if taken[1:] else ""
        raise ConfigError("examples --copy", "a folder without these files", f"{taken[0]}{more}", "Choose another folder.")
    try:
        for name, target in targets.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(home() / name, "rb") as source, open(target, "xb") as file:
                shutil.copyfileobj(source, file)
    except OSError as error:
        raise ConfigError("examples --copy", "a folder that can be written to", str(error), "Choose another folder.") from error
    return list(targets.values())


def _summary(path: Path) -> str:
    """The first comment that is a sentence, or else the first one: configurations begin with the command that runs them."""
    if path.suffix not in (".py", ".yaml", ".md"):
        return ""
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = [line.strip(_COMMENT + " ") for line in lines if line[:1] in tuple(_COMMENT) and line.strip(_COMMENT + " ")]
    return next((comment for comment in comments if comment.endswith(".")), comments[0] if comments else "")
