"""`python -m automax_lightning`: the command."""

import sys

from automax_lightning.cli import main

if __name__ == "__main__":
    sys.exit(main())
