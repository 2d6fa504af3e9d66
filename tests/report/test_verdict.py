from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.metrics import roc_auc_score

from automax_lightning.report.verdict import FEW_POSITIVES, gap_on_test, verdict
from automax_lightning.trial.records import Status
from automax_lightning.trial.score_file import FILE, read_scores
from tests.support.searches import keep, plain, record, result

CONFIG = {"lr": 0.01, "size": (8,)}
OTHER = {"lr": 0.05, "size": (8,)}


def test_best_against_default_with_the_interval_of_the_difference(tmp_path: Path) -> None:
    reading = plain(tmp_path)
    assert reading.best is not None
    found = verdict(reading)
    assert found.headline.startswith(f"Trial {reading.best.number} is the best of 7 trials with a score: validation AUROC")
    metric, gap = gap_on_test(reading)
    assert metric == "AUROC"
    assert gap is not None
    areas = []
    for number in (reading.best.number, 1):
        held = read_scores(tmp_path / "trials" / f"{number:04d}" / "checkpoints" / FILE).splits["test"]
        areas.append(roc_auc_score(held.labels, held.scores))
    assert gap.value == pytest.approx(areas[0] - areas[1])
    assert f"95 % interval {gap.low:+.4f} to {gap.high:+.4f}" in found.sentences[0]
    assert "does not hold zero" in found.sentences[0]
    assert found.warnings == ("The validation score was selected among 7, so it flatters: read the test column.",)


def test_a_difference_that_may_be_chance_and_one_that_is_none(tmp_path: Path) -> None:
    trials = [(CONFIG, result(1, 0.7)), (OTHER, result(2, 0.8))]
    for seed, strengths, words in (
        (3, (1.0, 1.0), "cannot tell the two apart"),
        (0, (1e9, 1e9), "Both rank this test split alike"),
    ):
        reading = record(tmp_path / str(seed), trials)
        for number, strength in enumerate(strengths, start=1):
            keep(tmp_path / str(seed), number, strength, seed=seed)
        assert words in verdict(reading).sentences[0]


def test_few_positives_are_warned_of(tmp_path: Path) -> None:
    for size, is_few in ((4 * FEW_POSITIVES - 4, True), (4 * FEW_POSITIVES, False)):
        reading = record(tmp_path / str(size), [(CONFIG, result(1, 0.7))])
        keep(tmp_path / str(size), 1, 1.0, size=size)
        assert any("positive samples" in warning for warning in verdict(reading).warnings) is is_few


def test_words_for_every_state_of_a_search(tmp_path: Path) -> None:
    assert verdict(record(tmp_path / "a", [(CONFIG, None)])).headline == "No trial is over yet."
    failed = record(tmp_path / "b", [(CONFIG, result(1, None, Status.CRASHED))])
    assert verdict(failed).headline == "No trial has a score."
    only = verdict(record(tmp_path / "c", [(CONFIG, result(1, 0.7, test={}))]))
    assert only.headline == "The default configuration (trial 1) is the only trial with a score: validation AUROC 0.7000."
    assert only.sentences == ("There is no test score, so nothing tells how much of the validation score is luck.",)
    partial = verdict(record(tmp_path / "d", [(CONFIG, result(1, 0.7, Status.PAUSED))]))
    assert partial.warnings == ("The best score is partial: its trial was paused after epoch 2.",)
    lower = verdict(record(tmp_path / "e", [(CONFIG, result(1, 0.7)), (OTHER, result(2, 0.6))], mode="min"))
    assert lower.headline == (
        "Trial 2 is the best of 2 trials with a score: validation AUROC 0.6000 against 0.7000 of the default (lower is better)."
    )
    assert "without the scores of both on disk" in lower.sentences[0]


def test_with_several_seeds_means_are_compared(tmp_path: Path) -> None:
    trials = [(CONFIG, result(1, 0.7)), (CONFIG, result(2, 0.8)), (OTHER, result(3, 0.9)), (OTHER, result(4, 0.86))]
    reading = record(tmp_path, trials, n_seeds=2, seeds=(7, 8, 7, 8))
    found = verdict(reading)
    assert found.headline == (
        "The configuration of trial 3 has the best mean: validation AUROC 0.8800 ± 0.0283 (2 seeds)"
        " against 0.7500 ± 0.0707 (2 seeds) of the default."
    )
    assert reading.default is not None
    assert reading.default.number == 1
    assert found.sentences[0].startswith(
        "On the test split trial 3 has AUROC 0.8500 against 0.6500 of the default's run on the same seed (trial 1), a difference"
    )
    other = record(
        tmp_path / "b", [trials[0], trials[1], (OTHER, result(3, 0.86)), (OTHER, result(4, 0.9))], n_seeds=2, seeds=(7, 8, 7, 8)
    )
    assert (other.best.number, other.default.number) == (4, 2)  # type: ignore[union-attr]


def test_a_partial_auroc_is_not_confused_with_the_whole_one(tmp_path: Path) -> None:
    trials = [(CONFIG, result(1, 0.7)), (OTHER, result(2, 0.8))]
    reading = record(tmp_path, trials, fit={"metrics": ["AUROC"], "metric_kwargs": {"max_fpr": 0.3}})
    keep(tmp_path, 1, 1.0)
    keep(tmp_path, 2, 2.0)
    assert "(of the whole AUROC +0." in verdict(reading).sentences[0]
