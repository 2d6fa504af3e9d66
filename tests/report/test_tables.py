from __future__ import annotations

import math
from pathlib import Path

from automax_lightning import Objective, Status, TrialResult, TrialSpec
from automax_lightning.report import arm_table, summary, trial_table, trials_dataframe
from automax_lightning.search.storage.history import History
from tests.support.searches import record, result

SPECS = (
    TrialSpec(1, {"lr": 0.1, "kind": "sgd"}, origin="default"),
    TrialSpec(2, {"lr": 0.2}, origin="gp"),
    TrialSpec(3, {"lr": 0.3}, origin="forest"),
)
RESULTS = {
    1: TrialResult(1, Status.SUCCESS, 0.823456, val={"AUROC": 0.823456}, test={"AUROC": 0.81}, epochs=2, checkpoint=Path("a")),
    2: TrialResult(2, Status.CRASHED, reason="ValueError: mine"),
}


def test_the_table_is_the_originals_and_never_shows_a_status_as_a_score() -> None:
    rule = "-" * 40
    assert trial_table(RESULTS, Objective("AUROC")).splitlines() == [
        rule, "Trial    Val AUROC", rule, "1        0.823456", "2        crashed: ValueError: mine", rule,
    ]  # fmt: skip


def test_the_frame_has_a_row_for_every_trial_and_a_column_for_every_value() -> None:
    frame = trials_dataframe(SPECS, RESULTS)
    assert frame["trial"].tolist() == [1, 2, 3]
    assert frame["status"].tolist() == ["SUCCESS", "CRASHED", "RUNNING"]
    assert frame["lr"].tolist() == [0.1, 0.2, 0.3]
    assert frame.loc[0, ["score", "val/AUROC", "test/AUROC", "checkpoint"]].tolist() == [0.823456, 0.823456, 0.81, "a"]
    assert math.isnan(frame.loc[1, "score"])
    assert frame["kind"].isna().tolist() == [False, True, True]


def test_the_summary_compares_the_default_with_the_best() -> None:
    best = TrialResult(3, Status.SUCCESS, 0.9, test={"AUROC": 0.85})
    text = summary(History(asks=SPECS, results={**RESULTS, 3: best}), best, Objective("AUROC"), Path("out/x_best"))
    assert text.splitlines() == [
        "Best configuration (trial 3):", "  lr = 0.3", "          validation AUROC    test AUROC",
        "default   0.823456            0.810000", "best      0.900000            0.850000",
        "Best checkpoint: out/x_best/best.ckpt",
    ]  # fmt: skip
    assert summary(History(), None, Objective("AUROC"), Path("a")) == "No trial has a score."


def test_the_reason_of_a_failure_is_one_line_without_control_sequences() -> None:
    reason = "ValueError: \x1b[31mred\x1b[0m\n\x1b]0;title\x07second \udcff"
    table = trial_table({1: TrialResult(1, Status.CRASHED, reason=reason)}, Objective("AUROC"))
    assert table.splitlines()[3] == "1        crashed: ValueError: red second \\udcff"
    table.encode("utf-8")


def test_values_of_a_space_cannot_steer_the_terminal(tmp_path: Path) -> None:
    trials = [({"kind": "\x1b[2Jb"}, result(1, 0.7)), ({"kind": "a"}, result(2, 0.6))]
    made = record(tmp_path, trials)
    assert "b                            1      0.700000" in arm_table(made.history, made.objective, "kind")
    assert "\x1b" not in summary(made.history, made.best, made.objective, tmp_path)
