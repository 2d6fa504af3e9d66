"""One read model: what `AutoMAX`, status, figures and pages say of a search is the same."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from automax_lightning.report.figures.scores import best_bands
from automax_lightning.search.planning.racing import mean_and_spread
from automax_lightning.search.record import SearchRecord
from automax_lightning.search.snapshot import Running, snapshot
from automax_lightning.search.storage.history import History
from automax_lightning.search.storage.journal import read
from automax_lightning.search.storage.state_file import log
from automax_lightning.trial.records import Objective, Status, TrialSpec
from tests.support.searches import keep, plain, record, result


def test_a_record_of_a_history_says_what_the_one_of_its_directory_says(tmp_path: Path) -> None:
    of_directory = plain(tmp_path / "s")
    of_history = SearchRecord(read(tmp_path / "s"), Objective("AUROC"), tmp_path / "s", {"name": "s", "n_trials": 8})
    for name in ("name", "n_trials", "n_seeds", "results", "specs", "best", "best_score", "default", "log", "parameters"):
        assert getattr(of_history, name) == getattr(of_directory, name), name
    assert of_directory.log == log(of_directory.history)
    assert [each.number for each in of_directory.failed] == [3]
    assert of_directory.configuration_of(1) == of_directory.specs[1].configuration


def test_before_the_first_trial_the_settings_are_those_of_the_configuration() -> None:
    empty = SearchRecord(History(), Objective("AUROC"), config={"name": "mine", "n_trials": 30, "n_seeds": 3})
    assert (empty.name, empty.n_trials, empty.n_seeds, empty.best, empty.best_score) == ("mine", 30, 3, None, float("-inf"))
    assert (empty.log, empty.results, empty.running, empty.default) == ([], {}, [], None)


def test_a_longer_history_makes_a_new_record(tmp_path: Path) -> None:
    one = record(tmp_path, [({"lr": 0.1}, result(1, 0.8))])
    assert one.best_score == 0.8
    longer = one.history.asked(TrialSpec(2, {"lr": 0.2})).ended(result(2, 0.9))
    assert (one.with_history(longer).best_score, one.best_score) == (0.9, 0.8)


def test_with_several_seeds_the_incumbent_is_judged_by_its_mean(tmp_path: Path) -> None:
    lucky, steady = {"lr": 0.01}, {"lr": 0.02}
    trials = [(lucky, result(1, 0.95)), (lucky, result(2, 0.70)), (steady, result(3, 0.9)), (steady, result(4, 0.88))]
    seeded = record(tmp_path, trials, seeds=[0, 1, 0, 1], n_seeds=2)
    assert seeded.best is not None
    assert seeded.best.number == 3
    assert seeded.best_score == pytest.approx(0.89)
    assert seeded.best_score == mean_and_spread(seeded.history, seeded.objective, 3)[0]
    assert "best AUROC 0.8900 (trial 3)" in snapshot(tmp_path).describe()


def test_a_snapshot_reads_the_same_record(tmp_path: Path) -> None:
    written = record(
        tmp_path, [({"lr": 0.1}, result(1, 0.8)), ({"lr": 0.2}, result(2, None, Status.CRASHED)), ({"lr": 0.3}, None)]
    )
    shown = snapshot(tmp_path)
    assert shown.running == (Running(3, 1, None, 0.5),)
    assert not shown.is_finished
    assert shown.record.history == written.history
    assert "2 of 3 trials over (1 failed), best AUROC 0.8000 (trial 1)" in shown.describe()


def test_both_curves_of_one_record_share_their_bands_and_a_later_record_has_its_own(tmp_path: Path) -> None:
    written = record(tmp_path, [({"lr": 0.1}, result(1, 0.8))])
    assert best_bands(written) == {}
    keep(tmp_path, 1, 1.0)
    later = dataclasses.replace(written)
    assert set(best_bands(later)) == {"val", "test"}
    assert best_bands(later) is best_bands(later)


def test_reading_a_search_imports_nothing_that_trains_or_proposes() -> None:
    code = "import sys, automax_lightning.search.record, automax_lightning.search.snapshot; "
    code += "print(sorted({'torch', 'lightning', 'ConfigSpace', 'smac', 'scipy', 'pandas', 'plotly'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
