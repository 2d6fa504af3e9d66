"""Failed trials that are to run again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from automax_lightning.errors import ConfigError
from automax_lightning.search.storage.history import History
from automax_lightning.search.storage.journal import Journal, read_search
from automax_lightning.trial.checkpoint import TrialFiles


def reopen(directory: Path, numbers: Iterable[int] | None = None) -> tuple[int, ...]:
    """The numbers of the failed trials that the next start of the search in `directory` runs again, from their beginning.

    Args:
        directory: of the search.
        numbers: of failed trials; None for all of them.

    Raises:
        ConfigError: if one of `numbers` is no failed trial.
        JournalError: if there is no search, or somebody runs it.
    """
    chosen = None if numbers is None else tuple(dict.fromkeys(numbers))
    with Journal(directory, read_search(directory).settings) as journal:
        again = _checked(journal.history, chosen)
        if again:
            journal.record_retry(again)
    for number in again:
        _forget(TrialFiles.of(directory, number))
    return again


def _checked(history: History, numbers: tuple[int, ...] | None) -> tuple[int, ...]:
    failed = history.failed()
    wrong = [number for number in numbers or () if number not in failed]
    if wrong:
        raise ConfigError(
            "retry.trials", f"failed trials, of {list(failed)}" if failed else "failed trials, of which there are none",
            ", ".join(map(str, wrong)), "See `automax-lightning status`, or trials_dataframe().",
        )  # fmt: skip
    return failed if numbers is None else numbers


def _forget(files: TrialFiles) -> None:
    """Remove what would be taken for the new run's: it begins at its first epoch."""
    for path in (files.error, files.stack, files.best, files.scores, *files.only_for_resuming):
        path.unlink(missing_ok=True)
