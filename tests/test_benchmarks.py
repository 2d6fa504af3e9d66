"""The benchmarks' own machinery: what a stack of fits and searches in lockstep say is what `Fit` and `AutoMAX` say."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(autouse=True)
def _scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.delitem(sys.modules, "coverage", raising=False)  # the script, not the package that measures coverage of tests


@pytest.mark.parametrize(
    "loss", ["AUCMLoss", "CompositionalAUCLoss", "APLoss", "pAUC_DRO_Loss", "tpAUC_KL_Loss", "CrossEntropyLoss"]
)
def test_a_stacked_fit_has_the_scores_of_a_fit(loss: str) -> None:
    from stacked import Setting, differences

    setting = Setting(hidden=(8, 4), epochs=4, sampling_rate=0.25, batch_size=64)
    assert differences("digits", loss, setting, 3) == pytest.approx((0, 0), abs=1e-3)


def test_a_row_of_scores_has_scikit_learns_auroc() -> None:
    from stacked import auroc

    generator = torch.Generator().manual_seed(0)
    scores = torch.randint(0, 6, (5, 40), generator=generator).float()  # many ties
    targets = (torch.rand(40, generator=generator) < 0.3).float()
    assert auroc(scores, targets).tolist() == pytest.approx([roc_auc_score(targets, row) for row in scores])


def test_the_greedy_choice_adds_what_helps_most_beside_the_default() -> None:
    from portfolio import choose

    # Two tasks: the first is good with the default, the second only with the last configuration.
    regret = np.array([[0.0, 1.0, 0.2, 2.0], [3.0, 2.0, 1.0, 0.1]])
    assert choose(regret, 2) == [3, 1]


def test_regret_is_0_for_the_best_and_1_for_the_90th_percentile() -> None:
    from portfolio import regrets

    found = np.array([[*np.linspace(0.5, 0.9, 11), np.nan]])
    assert regrets(found)[0].tolist() == pytest.approx([*range(10, -1, -1), np.inf])


def test_a_search_in_lockstep_is_automax_trial_by_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    import search_quality

    def start(root: Path, task: str) -> list[dict[str, Any]]:
        return [{"loss_kwargs:margin": 0.8, "optimizer_kwargs:epoch_decay": 0.001, "optimizer_kwargs:lr": 2.0,
                 "optimizer_kwargs:momentum": 0.9, "optimizer_kwargs:weight_decay": 0.0, "sampling_rate": 0.3}]  # fmt: skip

    monkeypatch.setattr(search_quality, "left_out", start)
    monkeypatch.setattr(search_quality, "EPOCHS", 3)
    found = search_quality.confirm(Path("unused"), "digits", 6)
    assert found.on_fit == pytest.approx(found.in_lockstep, abs=1e-3)
    assert found.on_fit > 0.5
    assert found.apart.max() < 1e-3


def test_the_best_so_far_brings_its_own_test_score() -> None:
    from search_quality import so_far, trials_to

    trials = np.array([[0.5, 0.1], [np.nan, 0.9], [0.7, 0.2], [0.6, 0.8]])
    assert so_far(trials).tolist() == [[0.5, 0.1], [0.5, 0.1], [0.7, 0.2], [0.7, 0.2]]
    assert trials_to(np.array([[3.0, 1.0, 0.5], [3.0, 3.0, 3.0]]), np.array([1.0, 1.0])).tolist() == [2, 4]


def test_coverage_is_measured_against_known_areas_and_with_the_packages_own_intervals() -> None:
    from coverage import OURS, Cell, Effort, coverage

    effort = Effort(runs=200, bootstraps=4, repeats=40)
    alone = coverage("AUROC", [Cell("wide", 0.85, 5, 60)], 0.0, 0, effort)
    assert {"percentile bootstrap", "logit DeLong", "Newcombe, method 5", OURS} <= set(alone)
    assert alone[OURS][0] >= 0.93 > alone["logit DeLong"][0]
    gap = coverage("AUPRC", [Cell("discrete", 0.85, 5, 60)] * 2, 0.9, 0, effort)
    assert gap[OURS][2] <= 0.05
    assert OURS not in coverage("AUROC", [Cell("normal", 0.7, 4, 60)], 0.0, 0, effort)


def test_the_true_areas_of_normal_scores() -> None:
    from coverage import Cell

    assert Cell("narrow", 0.7, 5, 60).truth("AUROC") == pytest.approx(0.7, abs=1e-4)
    assert Cell("normal", 0.5, 20, 60).truth("AUPRC") == pytest.approx(0.25, abs=1e-3)
