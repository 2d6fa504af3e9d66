from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from automax_lightning.recipes.notes import notes_of
from automax_lightning.recipes.reading import from_mapping


def notes(training: dict[str, Any], automax: dict[str, Any] | None = None, loss: str = "AUCMLoss") -> list[str]:
    sections = {"dataset": {"name": "digits"}, "training": training, "automax": {"output_directory": "out", **(automax or {})}}
    return [note.split(":")[0] for note in notes_of(from_mapping(sections), loss)]


@pytest.mark.parametrize(
    ("training", "automax", "expected"),
    [
        ({}, {}, []),
        ({"save_checkpoint_every": 1}, {}, []),
        ({"save_checkpoint_every": 5}, {}, ["training.save_checkpoint_every"]),
        ({"resume_from_checkpoint": True}, {}, []),
        ({"resume_from_checkpoint": False}, {}, ["training.resume_from_checkpoint"]),
        ({"resume_from_checkpoint": False}, {"overwrite": True}, []),
        ({"output_path": "out"}, {}, []),
        ({"output_path": "elsewhere"}, {}, ["training.output_path"]),
    ],
)
def test_only_what_is_not_done_is_said(training: dict[str, Any], automax: dict[str, Any], expected: list[str]) -> None:
    assert notes(training, automax) == expected


def test_another_loss_than_the_asked_one_is_said() -> None:
    assert notes({"loss": "AUCMLoss"}, loss="MultiLabelAUCMLoss") == ["training.loss"]


def test_everything_at_once_is_a_sentence_each(tmp_path: Path) -> None:
    asked = {"save_checkpoint_every": 2, "resume_from_checkpoint": False, "output_path": str(tmp_path)}
    assert len(notes(asked, loss="MultiLabelAUCMLoss")) == 4
