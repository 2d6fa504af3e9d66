"""`AutoMAXConfig`: the frozen, validated description of a search."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automax_lightning.errors import ConfigError, closest

PRESETS = ("automax", "original", "random")


@dataclasses.dataclass(frozen=True, kw_only=True)
class AutoMAXConfig:
    """How much to search, from which seed, and where it is kept.

    Args:
        name: name of the search, and of its directory.
        n_trials: trials in all, at least 1; a larger number extends a finished search.
        n_configs: size of the initial design, at least 1; the space's default configuration is always its first
            member, Sobol points are the others.
        SEED: seed of proposals and trials, 0 .. 2**32 - 1.
        output_directory: parent of the search's directory.
        overwrite: delete a search of the same name and start afresh. False continues it.
        deterministic: every trial has the seed `SEED`, so that configurations differ in nothing else. False gives
            each trial a seed of its own.
        mode: ``"max"`` or ``"min"``: which way the target is better.
        preset: who proposes: ``"automax"`` (ours), ``"original"`` (the original AutoMAX's settings of SMAC), ``"random"``.
        initial_configs: configurations (name -> value) that are tried right after the default.
        walltime_limit: seconds after which no further trial starts; None for no limit.
        trial_time_limit: seconds that one trial may train; None for no limit.
        target_score: stop when a trial reaches it.
        patience: stop after so many trials in a row without a better score.
        max_failures: stop after so many failed trials.
        verbose: show Lightning's own bars and messages in each trial.

    Raises:
        ConfigError: if a value is out of range (a `ValueError`).

    Example:
        >>> AutoMAXConfig(name="mine", n_trials=20, SEED=42).directory.as_posix()
        'automax_output/mine'
    """

    name: str = "automax"
    n_trials: int = 5
    n_configs: int = 1
    SEED: int = 0
    output_directory: str | os.PathLike[str] = "./automax_output"
    overwrite: bool = False
    deterministic: bool = True
    mode: str = "max"
    preset: str = "automax"
    initial_configs: tuple[Mapping[str, Any], ...] = ()
    walltime_limit: float | None = None
    trial_time_limit: float | None = None
    target_score: float | None = None
    patience: int | None = None
    max_failures: int | None = None
    verbose: bool = False

    def __post_init__(self) -> None:
        if not self.name or self.name in (".", "..") or set(self.name) & set("/\\\0"):
            raise _error("name", "a non-empty name without slashes", self.name, "Pass name='my_search'.")
        self._check_integer("n_trials", 1)
        self._check_integer("n_configs", 1)
        self._check_integer("SEED", 0, 2**32 - 1)
        for name in ("patience", "max_failures"):
            if getattr(self, name) is not None:
                self._check_integer(name, 1)
        for name in ("walltime_limit", "trial_time_limit"):
            if getattr(self, name) is not None:
                self._check_positive(name)
        for name in ("overwrite", "deterministic", "verbose"):
            if not isinstance(getattr(self, name), bool):
                raise _error(name, "true or false", getattr(self, name), f"Pass {name}=False.")
        for name, known in (("mode", ("max", "min")), ("preset", PRESETS)):
            if getattr(self, name) not in known:
                raise _error(name, f"one of {known}", getattr(self, name), closest(str(getattr(self, name)), known))

    def _check_integer(self, name: str, low: int, high: int | None = None) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
            bounds = f"an integer of at least {low}" if high is None else f"an integer in [{low}, {high}]"
            raise _error(name, bounds, value, f"Pass {name}={max(low, 10)}.")

    def _check_positive(self, name: str) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            raise _error(name, "a number of seconds above 0, or None", value, f"Pass {name}=3600.")

    @property
    def directory(self) -> Path:
        """Where the search is kept: ``<output_directory>/<name>``."""
        return Path(self.output_directory) / self.name

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> AutoMAXConfig:
        """The configuration with these settings, as from a YAML section.

        Raises:
            ConfigError: if a key is unknown; the closest one is named.

        Example:
            >>> AutoMAXConfig.from_mapping({"name": "mine", "n_trials": 3}).n_trials
            3
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for key in settings:
            if key not in known:
                raise ConfigError(f"automax.{key}", "a setting of the search", "no such key", closest(str(key), known))
        return cls(**{**settings, "initial_configs": tuple(settings.get("initial_configs") or ())})

    def as_mapping(self) -> dict[str, Any]:
        """All settings as plain values, for YAML."""
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        configs = [dict(config) for config in self.initial_configs]
        return {**plain, "output_directory": os.fspath(self.output_directory), "initial_configs": configs}


AutoMAXConfigration = AutoMAXConfig
"""The original AutoMAX's spelling, the same class."""


def _error(name: str, expected: str, found: Any, fix: str) -> ConfigError:
    return ConfigError(f"AutoMAXConfig.{name}", expected, repr(found), fix)
