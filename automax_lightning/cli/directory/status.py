"""`automax-lightning status`: how a search stands, whoever runs it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from automax_lightning.search.snapshot import snapshot
from automax_lightning.utils.output import print_text


def main(arguments: Sequence[str]) -> None:
    """The command ``automax-lightning status DIR``: how a search stands, whoever runs it.

    Args:
        arguments: the command line without the program's name.

    Raises:
        JournalError: if there is no search in DIR.
    """
    parser = argparse.ArgumentParser(prog="automax-lightning status", description="How a search stands, from its journal.")
    parser.add_argument("directory", metavar="DIR", type=Path, help="<output_directory>/<name> of the search")
    print_text(snapshot(parser.parse_args(arguments[1:]).directory).describe())
