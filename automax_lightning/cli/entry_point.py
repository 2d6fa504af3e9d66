"""The `automax-lightning` command: Lightning's own subcommands, and those of a search."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import automax_lightning
from automax_lightning.cli.commands import BAD_INPUT, COMMANDS
from automax_lightning.errors import closest

if TYPE_CHECKING:
    from automax_lightning.cli.automax_cli import AutoMAXCLI as AutoMAXCLI

_USAGE = """\
usage: automax-lightning COMMAND [--config FILE.yaml] [--KEY VALUE ...]

Tune any Lightning fit with SMAC3, and train any network on LibAUC's AUC losses.

commands:
{commands}

  COMMAND --help lists every key. Keys of tune: those of fit, and
    search:   dotted key -> {{low, high, log, default}} | {{choices, default}} | {{value}}, each with or without
              when: {{another key: value}}   (left out: the default space of the loss and its optimizer)
    automax:  name, n_trials, target, SEED, output_directory, overwrite, ...
    --quiet   print nothing but errors

exit codes: 0 done, 1 the search or the fit failed, 2 bad input, 130 interrupted
"""


def usage() -> str:
    """What ``--help`` prints, made from the table of commands."""
    return _USAGE.format(commands="\n".join(f"  {name:<10}{command.help}" for name, command in COMMANDS.items()))


def main(args: Sequence[str] | None = None) -> int:
    """The command's exit code: 0 done, 1 the search or the fit failed, 2 bad input, 130 interrupted.

    Args:
        args: the command line without the program's name; None for ``sys.argv``.

    Example:
        >>> main(["--version"]) == 0
        automax-lightning ...
        True
    """
    arguments = list(sys.argv[1:] if args is None else args)
    name = arguments[0] if arguments else "--help"
    if name in ("-h", "--help"):
        sys.stdout.write(usage())
        return 0
    if name == "--version":
        sys.stdout.write(f"automax-lightning {automax_lightning.__version__}\n")
        return 0
    if name not in COMMANDS:
        sys.stderr.write(f"automax-lightning: no command {name!r}. {closest(name, COMMANDS)}\n")
        return BAD_INPUT
    make_importable(arguments)
    return COMMANDS[name].run(arguments)


def make_importable(arguments: Sequence[str]) -> None:
    """Let ``class_path: mynet.Net`` find ``mynet.py`` beside the configuration file, or in the working directory.

    An installed command has neither on its import path, as ``python script.py`` has the script's. Both come last, so that no
    file of yours takes the place of an installed package.

    Args:
        arguments: the command line without the program's name.
    """
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    configs = [each.partition("=")[2] or following for each, following in pairs if re.match(r"(--config|-c)(=|$)", each)]
    folders = [str(Path(config).absolute().parent) for config in configs if os.path.isfile(config)]
    sys.path += [folder for folder in dict.fromkeys([*folders, os.getcwd()]) if folder not in sys.path]


def __getattr__(name: str) -> Any:
    if name == "AutoMAXCLI":  # where a LightningCLI script looks for it; it is heavy, and this module is not
        from automax_lightning.cli.automax_cli import AutoMAXCLI

        return AutoMAXCLI
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if __name__ == "__main__":
    sys.exit(main())
