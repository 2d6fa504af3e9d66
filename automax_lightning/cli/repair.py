"""`automax-lightning repair`: a damaged journal, made readable again."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from automax_lightning.search.storage.repair import repair


def main(arguments: Sequence[str]) -> None:
    """The command ``automax-lightning repair DIR``: keep the whole lines of a journal, and say what is lost.

    Args:
        arguments: the command line without the program's name.

    Raises:
        JournalError: if there is no search in DIR, or somebody runs it.
    """
    parser = argparse.ArgumentParser(
        prog="automax-lightning repair", description="Leave out what cannot be read of a search's journal; the old one is kept."
    )
    parser.add_argument("directory", metavar="DIR", type=Path, help="<output_directory>/<name> of the search")
    sys.stdout.write(repair(parser.parse_args(arguments[1:]).directory).describe() + "\n")
