from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from automax_lightning.utils.files import link_or_copy, remove_if_empty, write_atomically


def test_a_file_is_written_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "state"
    for content in (b"one", b"", b"three\n" * 1000):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_kill_left_half_written_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "state.new").write_bytes(b"half of an earl")
    write_atomically(tmp_path / "state", b"whole")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"state": b"whole"}


def test_a_kill_before_the_rename_leaves_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_bytes(b"old")
    code = f"""
import os
from pathlib import Path
from automax_lightning.utils.files import write_atomically
os.replace = lambda *names: os._exit(9)
write_atomically(Path({str(path)!r}), b"new")
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert path.read_bytes() == b"old"


def test_a_link_shares_the_content_and_outlives_the_first_name(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_text("content")
    link_or_copy(source, target)
    assert os.path.samefile(source, target)
    source.unlink()
    assert target.read_text() == "content"


def test_without_hard_links_it_is_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: object, target: object) -> None:
        raise OSError("no links on this file system")

    monkeypatch.setattr(os, "link", refuse)
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_text("content")
    link_or_copy(source, target)
    source.write_text("changed")
    assert target.read_text() == "content"


def test_only_an_empty_folder_is_removed_and_a_failing_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("empty", "full", "broken"):
        (tmp_path / name).mkdir()
    (tmp_path / "full" / "mine").touch()
    for name in ("empty", "full", "nowhere"):
        remove_if_empty(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken", "full"]

    def fails(path: Path) -> None:
        raise OSError(errno.EIO, "as asked")

    monkeypatch.setattr(Path, "rmdir", fails)
    with pytest.raises(OSError, match="as asked"):
        remove_if_empty(tmp_path / "broken")
