from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from automax_lightning.errors import ReportError
from automax_lightning.report.figures.scores import plot_pr, plot_roc
from automax_lightning.trial.score_file import FILE, keep_scores, read_scores
from tests.support.figures import trace
from tests.support.searches import keep, plain, record, result


def test_the_areas_in_the_legend_are_those_of_the_kept_scores(tmp_path: Path) -> None:
    reading = plain(tmp_path)
    assert reading.best is not None
    held = read_scores(tmp_path / "trials" / f"{reading.best.number:04d}" / "checkpoints" / FILE).splits["test"]
    assert trace(plot_roc(reading), f"test: AUROC {roc_auc_score(held.labels, held.scores):.3f}")
    figure = plot_pr(reading)
    curve = trace(figure, f"test: AUPRC {average_precision_score(held.labels, held.scores):.3f}")
    x, y = np.asarray(curve.x), np.asarray(curve.y)
    assert np.sum(np.diff(x) * y[1:]) == pytest.approx(average_precision_score(held.labels, held.scores), abs=1e-3)
    assert curve.line.shape == "vh"  # the step up to a recall has the precision at which it is reached


def test_several_labels_have_a_curve_each(tmp_path: Path) -> None:
    reading = record(tmp_path, [({"lr": 0.01, "size": (8,)}, result(1, 0.8))])
    labels = np.stack([np.arange(40) % 2, np.arange(40) % 3 == 0, np.zeros(40)], axis=1).astype(int)
    scores = np.random.default_rng(0).normal(size=(40, 3))
    path = tmp_path / "trials" / "0001" / "checkpoints" / FILE
    path.parent.mkdir(parents=True)
    keep_scores(path, [SimpleNamespace(evaluated={"val": (scores, labels)})], "val", epoch=2)
    assert [each.name for each in plot_roc(reading).data][1:] == ["validation, label 0", "validation, label 1"]


def test_scores_of_another_epoch_are_not_drawn(tmp_path: Path) -> None:
    reading = record(tmp_path, [({"lr": 0.01, "size": (8,)}, result(1, 0.7))])
    keep(tmp_path, 1, 1.0, epoch=1)
    with pytest.raises(ReportError, match="none that were kept: they belong to another epoch"):
        plot_roc(reading)


def test_two_splits_of_many_labels_would_be_a_tangle_so_the_test_split_is_drawn(tmp_path: Path) -> None:
    made = record(tmp_path, [({"lr": 0.01, "size": (8,)}, result(1, 0.8))])
    labels = np.stack([np.arange(40) % 2, np.arange(40) % 3 == 0], axis=1).astype(int)
    path = tmp_path / "trials" / "0001" / "checkpoints" / FILE
    path.parent.mkdir(parents=True)
    evaluated = dict.fromkeys(("val", "test"), (np.random.default_rng(0).normal(size=(40, 2)), labels))
    for split, epoch in (("val", 2), ("test", None)):
        keep_scores(path, [SimpleNamespace(evaluated=evaluated)], split, **({} if epoch is None else {"epoch": epoch}))
    assert [each.name for each in plot_pr(made).data] == ["test, label 0", "test, label 1"]


def test_a_curve_of_many_scores_is_thinned_and_keeps_its_ends(tmp_path: Path) -> None:
    made = record(tmp_path, [({"lr": 0.01, "size": (8,)}, result(1, 0.8))])
    keep(tmp_path, 1, 0.5, size=6000)
    curve = trace(plot_roc(made), "validation")
    assert len(curve.x) <= 800
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0.0, 0.0, 1.0, 1.0)
    assert (np.diff(curve.x) >= 0).all()
