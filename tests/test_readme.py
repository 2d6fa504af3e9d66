"""What the README says: it is short, its two commands stand first, and its Python gives the output that it shows."""

from __future__ import annotations

import ast
import re
from importlib.metadata import version
from pathlib import Path

import pytest

import automax_lightning
from automax_lightning import pairs
from tests.support.documents import HOME, RAW, ROOT, blocks, links, numbers, outputs, shape, story

README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")


def test_it_is_read_in_a_few_minutes() -> None:
    assert len(TEXT.split()) <= 900


@pytest.mark.slow
def test_its_first_python_is_short_and_shows_its_output(tmp_path: Path) -> None:
    first, shown = story(README)[0]
    assert len([line for line in first.splitlines() if line]) <= 12
    printed = outputs(README, tmp_path)[0]
    assert shown
    assert shape(printed) == shape(shown)
    # Scores and learning rates depend on the machine in their last digits, so they are compared as far as they do not.
    assert numbers(printed) == pytest.approx(numbers(shown), rel=0.05, abs=0.03)


def test_there_are_exactly_two_commands_for_a_newcomer() -> None:
    commands = [line for line in TEXT.splitlines() if line.startswith("pip install")]  # as .ci/run looks for them
    assert commands == [
        "pip install -e . && automax-lightning tune --config examples/digits.yaml",
        'pip install -e ".[dev]" && pytest',
    ]
    assert blocks(README, "bash")[0].startswith(commands[0])


def test_its_links_work_from_anywhere() -> None:
    assert links(README)
    assert [link for link in links(README) if not link.startswith("https://")] == []


def test_the_picture_is_small() -> None:
    (picture,) = [link for link in links(README) if link.endswith(".png")]
    assert picture.startswith(RAW)
    assert (ROOT / picture.removeprefix(RAW)).stat().st_size < 150_000


def test_every_page_is_linked_from_the_readme_or_its_index() -> None:
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "examples" / "guide").glob("*.md")}
    linked = {link.removeprefix(HOME) for link in links(README)}
    indexed = {f"examples/{link}" for link in links(ROOT / "examples" / "README.md")}
    assert pages <= indexed
    assert "examples/README.md" in linked


def test_the_losses_that_it_recommends_exist() -> None:
    section = TEXT.split("## Which loss")[1].split("\n## ")[0]
    recommended = re.findall(r"\| `(\w+)` \|", section)
    assert len(recommended) == 5
    assert set(recommended) <= set(pairs.names())
    assert f"All {len(pairs.names())}" in section


def test_what_it_calls_public_can_be_imported() -> None:
    names = {alias.name for block, _ in story(README) for node in ast.walk(ast.parse(block))
             if isinstance(node, ast.ImportFrom) and node.module == "automax_lightning" for alias in node.names}  # fmt: skip
    assert names <= set(automax_lightning.__all__)


def test_the_changelog_knows_this_version() -> None:
    assert automax_lightning.__doc__
    assert f"## [{version('automax-lightning')}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
