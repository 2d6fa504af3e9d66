"""``automax-lightning report DIR``: the page of a search, from its directory alone."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from automax_lightning.errors import AutoMAXError
from automax_lightning.report.extra import need_extra
from automax_lightning.report.reading import Reading


def main(arguments: Sequence[str]) -> int:
    """The command's exit code: 0 done, 2 no journal or bad input.

    Args:
        arguments: the command line after ``report``.
    """
    parser = argparse.ArgumentParser("automax-lightning report", description="Write one HTML file that shows a search.")
    parser.add_argument("directory", type=Path, metavar="DIR", help="the search's directory, <output_directory>/<name>")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where to write; DIR/report.html if left out")
    try:
        chosen = parser.parse_args(arguments)
    except SystemExit as end:  # what argparse has to say is said
        return int(end.code or 0)
    try:
        need_extra("automax-lightning report")
        from automax_lightning.report.page import write_report

        sys.stdout.write(f"{write_report(Reading.of(chosen.directory), chosen.output)}\n")
    except AutoMAXError as error:
        sys.stderr.write(f"automax-lightning: {error}\n")
        return 2
    return 0
