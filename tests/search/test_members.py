"""Which trials become members, from searches that were recorded and never trained."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from automax_lightning.search.members import EnsembleRule, chosen_trials, ensemble_of, greedy, ranked_trials
from automax_lightning.search.record import SearchRecord
from automax_lightning.trial.checkpoint import TrialFiles
from automax_lightning.trial.records import Status, TrialResult
from automax_lightning.trial.score_file import keep_scores
from tests.support.searches import keep, record, result


def trained(directory: Path, scores: list[float | None], **settings: Any) -> SearchRecord:
    """A search whose trials have these scores, each with a checkpoint and kept scores."""
    trials: list[tuple[dict[str, Any], TrialResult | None]] = []
    for number, score in enumerate(scores, start=1):
        files = TrialFiles.of(directory, number)
        status = Status.CRASHED if score is None else Status.SUCCESS
        trials.append(({"lr": 0.001 * number, "size": (8,)}, result(number, score, status, checkpoint=files.best)))
    search = record(directory, trials, **settings)
    for number in search.specs:
        keep(directory, number, strength=1.0)
        TrialFiles.of(directory, number).best.write_text(f"weights {number}")
    return search


def test_the_better_half_is_chosen_the_best_first_and_of_equal_ones_the_first(tmp_path: Path) -> None:
    search = trained(tmp_path / "s", [0.7, 0.9, None, 0.8, 0.9, 0.6, 0.5])
    assert list(chosen_trials(search, EnsembleRule())) == [2, 5, 4]
    assert list(chosen_trials(search, EnsembleRule(size=2))) == [2, 5]
    assert [[*chosen_trials(search, EnsembleRule(size=size))] for size in (0, 1)] == [[], []]
    assert [each.number for each in ranked_trials(search)] == [2, 5, 4, 1, 6, 7]


def test_where_less_is_better_the_lowest_are_chosen(tmp_path: Path) -> None:
    search = trained(tmp_path / "s", [0.7, 0.9, 0.5, 0.6], mode="min")
    assert list(chosen_trials(search, EnsembleRule())) == [3, 4]


@pytest.mark.parametrize("status", [Status.STOPPED, Status.PAUSED])
def test_a_trial_that_was_not_trained_to_its_end_is_no_member(tmp_path: Path, status: Status) -> None:
    trials = [({"lr": 0.01 * n, "size": (8,)}, result(n, 0.5 + n / 10, checkpoint=tmp_path / "s" / "c")) for n in (1, 2, 3)]
    trials.append(({"lr": 0.05, "size": (8,)}, result(4, 0.99, status, checkpoint=tmp_path / "s" / "c")))
    assert list(chosen_trials(record(tmp_path / "s", trials), EnsembleRule())) == [3, 2]


def test_with_folds_all_trials_of_the_best_configuration_are_members(tmp_path: Path) -> None:
    values = [{"lr": 0.01, "size": (8,)}, {"lr": 0.02, "size": (8,)}]
    scores = [0.7, 0.9, 0.85, 0.8]
    chosen = {}
    for resampling in ("cv", "reshuffled"):
        folder = tmp_path / resampling
        trials = [(values[n % 2], result(n + 1, scores[n], checkpoint=folder / "c")) for n in range(4)]
        chosen[resampling] = chosen_trials(record(folder, trials, resampling=resampling), EnsembleRule(size=3))
    assert chosen == {"cv": {2: 1, 4: 1}, "reshuffled": {2: 1, 3: 1}}


def test_a_member_whose_checkpoint_is_gone_is_left_out_with_the_reason(tmp_path: Path) -> None:
    search = trained(tmp_path / "s", [0.7, 0.9, 0.8, 0.6, 0.5])
    shutil.rmtree(TrialFiles.of(tmp_path / "s", 3).checkpoints)
    table = ensemble_of(search, EnsembleRule())
    assert [member.trial for member in table.members] == [2, 1]
    assert table.left_out == {3: "its checkpoint is gone"}
    assert (table.rule, table.target, table.search) == ("half", "AUROC", search.history.search)
    assert table.members[0].configuration == search.configuration_of(2)


def test_without_scores_only_what_a_fit_has_written_is_a_member(tmp_path: Path) -> None:
    search = trained(tmp_path / "s", [0.7, 0.9, 0.8])
    for number in (2, 3):
        TrialFiles.of(tmp_path / "s", number).scores.unlink()
    table = ensemble_of(search, EnsembleRule())
    assert table.members == ()
    assert table.left_out == dict.fromkeys((2, 3), "its checkpoint was not written by a Fit")


def complementary(directory: Path) -> SearchRecord:
    """Two trials that know half of the positives, the same half, and one that knows the others."""
    search = trained(directory, [0.9, 0.89, 0.88])
    labels = np.array([1, 1, 0, 0] * 10)
    first = np.where(np.arange(40) % 4 == 0, 5.0, 2.0)
    second = np.where(np.arange(40) % 4 == 1, 5.0, 2.0)
    for number, scores in ((1, first), (2, first), (3, second)):
        callback = SimpleNamespace(evaluated={"val": (scores, labels)})
        keep_scores(TrialFiles.of(directory, number).scores, [callback], "val", epoch=2)
    return search


def test_greedy_selection_takes_what_helps_the_mean(tmp_path: Path) -> None:
    search = complementary(tmp_path / "s")
    assert greedy(search, [1, 2, 3], 10) == {1: 1, 3: 1}
    table = ensemble_of(search, EnsembleRule(selection="greedy"))
    assert [(member.trial, member.weight) for member in table.members] == [(1, 1), (3, 1)]
    assert table.rule == "greedy"


def test_greedy_selection_without_scores_takes_the_better_half(tmp_path: Path) -> None:
    search = complementary(tmp_path / "s")
    for number in (1, 2, 3):
        TrialFiles.of(tmp_path / "s", number).scores.unlink()
    assert greedy(search, [1, 2, 3], 10) == {}
    assert chosen_trials(search, EnsembleRule(selection="greedy")) == {1: 1, 2: 1}
