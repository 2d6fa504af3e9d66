"""Every error that this package raises on purpose.

One tree: catch `AutoMAXError` for all of them, or the neighbour's class (`ValueError`, `TypeError`, ...) that each child
also inherits. A message says where, what was expected, what was found, and the one thing to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AutoMAXError(Exception):
    """The base of all errors of this package.

    Args:
        where: dotted path of the argument, key or file, e.g. ``"AutoMAXConfig.n_trials"``.
        expected: what would have been right.
        found: what was there.
        fix: the one thing to do next, a sentence.

    Example:
        >>> print(ConfigError("AutoMAXConfig.n_trials", "an integer of at least 1", "0", "Pass n_trials=10."))
        AutoMAXConfig.n_trials: expected an integer of at least 1, found 0. Pass n_trials=10.
    """

    def __init__(self, where: str, expected: str, found: str, fix: str) -> None:
        super().__init__(where, expected, found, fix)
        self.where, self.expected, self.found, self.fix = where, expected, found, fix

    def __str__(self) -> str:
        return f"{self.where}: expected {self.expected}, found {self.found}. {self.fix}"


class ConfigError(AutoMAXError, ValueError):
    """A setting of the search or of a fit has an illegal value or an unknown name."""


class SpaceError(AutoMAXError, ValueError):
    """A search space or a search spec is malformed, or a configuration does not belong to its space."""


class SpaceKeyError(SpaceError, KeyError):
    """A configuration names a hyperparameter that its space does not have, or lacks one that is active."""


class SpaceTypeError(AutoMAXError, TypeError):
    """`autopartial` was given something that cannot be called."""


class PairError(AutoMAXError, ValueError):
    """A loss and an optimizer do not belong together, or one of them has no such argument."""


class DataError(AutoMAXError, ValueError):
    """The data cannot be used: labels, features, splits, or a missing sample index."""


class BatchError(DataError):
    """A batch cannot be trained on, for instance because it holds no positive sample."""


class NonFiniteError(AutoMAXError, ArithmeticError):
    """A loss or a score became NaN or infinite."""


class TargetError(AutoMAXError, LookupError):
    """The target metric was never logged."""


class CheckpointError(AutoMAXError, RuntimeError):
    """A checkpoint is missing, cannot be read, or belongs to something else."""


class UntrustedCheckpointError(CheckpointError):
    """A checkpoint holds objects whose loading could run code, and is not trusted."""


class JournalError(AutoMAXError, RuntimeError):
    """The search on disk belongs to another search, or its record cannot be read."""


class SearchLockedError(JournalError):
    """Another process is running this search."""


class FirstTrialFailedError(AutoMAXError, RuntimeError):
    """The first trial failed, so that every other one would fail as well."""


class ExecutionError(AutoMAXError, RuntimeError):
    """The place that was asked to run trials cannot run them."""


class InfrastructureError(ExecutionError):
    """A disk, a network or a cluster failed, not a trial: the search stops with its work kept, and can be resumed."""


class ReportError(AutoMAXError, RuntimeError):
    """A figure or a report cannot be made from what is there."""


def closest(name: str, legal: Iterable[str]) -> str:
    """The sentence that names the legal names closest to `name`.

    Args:
        name: the unknown name.
        legal: all legal names.

    Returns:
        ``"Did you mean 'n_trials'?"``, or the list of all legal names where none is close.

    Example:
        >>> closest("n_trails", ["n_trials", "name"])
        "Did you mean 'n_trials'?"
        >>> closest("zzz", ["n_trials", "name"])
        'Known are: n_trials, name.'
    """
    names = sorted(legal)
    matches = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if matches:
        return f"Did you mean {' or '.join(repr(match) for match in matches)}?"
    return f"Known are: {', '.join(names)}."
