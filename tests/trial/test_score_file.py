"""Scores on disk: what ROC and precision-recall curves are drawn from later."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from automax_lightning import AUROC, AUCModule, AutoMAX, AutoMAXConfig, DigitsDataModule, Fit, TrialSpec, trainer_factory
from automax_lightning.models import MLP
from automax_lightning.trial import score_file as scores
from automax_lightning.trial.score_file import FILE, keep_scores, read_scores
from tests.support.fits import make
from tests.support.searching import factory, table, tuner

DATA = DigitsDataModule()


def fit(epochs: int = 3, **kwargs: Any) -> Fit:
    return Fit(lambda: AUCModule(MLP((8,))), DATA, epochs=epochs, callbacks=[AUROC()], trainer_kwargs={"accelerator": "cpu"},
               **kwargs)  # fmt: skip


def offering(**splits: Any) -> list[Any]:
    return [object(), SimpleNamespace(evaluated=splits)]


def test_a_trial_keeps_the_scores_of_its_best_epoch_on_both_splits(tmp_path: Path) -> None:
    result = fit().run(spec=TrialSpec(1, {}, directory=tmp_path))
    kept = read_scores(tmp_path / "checkpoints" / FILE)
    assert kept.epoch == result.best_epoch
    assert not kept.notes
    for split, expected in (("val", result.score), ("test", result.test["AUROC"])):
        held = kept.splits[split]
        assert (held.scores.dtype, held.labels.dtype) == (np.float32, np.int8)
        assert roc_auc_score(held.labels, held.scores) == pytest.approx(expected, abs=1e-6)


def test_a_continued_trial_ends_with_the_same_scores(tmp_path: Path) -> None:
    fit(4).run(spec=TrialSpec(1, {}, directory=tmp_path / "straight"))
    fit(4).run(spec=TrialSpec(1, {}, budget=2, directory=tmp_path / "cut"))
    cut = tmp_path / "cut" / "checkpoints" / FILE
    assert "test" not in read_scores(cut).splits
    fit(4).run(spec=TrialSpec(1, {}, directory=tmp_path / "cut"))
    assert cut.read_bytes() == (tmp_path / "straight" / "checkpoints" / FILE).read_bytes()


def test_a_users_own_module_has_no_such_file(tmp_path: Path) -> None:
    assert make().run(spec=TrialSpec(1, {}, directory=tmp_path)).score is not None
    assert not list(tmp_path.rglob(f"{FILE}*"))


def test_a_run_by_hand_forgets_the_scores_of_the_one_before(tmp_path: Path) -> None:
    stale = tmp_path / "trial" / "checkpoints" / FILE
    stale.parent.mkdir(parents=True)
    stale.touch()
    by_hand = make()
    by_hand.output_path = tmp_path
    by_hand.run()
    assert not stale.exists()


@pytest.mark.parametrize("settings", [{}, pytest.param({"executor": "process"}, marks=pytest.mark.slow)])
def test_the_best_directory_has_the_best_trials_scores(tmp_path: Path, settings: dict[str, Any]) -> None:
    data = {} if not settings else {"model": MLP, "model_kwargs": {"hidden": (16,)}}
    search = tuner(tmp_path, made=factory(**data), **settings)
    search.optimize()
    best = search.best
    assert best is not None
    assert best.checkpoint is not None
    held = (search.best_directory / FILE).read_bytes()
    assert held == best.checkpoint.with_name(FILE).read_bytes()
    test = read_scores(search.best_directory / FILE).splits["test"]
    assert roc_auc_score(test.labels, test.scores) == pytest.approx(best.test["AUROC"], abs=1e-6)


def test_a_killed_search_is_continued_with_the_same_files(tmp_path: Path) -> None:
    straight, cut = tuner(tmp_path / "a"), tuner(tmp_path / "b")
    straight.optimize()
    cut.optimize()
    (cut.best_directory / FILE).unlink()  # as if killed between the best checkpoint and its scores
    journal = cut.directory / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]))  # and before the last result was recorded
    again = tuner(tmp_path / "b")
    again.optimize()
    assert table(again) == table(straight)
    kept = list(straight.directory.rglob(FILE))
    assert len(kept) > 3  # of each trial, and of the best one
    for path in kept:
        assert (again.directory / path.relative_to(straight.directory)).read_bytes() == path.read_bytes()


def test_a_paused_best_trial_that_went_on_brings_its_test_scores(tmp_path: Path) -> None:
    made = trainer_factory(MLP, DATA, epochs=4, trainer_kwargs={"accelerator": "cpu"})
    search = AutoMAX(made, AutoMAXConfig(n_trials=4, min_budget=1, output_directory=tmp_path), quiet=True)
    search.optimize()
    assert {"val", "test"} <= set(read_scores(search.best_directory / FILE).splits)


@pytest.mark.parametrize(
    ("offered", "note"),
    [
        ((np.zeros(5), np.zeros(5)), "5 scores are more than the 4 that are kept"),
        ((np.zeros(3), np.zeros(2)), "do not go with labels"),
        (np.zeros((2, 2, 2, 2)), "do not go with|something else"),
        ("ab", "something else"),
        (7, "something else"),
    ],
)
def test_what_cannot_be_kept_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offered: Any, note: str) -> None:
    import re

    monkeypatch.setattr(scores, "LIMIT", 4)
    keep_scores(tmp_path / FILE, offering(val=offered), "val", epoch=1)
    kept = read_scores(tmp_path / FILE)
    assert not kept.splits
    assert re.search(note, kept.notes["val"])


def test_the_limit_itself_is_kept_and_labels_keep_their_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "LIMIT", 4)
    path = tmp_path / FILE
    keep_scores(path, offering(val=(torch.rand(2, 2), torch.tensor([[0, 1], [1, 1]]))), "val", epoch=2)
    keep_scores(path, offering(test=(torch.rand(4), torch.tensor([0.5, 1, 2, 3]))), "test")
    kept = read_scores(path)
    assert kept.splits["val"].labels.tolist() == [[0, 1], [1, 1]]
    assert kept.splits["test"].labels.tolist() == [0.5, 1, 2, 3]
    assert kept.epoch == 2


def test_a_new_best_epoch_starts_the_file_anew_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    path = tmp_path / FILE
    keep_scores(path, offering(val=([1.0], [1])), "val", epoch=1)
    keep_scores(path, offering(test=([1.0], [1])), "test")
    keep_scores(path, offering(val=([2.0], [0])), "val", epoch=2)
    assert set(read_scores(path).splits) == {"val"}
    path.write_bytes(path.read_bytes()[:50])
    assert read_scores(path) == scores.TrialScores()
    assert read_scores(tmp_path / "none.npz") == scores.TrialScores()


def test_a_disk_that_refuses_is_no_silent_loss(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such directory"):
        keep_scores(tmp_path / "no such directory" / FILE, offering(val=([1.0], [1])), "val", epoch=1)
