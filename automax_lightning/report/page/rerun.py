"""How to resume or repeat a search: the call, the command, the versions."""

from __future__ import annotations

import dataclasses
import platform
import shlex
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from automax_lightning.config import AutoMAXConfig
from automax_lightning.search.record import SearchRecord

_PACKAGES = ("automax-lightning", "torch", "lightning", "libauc", "smac", "ConfigSpace", "scikit-learn", "numpy")
_NOT_REPEATED = ("overwrite", "verbose")
"""Settings that a call to resume must not have, or need not have."""


def command(record: SearchRecord) -> str | None:
    """The command line that resumes the search; None where it was no command, as in a notebook.

    Args:
        record: the search.

    Example:
        >>> from automax_lightning.search.storage.history import History
        >>> from automax_lightning.trial.records import Objective
        >>> history = History(command=("/usr/bin/automax-lightning", "tune", "--config", "my file.yaml"))
        >>> command(SearchRecord(history, Objective()))
        "automax-lightning tune --config 'my file.yaml'"
    """
    if not record.history.command:
        return None
    program, *arguments = record.history.command
    name = Path(program).name
    if name == "automax-lightning":
        return shlex.join([name, *arguments])
    is_script = name.endswith(".py") and "launcher" not in name and not name.startswith("__")
    return shlex.join(["python", program, *arguments]) if is_script else None


def call(record: SearchRecord) -> str:
    """The Python call that resumes the search; the factory is the user's.

    Args:
        record: the search.
    """
    defaults = {field.name: field.default for field in dataclasses.fields(AutoMAXConfig)}
    wanted = {name: value for name, value in record.config.items() if name in defaults and name not in _NOT_REPEATED}
    kept = [f"{name}={value!r}" for name, value in wanted.items() if _differs(value, defaults[name]) or name == "n_trials"]
    return (
        f"config = AutoMAXConfig({', '.join(kept)})\n"
        f"tuner = AutoMAX(factory, config, target={record.objective.target!r})  # factory: the one of this search\n"
        "tuner.optimize()  # trains what is missing; a larger n_trials extends the search\n"
        "model = tuner.load_best_model()"
    )


def _differs(value: object, default: object) -> bool:
    return value != default and not (not value and not default)


def versions() -> dict[str, str]:
    """Package -> version, of the environment that this is called in."""
    packages = {"python": f"{platform.python_version()} on {platform.system()} {platform.machine()}"}
    return packages | {name: installed for name in _PACKAGES if (installed := _version(name)) is not None}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
