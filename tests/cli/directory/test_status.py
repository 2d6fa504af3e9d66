from __future__ import annotations

from pathlib import Path

import pytest

from automax_lightning import Status
from automax_lightning.cli import main
from tests.support.searches import record, result


def test_a_search_is_told_in_a_few_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trials = [({"lr": 0.1}, result(1, 0.8)), ({"lr": 0.2}, result(2, None, Status.CRASHED)), ({"lr": 0.3}, None)]
    record(tmp_path / "mine", trials, n_trials=7)
    assert main(["status", str(tmp_path / "mine")]) == 0
    shown = capsys.readouterr().out
    assert "2 of 7 trials over (1 failed)" in shown
    assert "0.8000 (trial 1)" in shown
    assert "trial 3, epoch 1" in shown
    assert "nobody runs it" in shown


@pytest.mark.parametrize("arguments", [[], ["nowhere"], ["--what"], ["a", "b"]])
def test_bad_input_is_one_line_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["status", *arguments]) == 2
    error = capsys.readouterr().err
    assert error
    assert "Traceback" not in error
    assert not list(tmp_path.iterdir())


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--help"]) == 0
    assert "automax-lightning status" in capsys.readouterr().out
