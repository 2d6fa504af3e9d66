from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from automax_lightning import AutoMAXConfig
from automax_lightning.report.page.rerun import call, command, versions
from automax_lightning.search.record import SearchRecord
from automax_lightning.search.storage.history import History
from automax_lightning.search.storage.journal import Journal
from automax_lightning.trial.records import Objective


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (["/usr/bin/automax-lightning", "tune", "--config", "a b.yaml"], "automax-lightning tune --config 'a b.yaml'"),
        (["my/script.py", "tune"], "python my/script.py tune"),
        (["/x/ipykernel_launcher.py", "-f", "k.json"], None),
        (["-c"], None),
        (["/usr/bin/pytest"], None),
        ([], None),
    ],
)
def test_the_command_to_go_on_is_the_one_that_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: list[str], expected: str | None
) -> None:
    monkeypatch.setattr(sys, "argv", line)
    with Journal(tmp_path, {"target": "AUROC", "mode": "max"}):
        pass
    assert command(SearchRecord.of(tmp_path)) == expected


def test_the_call_to_go_on_has_the_settings_that_differ_and_never_overwrites() -> None:
    config = {
        "name": "a",
        "n_trials": 5,
        "SEED": 3,
        "overwrite": True,
        "verbose": True,
        "initial_configs": [],
        "eta": 3,
        "target": "x",
    }
    text = call(SearchRecord(History(), Objective("AUPRC"), config=config))
    assert text.splitlines()[0] == "config = AutoMAXConfig(name='a', n_trials=5, SEED=3)"
    assert "target='AUPRC'" in text


def test_the_call_is_python_that_makes_the_same_settings() -> None:
    config = {"name": "it's", "n_trials": 5, "n_seeds": 2, "early_stop_epochs": (1, 3), "output_directory": "o u t"}
    line = call(SearchRecord(History(), Objective(), config=config)).splitlines()[0]
    made: dict[str, AutoMAXConfig] = {}
    exec(line, {"AutoMAXConfig": AutoMAXConfig}, made)
    assert made["config"] == AutoMAXConfig(**config)  # type: ignore[arg-type]


def test_a_search_that_never_ran_has_no_command() -> None:
    assert command(SearchRecord(History(), Objective())) is None


def test_versions_are_those_of_the_installed_packages() -> None:
    known = versions()
    assert known["numpy"] == version("numpy")
    assert known["python"].startswith(".".join(map(str, sys.version_info[:3])))
