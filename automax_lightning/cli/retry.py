"""`automax-lightning retry`: failed trials, run again."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import yaml

from automax_lightning.cli.commands import COMMANDS
from automax_lightning.search.storage.journal import read_search
from automax_lightning.search.storage.reopening import reopen
from automax_lightning.utils.output import print_text


def main(arguments: Sequence[str]) -> int | None:
    """The command ``automax-lightning retry DIR``: reopen failed trials, and run them where a command started the search.

    Args:
        arguments: the command line without the program's name.

    Returns:
        The exit code of the search; None if nothing was run.

    Raises:
        ConfigError: if a trial of ``--trials`` has not failed.
        JournalError: if there is no search in DIR, or somebody runs it.
    """
    parser = argparse.ArgumentParser(prog="automax-lightning retry", description="Run failed trials again, from their beginning.")
    parser.add_argument("directory", metavar="DIR", type=Path, help="<output_directory>/<name> of the search")
    parser.add_argument("--trials", type=_numbers, help="numbers of failed trials, as in 3,7; all of them by default")
    given = parser.parse_args(arguments[1:])
    command = read_search(given.directory).command
    numbers = reopen(given.directory, given.trials)
    if not numbers:
        print_text("No trial of this search has failed.")
        return None
    print_text(f"To run again: trial{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}.")
    start = starter(given.directory, command)
    if start is None:
        how = f": {shlex.join(command)}" if command else ""
        print_text(f"The next start of the search runs them, optimize() in Python or its own command{how}")
        return None
    return start()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def starter(directory: Path, command: Sequence[str]) -> Callable[[], int | None] | None:
    """What starts the search in `directory` again; None for one that only its own script can start.

    Args:
        directory: of the search.
        command: the command line that has started it.
    """
    program, words = (Path(command[0]), list(command[1:])) if command else (Path(), [])
    is_script = program.suffix == ".py" and program.name != "__main__.py"
    if _is_of_tune(directory / "config.yaml") and not is_script:
        line = ["tune", "--config", str(directory / "config.yaml"), "--automax.name", directory.resolve().name,
                "--automax.output_directory", str(directory.resolve().parent)]  # fmt: skip
        return lambda: COMMANDS["tune"].run(line)
    if words[:1] == ["run"] and not is_script:
        return lambda: _run_recipe([word for word in words[1:] if word != "--no-resume"], directory)
    return None


def _is_of_tune(file: Path) -> bool:
    """Whether the file is a whole configuration whose model and data the command can make."""
    content = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else None
    model = content.get("model") if isinstance(content, dict) and "automax" in content else None
    return isinstance(model, dict) and "class_path" in model


def _run_recipe(words: Sequence[str], directory: Path) -> None:
    from automax_lightning.cli.run import run

    run(words, directory)
