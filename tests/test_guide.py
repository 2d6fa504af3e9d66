"""Every page of the guide, held to the code: its Python runs, its YAML is read, its links, commands and tables are true."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from automax_lightning import AutoMAXConfig, pairs, recipes
from automax_lightning.cli import main
from automax_lightning.errors import ConfigError
from tests.support.documents import (
    GUIDE,
    HOME,
    PAGES,
    RAW,
    ROOT,
    anchors,
    blocks,
    commands,
    links,
    name_of,
    numbers,
    outputs,
    prepare,
    python,
    shape,
    story,
)

WITH_STORY = [page for page in GUIDE if story(page)]
YAML = [(page, number) for page in PAGES for number in range(len(blocks(page, "yaml")))]
COMMANDS = sorted({line for page in PAGES for line in commands(page)})


def section_of(page: Path, number: int) -> Mapping[str, Any]:
    loaded = yaml.safe_load(blocks(page, "yaml")[number])
    assert isinstance(loaded, dict)
    return loaded


def block_id(case: Any) -> str:
    return name_of(case) if isinstance(case, Path) else str(case)


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_STORY, ids=name_of)
def test_the_python_of_a_page_prints_what_it_shows(page: Path, tmp_path: Path) -> None:
    if page.stem == "workers":
        pytest.importorskip("distributed")
    printed = outputs(page, tmp_path)
    shown = [output for _, output in story(page)]
    assert [shape(text) for text in printed] == [shape(text) for text in shown]
    assert [numbers(text) for text in printed] == [numbers(text) for text in shown]


def test_pages_with_python_show_what_it_prints() -> None:
    assert len(WITH_STORY) >= 7
    assert [name_of(page) for page in WITH_STORY if not any(output for _, output in story(page))] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.removeprefix(HOME).removeprefix(RAW).partition("#")
        if path.startswith("https://"):
            continue
        target = (ROOT if link.startswith("https://") else page.parent) / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_that_is_shown_exists(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, command, *arguments = shlex.split(line)
    assert main([command, "--help"]) == 0
    known = capsys.readouterr().out
    for flag in (word.partition("=")[0] for word in arguments if word.startswith("--")):
        assert re.search(rf"(?<![\w-]){re.escape(flag)}(?![\w.-])", known), flag
    for path in (word for word in arguments if word.startswith("examples/")):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize(("page", "number"), YAML, ids=block_id)
def test_the_settings_of_a_yaml_block_are_settings(page: Path, number: int) -> None:
    settings = section_of(page, number)
    own = {name: value for name, value in settings.get("automax", {}).items() if name not in ("target", "warm_start")}
    assert AutoMAXConfig.from_mapping(own).name == own.get("name", "automax")
    with pytest.raises(ConfigError, match="no such key"):
        AutoMAXConfig.from_mapping({**own, "n_trails": 3})
    assert set(settings) <= {"model", "data", "trainer", "search", "automax", "dataset", "metrics", "training"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "number"), [case for case in YAML if "class_path" in section_of(*case).get("model", {})], ids=block_id
)
def test_a_configuration_that_is_shown_can_be_tuned(page: Path, number: int, tmp_path: Path) -> None:
    prepare(tmp_path)
    (tmp_path / "shown.yaml").write_text(blocks(page, "yaml")[number], encoding="utf-8")
    python(tmp_path, "-m", "automax_lightning.cli", "tune", "--config", "shown.yaml", "--automax.n_trials", "2",
           "--trainer.max_epochs", "1")  # fmt: skip
    assert list(tmp_path.glob("automax_output/*/best_config.yaml"))


@pytest.mark.slow
def test_a_script_of_ones_own_can_be_tuned(tmp_path: Path) -> None:
    prepare(tmp_path)
    (shown,) = [text for text in blocks(ROOT / "examples/guide/yaml.md", "yaml") if "val_loss" in text]
    (tmp_path / "own.yaml").write_text(shown, encoding="utf-8")
    printed = python(tmp_path, "mine.py", "tune", "--config", "own.yaml")
    assert "Best configuration" in printed
    assert (tmp_path / "automax_output" / "own" / "best_config.yaml").exists()


def test_the_recipe_that_is_shown_is_a_recipe(tmp_path: Path) -> None:
    (shown,) = blocks(ROOT / "examples/guide/recipes.md", "yaml")
    path = tmp_path / "recipe.yaml"
    path.write_text(shown, encoding="utf-8")
    recipe = recipes.load(path)
    assert (recipe.target, recipe.config.n_trials, recipe.config.SEED) == ("AUROC", 3, 42)
    assert recipe.notes == ()


def test_the_table_of_pairs_is_the_catalogue() -> None:
    text = (ROOT / "examples/guide/losses.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if re.match(r"\| `[\w:]+` \| [A-Z]", line)]
    assert rows == [
        f"| `{name}` | {', '.join(choice.name for choice in pair.optimizers)} | {pair.objective} | {pair.use_when} "
        f"| {pair.reference} |"
        for name in pairs.names() for pair in (pairs.get(name),)
    ]  # fmt: skip


def test_the_tables_of_settings_are_the_settings() -> None:
    text = (ROOT / "examples/guide/settings.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| `(.*?)` \| \S.* \|$", text, flags=re.MULTILINE))
    assert rows == {field.name: repr(field.default) for field in dataclasses.fields(AutoMAXConfig)}


def test_the_map_has_every_package() -> None:
    text = (ROOT / "examples/guide/contributing.md").read_text(encoding="utf-8")
    map_ = text.split("## The map")[1].split("\n## ")[0]
    first_columns = re.findall(r"^\| (`.*?) \|", map_, flags=re.MULTILINE)
    on_the_map = {name for column in first_columns for name in re.findall(r"`([\w/]+)/`", column)}
    package = ROOT / "automax_lightning"
    assert on_the_map == {path.parent.relative_to(package).as_posix() for path in package.glob("*/**/__init__.py")}


def test_the_files_that_contributors_are_sent_to_exist() -> None:
    text = (ROOT / "examples/guide/contributing.md").read_text(encoding="utf-8")
    paths = [path for path in re.findall(r"`((?:automax_lightning|examples|tests)/[^`]*|CHANGELOG.md|\.ci/run)`", text)
             if "<" not in path]  # fmt: skip
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", [*PAGES, *sorted((ROOT / "examples").glob("*.*"))], ids=name_of)
def test_resume_promote_and_extend_have_names_of_their_own(page: Path) -> None:
    assert not re.search(r"\bgo(?:es|ing)? on\b", page.read_text(encoding="utf-8"))
