from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from automax_lightning.report.notes import notes
from automax_lightning.report.page.page import page
from automax_lightning.report.verdict import gap_on_test
from automax_lightning.search.record import SearchRecord
from automax_lightning.trial.records import Status
from tests.support.searches import keep, record, result, space

DEFAULT = {"lr": 0.01, "size": (8,)}


def two(directory: Path, **best: Any) -> SearchRecord:
    return record(directory, [(DEFAULT, result(1, 0.7)), ({**DEFAULT, **best}, result(2, 0.8))])


@pytest.mark.parametrize(
    ("lr", "expected"),
    [
        (0.1, ["The best lr, 0.1, lies at the upper end of its range (0.001 to 0.1): widen lr."]),
        (0.001, ["The best lr, 0.001, lies at the lower end of its range (0.001 to 0.1): widen lr."]),
        (0.0012, []),  # 4 % of the range on its logarithmic scale
        (0.05, []),
    ],
)
def test_a_best_value_at_an_end_of_its_range(lr: float, expected: list[str], tmp_path: Path) -> None:
    assert notes(two(tmp_path, lr=lr)) == expected


def test_whole_numbers_are_at_an_end_only_there(tmp_path: Path) -> None:
    over = space(width={"low": 4, "high": 400})
    for width, expected in (
        (399, []),
        (400, ["The best width, 400, lies at the upper end of its range (4 to 400): widen width."]),
    ):
        found = record(tmp_path / str(width), [({"width": 9}, result(1, 0.7)), ({"width": width}, result(2, 0.8))], over)
        assert notes(found) == expected


def test_the_default_was_already_the_best(tmp_path: Path) -> None:
    found = record(tmp_path, [({**DEFAULT, "lr": 0.1}, result(1, 0.8)), (DEFAULT, result(2, 0.7))])
    assert notes(found) == ["The default configuration was already the best of 2 trials: the search has gained nothing."]


def test_a_gain_inside_the_noise(tmp_path: Path) -> None:
    found = two(tmp_path, lr=0.05)
    keep(tmp_path, 1, 1.0)
    keep(tmp_path, 2, 1.1)
    _, gap = gap_on_test(found)
    assert gap is not None
    interval = f"AUROC {gap.value:+.4f} (95 % interval {gap.low:+.4f} to {gap.high:+.4f})"
    assert notes(found) == [f"On the test split the gain over the default is inside the noise: {interval}."]


def test_a_clear_gain_needs_no_note(tmp_path: Path) -> None:
    found = two(tmp_path, lr=0.05)
    keep(tmp_path, 1, 0.5)
    keep(tmp_path, 2, 3.0)
    assert notes(found) == []


def test_small_splits_and_the_page(tmp_path: Path) -> None:
    found = two(tmp_path, lr=0.1)
    keep(tmp_path, 1, 1.0, size=12)
    keep(tmp_path, 2, 1.1, size=12)
    small = "split has only 3 positive samples: with fewer than 5 nothing can be said."
    widen = "The best lr, 0.1, lies at the upper end of its range (0.001 to 0.1): widen lr."
    assert notes(found) == [widen, f"The validation {small}", f"The test {small}"]
    text = page(found)
    for sentence in (widen, f"The validation {small}", "with 3 positive samples nothing can be said about it."):
        assert text.count(sentence) == 1
    assert "no interval: 3 positive samples" in text


def test_without_a_score_there_is_nothing_to_note(tmp_path: Path) -> None:
    assert notes(record(tmp_path / "a", [(DEFAULT, result(1, None, Status.CRASHED))])) == []
    assert notes(record(tmp_path / "b", [({**DEFAULT, "lr": 0.1}, result(1, 0.7))])) == []
