"""The examples of an installed package: listed, copied, and never over a file of the user's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import automax_lightning
from automax_lightning.cli import main
from automax_lightning.cli.examples import copy, home, names
from automax_lightning.errors import ConfigError

SOURCE = Path(__file__).parents[2] / "examples"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_they_are_listed_with_a_sentence_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["examples"]) == 0
    printed = capsys.readouterr().out
    assert "digits.yaml                     Real images" in printed
    assert "recipes/auroc.yaml              AUROC: AUCMLoss with PESG.\n" in printed
    assert all(f"\n{name}" in f"\n{printed}" for name in names())
    assert f"They are in {SOURCE}" in printed


def test_all_are_copied_with_their_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["examples", "--copy", str(tmp_path / "new" / "examples")]) == 0
    copied = contents(tmp_path / "new" / "examples")
    assert copied == {name: (SOURCE / name).read_bytes() for name in names()}
    assert {"digits.yaml", "cli.yaml", "recipes/auroc.yaml", "tune_csv.py", "tune.ipynb"} <= set(copied)
    printed = capsys.readouterr().out.splitlines()
    assert sorted(printed) == sorted(str(tmp_path / "new" / "examples" / name) for name in names())


def test_an_existing_file_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "auroc.yaml").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine too")
    before = contents(tmp_path)
    assert main(["examples", "--copy", str(tmp_path)]) == 2
    assert contents(tmp_path) == before
    said = capsys.readouterr().err
    assert said.startswith(f"automax-lightning: examples --copy: expected a folder without these files, found {tmp_path}")
    assert "recipes/auroc.yaml. Choose another folder." in said


def test_files_beside_them_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    copy(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    with pytest.raises(ConfigError, match=rf"README.md and {len(names()) - 1} more"):
        copy(tmp_path)


def test_a_broken_link_of_that_name_counts_as_a_file(tmp_path: Path) -> None:
    os.symlink(tmp_path / "elsewhere.yaml", tmp_path / "digits.yaml")
    with pytest.raises(ConfigError, match=r"found .*digits\.yaml\. "):
        copy(tmp_path)
    assert not (tmp_path / "elsewhere.yaml").exists()


def test_a_folder_that_is_a_file_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match="expected a folder that can be written to, found .*file"):
        copy(tmp_path / "file")


def test_what_an_example_left_behind_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "automax_lightning"
    shutil.copytree(SOURCE, package / "examples", ignore=shutil.ignore_patterns("automax_output", "__pycache__"))
    (package / "examples" / "automax_output" / "digits").mkdir(parents=True)
    (package / "examples" / "automax_output" / "digits" / "journal.jsonl").write_text("{}")
    monkeypatch.setattr(automax_lightning, "__file__", str(package / "__init__.py"))
    assert home() == package / "examples"
    assert "digits.yaml" in names()
    assert not [name for name in names() if name.startswith("automax_output")]


def test_a_package_without_them_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automax_lightning, "__file__", str(tmp_path / "automax_lightning" / "__init__.py"))
    with pytest.raises(ConfigError, match="expected the examples inside the package, found none"):
        home()


def test_the_command_imports_nothing_heavy() -> None:
    code = (
        "import sys; from automax_lightning.cli import main; main(['examples']); "
        "print(sorted({'torch', 'lightning', 'smac', 'libauc', 'numpy'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
