"""Tables on the command line: what cannot be read ends with code 2 and one line, before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from automax_lightning.cli import main

RNG = np.random.default_rng(0)


def write(tmp_path: Path, **data: Any) -> list[str]:
    config = {
        "model": {
            "class_path": "automax_lightning.AUCModule",
            "init_args": {
                "model": {"class_path": "automax_lightning.models.MLP", "init_args": {"hidden": [4]}},
                "loss": "AUCMLoss",
            },
        },
        "data": {"class_path": "automax_lightning.TabularDataModule", "init_args": {"target": "label", "batch_size": 16, **data}},
        "trainer": {"max_epochs": 1},
        "automax": {"name": "t", "n_trials": 1, "output_directory": str(tmp_path / "out")},
    }
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(config))
    return ["tune", "--config", str(tmp_path / "c.yaml")]


@pytest.mark.parametrize(
    ("content", "data", "message"),
    [
        ("a,label\n1,0\n1,2,3\n", {}, "as many fields in each row as in the header"),
        ("", {}, "expected a table, found the empty file"),
        ("a,label,a\n1,0,2\n", {}, "one column of each name"),
        ("a,label\n1,0\n", {"target": "lable"}, "Did you mean 'label'?"),
        ("a,label\n1,0\n", {"path": "no.csv"}, "an existing file"),
        ("a,label\n1,Yes\n2,yes\n3,no\n", {"positive": True}, "one spelling of a label, found 'Yes' (1 row), 'yes' (1 row)"),
    ],
)
def test_a_table_that_cannot_be_used_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, data: Any, message: str
) -> None:
    (tmp_path / "d.csv").write_text(content)
    assert main(write(tmp_path, **{"path": str(tmp_path / "d.csv"), **data})) == 2
    said = capsys.readouterr().err.splitlines()
    assert message in said[-1]
    assert len(said) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_table_with_words_dates_and_gaps_is_tuned(tmp_path: Path) -> None:
    table = pd.DataFrame({
        "seen": pd.date_range("2024-01-01", periods=90).strftime("%d.%m.%Y"), "x": RNG.normal(size=90).round(3),
        "kind": np.where(RNG.random(90) < 0.1, None, "k"), "label": np.where(np.arange(90) % 4 == 0, "yes", "no"),
    })  # fmt: skip
    table.to_csv(tmp_path / "d.csv", index=False, sep=";", decimal=",")
    assert main([*write(tmp_path, path=str(tmp_path / "d.csv"), positive=True), "--quiet"]) == 0
