"""Run the README's Python blocks in an empty folder, with an installed package: what `pip install` gives works as it is shown.

python .ci/readme.py README.md
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import automax_lightning


def main(readme: Path) -> None:
    """Run every block by itself; the first that fails ends it.

    Raises:
        SystemExit: if the package is not an installed one, or there is no block.
    """
    home = Path(automax_lightning.__file__).parent
    if "site-packages" not in home.parts:
        sys.exit(f"{home} is a source tree; install the wheel")
    blocks = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), flags=re.DOTALL)
    if not blocks:
        sys.exit(f"{readme} has no Python block")
    with tempfile.TemporaryDirectory() as folder:
        for block in blocks:
            sys.stdout.write(f"{block.splitlines()[0]} ... ({len(block.splitlines())} lines)\n")
            sys.stdout.flush()
            subprocess.run([sys.executable, "-c", block], cwd=folder, check=True, stdin=subprocess.DEVNULL)
    sys.stdout.write(f"{len(blocks)} blocks ran with {home}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
