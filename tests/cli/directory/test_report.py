from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from automax_lightning.cli import main
from tests.support.searches import plain


def test_the_command_writes_the_page_from_the_directory_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain(tmp_path / "mine")
    assert main(["report", str(tmp_path / "mine")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'mine' / 'report.html'}\n"
    assert main(["report", str(tmp_path / "mine"), "--output", str(tmp_path / "new" / "x.html")]) == 0
    assert (tmp_path / "new" / "x.html").exists()
    assert not list(tmp_path.rglob("*.new"))


@pytest.mark.parametrize("arguments", [[], ["nowhere"], ["--what"], ["a", "b"]])
def test_bad_input_is_one_line_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", *arguments]) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert error
    assert not list(tmp_path.iterdir())


def test_a_directory_without_a_search_is_named_with_what_to_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", "nowhere"]) == 2
    assert capsys.readouterr().err == (
        "automax-lightning: nowhere: expected the directory of a search, which holds its journal.jsonl, found none. "
        "Pass <output_directory>/<name>, e.g. automax_output/mine.\n"
    )


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--help"]) == 0
    assert "--output FILE" in capsys.readouterr().out
    assert main(["reprot"]) == 2
    assert "Did you mean 'report'" in capsys.readouterr().err


def test_a_report_loads_no_torch(tmp_path: Path) -> None:
    plain(tmp_path)
    code = (
        f"import sys; from automax_lightning.cli import main; main(['report', {str(tmp_path)!r}]);"
        "print(sorted({'torch', 'lightning', 'smac', 'libauc'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
