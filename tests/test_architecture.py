"""Imports only go down: a module may import what stands above it in this list, and nothing else of the package."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import automax_lightning

PACKAGE = Path(automax_lightning.__file__).parent

# From the ground up. A new module must be given its place here.
LAYERS = [
    "errors",
    "files",
    "commands",
    "keys",
    "signatures",
    "report.labels",
    "report.markup",
    "report.result_card",
    "trial",
    "encoding",
    "specs",
    "space",
    "conditions",
    "config",
    "seeding",
    "models",
    "auc.pair",
    "auc.catalogue",
    "auc.pairs",
    "auc.portfolios",
    "auc.losses",
    "auc.making",
    "auc.adapters",
    "auc.ranking",
    "auc.optimizers",
    "auc.labels",
    "auc.batches",
    "auc.sampling",
    "auc.data",
    "auc.tabular",
    "auc.merged",
    "datasets",
    "auc.module",
    "auc.metrics",
    "auc.callbacks",
    "auc.keep",
    "failures",
    "quiet",
    "scores",
    "recorder",
    "outcome",
    "isolation",
    "hosting",
    "loggers",
    "fit",
    "search.records",
    "search.lock",
    "search.history",
    "search.journal",
    "search.state",
    "search.checkpoints",
    "search.candidates",
    "search.standings",
    "search.rungs",
    "search.racing",
    "search.stopping",
    "search.plan",
    "search.warm",
    "search.surrogates",
    "search.smac_files",
    "search.proposer",
    "search.interrupt",
    "search.executors",
    "search.slots",
    "search.trialfile",
    "search.worker",
    "search.processes",
    "search.remote",
    "search.cluster",
    "search.session",
    "watch",
    "progress",
    "notebook",
    "report.tables",
    "report.parameters",
    "report.bootstrap",
    "report.reading",
    "report.verdict",
    "report.extra",
    "report.style",
    "report.axes",
    "report.study",
    "report.importance",
    "report.figures",
    "report.score_figures",
    "report.space_figures",
    "report.again",
    "report.sections",
    "report.search_card",
    "report.page",
    "report.command",
    "showing",
    "recipe",
    "factory",
    "preflight",
    "placement",
    "scoring",
    "view",
    "after",
    "automax",
    "configured",
    "searchsection",
    "tune",
    "recipes.metrics",
    "recipes.sections",
    "recipes.reading",
    "recipes.splits",
    "recipes.images",
    "recipes.files",
    "recipes.text",
    "recipes.sources",
    "recipes.graphs",
    "recipes.named",
    "recipes.clinical",
    "recipes.data",
    "recipes.weights",
    "recipes.transformer",
    "recipes.models",
    "recipes.tracking",
    "recipes.notes",
    "recipes.building",
    "recipes.command",
    "early",
    "cli",
]


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        if not name.endswith("__init__"):
            found[name] = path
    return found


def imports_of(path: Path) -> set[str]:
    """Every module of this package that `path` imports, wherever in the file, except for type checkers only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    known = set(modules())
    inside = {name.removeprefix("automax_lightning.") for name in names if name.startswith("automax_lightning.")}
    return {name for name in inside if name in known}


def test_every_module_has_a_place() -> None:
    assert sorted(modules()) == sorted(LAYERS)


@pytest.mark.parametrize("name", sorted(modules()))
def test_imports_only_go_down(name: str) -> None:
    above = {other for other in imports_of(modules()[name]) if LAYERS.index(other) >= LAYERS.index(name)}
    assert not above


@pytest.mark.parametrize("name", sorted(modules()))
def test_the_two_wings_do_not_know_each_other(name: str) -> None:
    wings = {"auc": "search", "search": "auc"}
    foreign = wings.get(name.split(".")[0])
    assert not [other for other in imports_of(modules()[name]) if foreign and other.split(".")[0] == foreign]


@pytest.mark.parametrize("name", sorted(modules()))
def test_modules_stay_small(name: str) -> None:
    assert len(modules()[name].read_text(encoding="utf-8").splitlines()) <= 280


def test_importing_the_package_is_light() -> None:
    code = (
        "import sys, automax_lightning; "
        "heavy = {'smac', 'libauc', 'dask', 'distributed', 'pandas', 'torch', 'lightning', 'ConfigSpace'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", automax_lightning.__all__)
def test_every_public_name_exists_and_is_documented(name: str) -> None:
    thing = getattr(automax_lightning, name)
    assert (thing.__doc__ or "").strip(), f"{name} has no docstring"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'AutoMAXX'"):
        _ = automax_lightning.AutoMAXX
