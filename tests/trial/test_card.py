from __future__ import annotations

from pathlib import Path

from automax_lightning import Status, TrialResult
from automax_lightning.trial.card import configuration_card, result_card


def test_a_whole_trial_shows_scores_epochs_and_checkpoint() -> None:
    result = TrialResult(
        7, Status.SUCCESS, 0.91234, {"AUROC": 0.91234}, {"AUROC": 0.9}, 5, 4, seconds=75, checkpoint=Path("a/b.ckpt")
    )
    card = result_card(result)
    for text in ("Trial 7", "finished", "0.9123", "5, best at 4", "75 s", "a/b.ckpt"):
        assert text in card
    assert "partial" not in card
    assert "reason" not in card
    assert result._repr_html_() == card


def test_a_partial_score_says_so_and_a_missing_one_is_a_dash() -> None:
    assert "0.9000 (partial)" in result_card(TrialResult(1, Status.STOPPED, 0.9, reason="worse"))
    assert ">-</td>" in result_card(TrialResult(1, Status.CRASHED, reason="x"))


def test_what_a_user_wrote_is_escaped_and_brings_no_style_for_a_whole_page() -> None:
    card = result_card(TrialResult(1, Status.CRASHED, reason="ValueError: <script>", val={"<b>": 0.5}))
    assert "<script>" not in card
    assert "<b>" not in card
    assert "<style" not in card


def test_a_configuration_is_shown_by_short_names_with_the_long_ones_as_titles() -> None:
    card = configuration_card({"model.init_args.lr": 0.000123456, "data:size": (8, 16), "x": "<i>"})
    for text in ('title="model.init_args.lr">0.0001235<', ">lr</th>", "(8, 16)", "&lt;i&gt;"):
        assert text in card
    assert "<tbody></tbody>" in configuration_card({})
