"""``automax-lightning report DIR``: the page of a search, from its directory alone."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from automax_lightning.search.record import SearchRecord
from automax_lightning.search.storage.ownership import claim_file
from automax_lightning.utils.formatting import printable
from automax_lightning.utils.imports import need_extra
from automax_lightning.utils.output import print_text


def main(arguments: Sequence[str]) -> None:
    """Write the page and say where.

    Args:
        arguments: the command line without the program's name.

    Raises:
        JournalError: if DIR holds no search, or a ``report.html`` of somebody else.
    """
    parser = argparse.ArgumentParser("automax-lightning report", description="Write one HTML file that shows a search.")
    parser.add_argument("directory", type=Path, metavar="DIR", help="the search's directory, <output_directory>/<name>")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where to write; DIR/report.html if left out")
    chosen = parser.parse_args(arguments[1:])
    need_extra("automax-lightning report")
    from automax_lightning.report.page.page import write_report

    record = SearchRecord.of(chosen.directory)
    if chosen.output is None:
        claim_file(chosen.directory, "report.html")
    print_text(printable(str(write_report(record, chosen.output))))
