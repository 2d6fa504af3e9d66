from __future__ import annotations

from pathlib import Path

from automax_lightning import Objective, Status
from automax_lightning.report.page.search_card import search_card
from automax_lightning.search.planning.plan import Plan
from tests.support.searches import plain, record, result


def test_a_search_is_its_settings_its_verdict_and_its_trials(tmp_path: Path) -> None:
    card = search_card(plain(tmp_path / "mine"), Plan(20, Objective()))
    for text in ("AutoMAX mine", "maximise AUROC", "8 of 20 trials", "2 hyperparameters", "<table"):
        assert text in card
    assert "<style" not in card


def test_before_the_first_trial_there_is_no_table(tmp_path: Path) -> None:
    card = search_card(record(tmp_path / "new", [], mode="min"), Plan(3, Objective()))
    assert "minimise AUROC" in card
    assert "0 of 3 trials" in card
    assert "<table" not in card


def test_more_trials_than_were_asked_for_are_counted(tmp_path: Path) -> None:
    trials = [({"lr": 0.01}, result(number, 0.5)) for number in (1, 2)]
    assert "2 of 2 trials" in search_card(record(tmp_path, trials), Plan(1, Objective()))


def test_what_a_user_wrote_is_escaped(tmp_path: Path) -> None:
    failed = result(1, None, Status.CRASHED, reason="<script>")
    assert "<script>" not in search_card(record(tmp_path, [({"kind": "<script>"}, failed)]), Plan(1, Objective()))
