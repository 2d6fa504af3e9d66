"""The table of commands, and what an error becomes."""

from __future__ import annotations

import importlib
from argparse import ArgumentError
from typing import Any

import pytest

from automax_lightning.cli import main, usage
from automax_lightning.cli.commands import COMMANDS, exit_code
from automax_lightning.errors import ConfigError, ExecutionError, FirstTrialFailedError, JournalError


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_exists_and_is_in_the_help(name: str) -> None:
    command = COMMANDS[name]
    assert callable(getattr(importlib.import_module(f"automax_lightning.{command.module}"), command.function))
    assert f"\n  {name}" in usage()
    assert "\n" not in command.help


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ConfigError("a", "b", "c", "D."), 2, "automax-lightning: a: expected b, found c. D.\n"),
        (JournalError("a", "b", "c", "D."), 2, "automax-lightning: a: expected b, found c. D.\n"),
        (FirstTrialFailedError("a", "b", "c", "D."), 1, "automax-lightning: a: expected b, found c. D.\n"),
        (ExecutionError("a", "b", "c", "D."), 1, "automax-lightning: a: expected b, found c. D.\n"),
        (ArgumentError(None, "no such\n  - thing"), 2, "automax-lightning: no such; thing\n"),
        (KeyboardInterrupt(), 130, ""),
        (ZeroDivisionError("in user code"), 1, "Traceback"),
    ],
)
def test_an_error_is_an_exit_code_and_a_line(error: Any, code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    def action() -> None:
        raise error

    assert exit_code(action) == code
    printed = capsys.readouterr().err
    assert printed.startswith(said)
    assert bool(printed) == bool(said)


def test_a_command_says_its_own_exit_code() -> None:
    assert (exit_code(lambda: None), exit_code(lambda: 3)) == (0, 3)


def test_an_unknown_name_of_the_module_is_an_attribute_error() -> None:
    from automax_lightning.cli import entry_point as cli

    with pytest.raises(AttributeError, match="no attribute 'AutoMAXCLII'"):
        _ = cli.AutoMAXCLII
    assert main(["fti"]) == 2
