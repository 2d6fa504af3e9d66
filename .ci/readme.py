"""Run the README's Python blocks in an empty folder, with an installed package: what `pip install` gives works as it is shown.

python .ci/readme.py README.md
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from documents import outputs, story  # tests/support/documents.py, which .ci/run puts beside this file

import automax_lightning


def main(readme: Path) -> None:
    """Run the blocks as one program, as a reader types them after each other.

    Raises:
        SystemExit: if the package is not an installed one, or there is no block.
    """
    home = Path(automax_lightning.__file__).parent
    if "site-packages" not in home.parts:
        sys.exit(f"{home} is a source tree; install the wheel")
    if not story(readme):
        sys.exit(f"{readme} has no Python block")
    with tempfile.TemporaryDirectory() as folder:
        printed = outputs(readme, Path(folder))
    sys.stdout.write("".join(printed))
    sys.stdout.write(f"{len(printed)} blocks ran with {home}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
