"""The commands of `automax-lightning`: a table of who does what, each imported when it is typed, and the exit codes."""

from __future__ import annotations

import dataclasses
import importlib
import sys
import traceback
from argparse import ArgumentError
from collections.abc import Callable, Mapping, Sequence

from automax_lightning.errors import AutoMAXError, ExecutionError, FirstTrialFailedError

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


@dataclasses.dataclass(frozen=True)
class Command:
    """One command: a function of its arguments, in a module that is imported when the command is typed.

    Args:
        module: dotted name of the module inside the package.
        function: takes the command line without the program's name (the command itself is its first word); what it
            returns is the exit code, None for 0. It may raise what `exit_code` knows.
        help: one line of ``--help``.
    """

    module: str
    function: str
    help: str

    def run(self, arguments: Sequence[str]) -> int:
        """The exit code of this command for these arguments."""
        return exit_code(lambda: getattr(importlib.import_module(f"automax_lightning.{self.module}"), self.function)(arguments))


COMMANDS: Mapping[str, Command] = {
    "tune": Command("cli.early_checks", "run", "search over keys of the configuration; writes best_config.yaml"),
    "run": Command("cli.run", "main", "search as a recipe of the original AutoMAX says"),
    "fit": Command("cli.early_checks", "run", "train once             (LightningCLI's own, as are the next three)"),
    "validate": Command("cli.early_checks", "run", "score the validation split"),
    "test": Command("cli.early_checks", "run", "score the test split"),
    "predict": Command("cli.early_checks", "run", "predict"),
    "report": Command("cli.report", "main", "write one HTML file that shows the search in DIR"),
    "status": Command("cli.status", "main", "how the search in DIR stands, whoever runs it"),
    "retry": Command("cli.retry", "main", "run failed trials of the search in DIR again"),
    "repair": Command("cli.repair", "main", "make a damaged journal in DIR readable again; says what is lost"),
    "examples": Command("cli.examples", "main", "list the examples; --copy DIR copies them"),
}
"""Every command, in the order of ``--help``."""


def exit_code(action: Callable[[], int | None]) -> int:
    """Run a command; what it raises becomes a line on stderr and an exit code.

    Args:
        action: returns the exit code, or None for success.

    Returns:
        0 done, 1 the search or the fit failed, 2 bad input, 130 interrupted.

    Example:
        >>> exit_code(lambda: None)
        0
    """
    try:
        return action() or DONE
    except (FirstTrialFailedError, ExecutionError) as error:
        _say(str(error))
        return FAILED
    except ArgumentError as error:
        _say(said(error))
        return BAD_INPUT
    except AutoMAXError as error:
        _say(str(error))
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as end:  # of argparse, which has said what there is to say
        return end.code if isinstance(end.code, int) else BAD_INPUT if end.code else DONE
    except Exception:
        traceback.print_exc()  # user code failed: its own traceback says most
        return FAILED


def said(error: Exception) -> str:
    """What jsonargparse says in many lines, in one; without the value, which may be the whole file."""
    lines = [line.strip(" -") for line in str(error).splitlines()]
    return "; ".join(line for line in lines if line and not line.startswith(("Given value", "Expected a <class 'NoneType'>")))


def _say(message: str) -> None:
    sys.stderr.write(f"automax-lightning: {message}\n")
