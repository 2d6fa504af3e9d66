from __future__ import annotations

from pathlib import Path

import pytest

from automax_lightning.cli import main
from automax_lightning.search.storage.journal import read
from tests.support.journals import damaged


def test_the_command_says_what_is_lost_and_the_search_can_be_read_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged(tmp_path, line=4)
    assert main(["status", str(tmp_path)]) == 2
    assert f"or run: automax-lightning repair {tmp_path}" in capsys.readouterr().err
    assert main(["repair", str(tmp_path)]) == 0
    assert "line 4 is lost: its checksum differs from its content" in capsys.readouterr().out
    assert read(tmp_path).settings
    assert main(["repair", str(tmp_path)]) == 0
    assert "The journal is whole" in capsys.readouterr().out


def test_a_directory_without_a_search_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["repair", str(tmp_path)]) == 2
    assert "expected the directory of a search" in capsys.readouterr().err
