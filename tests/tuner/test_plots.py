"""What `AutoMAX` shows of itself, after real fits."""

from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.metrics import roc_auc_score

from automax_lightning.errors import ReportError
from automax_lightning.report.intervals import difference
from automax_lightning.search.record import SearchRecord
from automax_lightning.trial.score_file import FILE, read_scores
from automax_lightning.utils.imports import need_extra
from tests.support.searching import factory, tuner

PLOTS = ("plot_history", "plot_curves", "plot_parallel", "plot_slice", "plot_importance", "plot_roc", "plot_pr")


def test_a_search_draws_itself_and_says_the_same_as_its_directory(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=5)
    search.optimize()
    again = SearchRecord.of(search.directory)
    ours = search.reading()
    assert ours.history == again.history
    assert ours.history.curves
    one, other = (search.history.results[number] for number in (2, 1))
    gap = difference(*(ours.scores_of(each).splits["test"] for each in (one, other)), "AUROC")
    assert gap is not None
    assert gap.value == pytest.approx(one.test["AUROC"] - other.test["AUROC"], abs=1e-6)
    assert (ours.name, ours.n_trials, ours.best, ours.parameters) == ("s", 5, again.best, again.parameters)
    for name in PLOTS:
        assert getattr(search, name)().data, name
    path = search.report()
    assert path == search.directory / "report.html"
    assert search.report(tmp_path / "other.html").read_text().count("plotly-graph-div") == len(PLOTS)
    study = search.to_optuna()
    assert study.best_value == search.best_score
    assert study.study_name == "s"


def test_with_epochs_as_budget_the_best_trial_has_its_curves(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=4, made=factory(epochs=3), min_budget=1)
    search.optimize()
    reading = search.reading()
    held = reading.scores_of(reading.best).splits
    assert {"val", "test"} <= set(held)
    assert reading.best is not None
    assert roc_auc_score(held["val"].labels, held["val"].scores) == pytest.approx(search.best_score, abs=1e-6)
    paused = [each for each in reading.scored if each.status.name == "PAUSED"]
    assert paused
    assert "paused" in (search.report()).read_text()


def test_before_the_first_trial_there_is_nothing_to_show(tmp_path: Path) -> None:
    search = tuner(tmp_path)
    with pytest.raises(ReportError, match="Run optimize"):
        search.report()
    with pytest.raises(ReportError, match="at least one trial with a score"):
        search.plot_history()
    assert not list(tmp_path.iterdir())


def test_what_is_overwritten_is_not_shown(tmp_path: Path) -> None:
    tuner(tmp_path, n_trials=1).optimize()
    stale = tuner(tmp_path, n_trials=1).report()
    afresh = tuner(tmp_path, n_trials=1, overwrite=True)
    with pytest.raises(ReportError, match="at least one trial with a score"):
        afresh.plot_history()
    afresh.optimize()
    assert afresh.plot_history().data
    assert not stale.exists()


def test_a_missing_extra_says_how_to_get_it() -> None:
    with pytest.raises(ReportError, match=r'found no no_such_partner. Install it: pip install "automax-lightning\[report\]"'):
        need_extra("AutoMAX.report", ("plotly", "no_such_partner"))
    need_extra("AutoMAX.report", ("plotly",))


@pytest.mark.slow
def test_two_ranks_keep_the_scores_of_every_sample_once(tmp_path: Path) -> None:
    made = factory(trainer_kwargs={"accelerator": "cpu", "devices": 2, "strategy": "ddp"}, epochs=1)
    search = tuner(tmp_path, n_trials=1, made=made, executor="process")
    search.optimize()
    assert search.best is not None
    assert search.best.checkpoint is not None
    held = read_scores(search.best.checkpoint.with_name(FILE)).splits
    data = made.autofunc.data
    for split, dataset, expected in zip(
        ("val", "test"), data.datasets[1:], (search.best.score, search.best.test["AUROC"]), strict=True
    ):
        assert len(held[split].labels) == len(dataset)
        assert roc_auc_score(held[split].labels, held[split].scores) == pytest.approx(expected, abs=1e-6)
