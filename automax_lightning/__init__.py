"""Train any network on LibAUC's AUC losses inside PyTorch Lightning, and let SMAC3 find the hyperparameters.

Importing this package is light: each public name loads its module, and that module's partner library, on first use.
The table of public names is `__init__.pyi`, which type checkers and editors read as well.
"""

from importlib.metadata import version

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
__version__ = version("automax-lightning")
