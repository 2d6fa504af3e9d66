from __future__ import annotations

from pathlib import Path

import pytest

from automax_lightning import Status, TrialResult, TrialSpec
from automax_lightning.errors import ConfigError, JournalError
from automax_lightning.search.storage.journal import Journal, read
from automax_lightning.search.storage.reopening import reopen
from automax_lightning.trial.checkpoint import TrialFiles

ENDS = (Status.SUCCESS, Status.CRASHED, Status.PAUSED, Status.TIMEOUT, Status.INTERRUPTED)


@pytest.fixture
def search(tmp_path: Path) -> Path:
    with Journal(tmp_path, {"target": "AUROC", "n_trials": 5}) as journal:
        for number, status in enumerate(ENDS, start=1):
            journal.record_ask(TrialSpec(number, {"k": number}, directory=TrialFiles.of(tmp_path, number).directory))
            journal.record_epoch(number, 1, 0.5)
            journal.record_result(TrialResult(number, status, 0.5 if status.has_score else None, curve=(0.5,)))
    return tmp_path


def test_what_failed_is_pending_again_and_begins_anew(search: Path) -> None:
    files = TrialFiles.of(search, 2)
    files.checkpoints.mkdir(parents=True)
    for path in (files.error, files.best, files.last):
        path.touch()
    assert reopen(search) == (2, 4)
    history = read(search)
    assert [spec.number for spec in history.pending()] == [2, 4, 5]
    assert sorted(history.curves) == [1, 3, 5]
    assert list(files.directory.rglob("*.*")) == []
    assert reopen(search) == ()


def test_the_history_in_memory_is_that_of_the_journal(search: Path) -> None:
    with Journal(search, read(search).settings) as journal:
        journal.record_retry([4])
        kept = journal.history
    again = read(search)
    assert (kept.results, kept.curves, kept.pending()) == (again.results, again.curves, again.pending())
    assert kept.failed() == again.failed() == (2,)


def test_what_has_not_failed_is_named_and_nothing_is_reopened(search: Path) -> None:
    with pytest.raises(ConfigError, match=r"retry.trials: expected failed trials, of \[2, 4\], found 3, 9\."):
        reopen(search, [2, 3, 9])
    assert read(search).failed() == (2, 4)


def test_where_there_is_no_search_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="expected the directory of a search"):
        reopen(tmp_path)
    assert list(tmp_path.iterdir()) == []
