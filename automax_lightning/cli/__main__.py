"""`python -m automax_lightning.cli`: the command."""

import sys

from automax_lightning.cli import main

sys.exit(main())
