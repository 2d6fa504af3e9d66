"""The ensemble's scores from what its members have kept, against the members by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from automax_lightning.report.ensemble import comparison, ensemble_scores
from automax_lightning.report.page.blocks import figures_of_merit
from automax_lightning.report.tables import summary
from automax_lightning.report.verdict import verdict
from automax_lightning.search.record import SearchRecord
from automax_lightning.search.storage.ensemble_folder import EnsembleFolder, EnsembleTable, Member
from automax_lightning.trial.checkpoint import TrialFiles
from automax_lightning.trial.score_file import read_scores
from tests.support.searches import keep, record, result


def delivered(directory: Path, seeds: tuple[int, int] = (0, 0), size: int = 400, target: str = "AUROC") -> SearchRecord:
    """Three trials, of which the second and the third are the ensemble."""
    trials = [({"lr": 0.01 * n, "size": (8,)}, result(n, 0.7 + 0.05 * n)) for n in (1, 2, 3)]
    record(directory, trials, target=target)
    keep(directory, 1, strength=0.5)
    for number, seed in zip((3, 2), seeds, strict=True):
        keep(directory, number, strength=1.5, size=size if number == 3 else 400, seed=seed)
        TrialFiles.of(directory, number).best.write_text("weights")
    members = tuple(Member(n, {"lr": 0.01 * n, "size": (8,)}, score=0.7 + 0.05 * n) for n in (3, 2))
    EnsembleFolder(directory, lambda *names: None).keep(EnsembleTable(members), ())
    return SearchRecord.of(directory)


def test_the_scores_are_those_of_the_members_averaged_by_rank(tmp_path: Path) -> None:
    search = delivered(tmp_path / "s")
    found = ensemble_scores(search)
    held = [read_scores(TrialFiles.of(tmp_path / "s", n).scores).splits["val"] for n in (3, 2)]
    by_hand = roc_auc_score(held[0].labels, np.sum([rankdata(each.scores) for each in held], axis=0))
    assert found is not None
    assert (found.members, found.metric) == ((3, 2), "AUROC")
    assert found.val == pytest.approx(by_hand)
    assert found.test == pytest.approx(by_hand)  # the two splits have the same scores here
    assert found.gap is not None
    assert found.gap.value == pytest.approx(by_hand - roc_auc_score(held[0].labels, held[0].scores))
    assert found.gap.low < found.gap.value < found.gap.high


def test_table_summary_verdict_and_page_show_it_and_say_that_validation_is_optimistic(tmp_path: Path) -> None:
    search = delivered(tmp_path / "s")
    found = ensemble_scores(search)
    assert found is not None
    table = comparison(search).splitlines()
    assert [line.split()[0] for line in table] == ["validation", "default", "best", "ensemble", "The"]
    assert table[3].split() == ["ensemble", f"{found.val:.6f}", f"{found.test:.6f}"]
    assert "trials 3, 2, which were chosen on the validation rows: its score there is optimistic" in table[4]
    shown = summary(search.history, search.best, search.objective, tmp_path, found)
    assert table[3] in shown
    sentence = verdict(search).sentences[1]
    assert sentence.startswith("The ensemble of 2 trials of validation AUROC")
    assert "which is optimistic, because its members were chosen there, has test AUROC" in sentence
    card = next(card for card in figures_of_merit(search) if card.name == "ensemble, test AUROC")
    assert card.value == f"{found.test:.4f}"


def test_members_that_have_other_rows_have_no_common_score(tmp_path: Path) -> None:
    found = ensemble_scores(delivered(tmp_path / "s", size=300))
    assert found is not None
    assert (found.val, found.test, found.gap) == (None, None, None)
    search = SearchRecord.of(tmp_path / "s")
    assert verdict(search).sentences[1] == "The ensemble of 2 trials has no test score."
    assert "trials 3, 2, each with validation rows of its own" in comparison(search)


def test_of_another_target_the_auroc_is_shown_and_named(tmp_path: Path) -> None:
    search = delivered(tmp_path / "s", target="ACC")
    assert comparison(search).splitlines()[3].split()[:2] == ["ensemble", "AUROC"]


def test_without_an_ensemble_nothing_is_said(tmp_path: Path) -> None:
    search = record(tmp_path / "s", [({"lr": 0.01, "size": (8,)}, result(1, 0.7))])
    assert ensemble_scores(search) is None
    assert comparison(search) == ""
    (tmp_path / "s" / "ensemble").mkdir()
    (tmp_path / "s" / "ensemble" / "ensemble.json").write_text("damaged")
    assert ensemble_scores(SearchRecord.of(tmp_path / "s")) is None
