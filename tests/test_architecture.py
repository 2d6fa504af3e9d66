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
    "utils.files",
    "cli.commands",
    "cli.examples",
    "cli.dotted_keys",
    "cli.signatures",
    "utils.formatting",
    "utils.html",
    "trial.card",
    "trial.records",
    "utils.serialization",
    "space.parsing",
    "space.autopartial",
    "space.conditions",
    "config",
    "trial.seeding",
    "models",
    "auc.pairs.pair",
    "auc.pairs.catalogue",
    "auc.pairs.registry",
    "pairs",
    "auc.pairs.portfolios",
    "auc.libauc.corrected_losses",
    "auc.libauc.construction",
    "auc.libauc.adapter",
    "auc.libauc.ranking",
    "auc.libauc.optimizers",
    "auc.data.labels",
    "auc.data.batches",
    "auc.data.sampling",
    "auc.data.datamodule",
    "auc.data.tabular",
    "auc.data.merged",
    "auc.data.digits",
    "auc.module",
    "auc.metrics",
    "auc.callback",
    "auc.keep",
    "failures",
    "quiet",
    "trial.score_file",
    "trial.recorder",
    "trial.result",
    "trial.isolation",
    "trial.trainer",
    "trial.loggers",
    "trial.fit",
    "trial.records_json",
    "search.storage.lock",
    "search.storage.history",
    "search.storage.journal",
    "search.storage.state_file",
    "search.storage.directory",
    "search.proposer.candidates",
    "search.planning.results",
    "search.planning.successive_halving",
    "search.planning.racing",
    "search.planning.stopping",
    "search.planning.plan",
    "search.warm_start",
    "search.proposer.surrogates",
    "search.proposer.smac_facade",
    "search.proposer.proposer",
    "search.interrupt",
    "search.executors.base",
    "search.executors.devices",
    "search.executors.trial_file",
    "search.executors.worker",
    "search.executors.processes",
    "search.executors.dask_worker",
    "search.executors.dask_cluster",
    "search.session",
    "search.snapshot",
    "display.terminal",
    "display.notebook",
    "report.tables",
    "space.description",
    "report.bootstrap",
    "search.record",
    "report.verdict",
    "utils.imports",
    "report.figures.style",
    "report.figures.axes",
    "report.optuna_study",
    "report.importance",
    "report.figures.trials",
    "report.figures.scores",
    "report.figures.space",
    "report.page.rerun",
    "report.page.blocks",
    "report.page.search_card",
    "report.page.page",
    "cli.report",
    "tuner.plots",
    "factory.auc_factory",
    "factory.trainer_factory",
    "factory.checks",
    "search.executors.choose",
    "tuner.fits",
    "view",
    "after",
    "tuner.automax",
    "cli.config_factory",
    "cli.search_section",
    "cli.automax_cli",
    "recipes.metric_lists",
    "recipes.sections",
    "recipes.reading",
    "recipes.datasets.splits",
    "recipes.datasets.images",
    "recipes.datasets.local_files",
    "recipes.datasets.text",
    "recipes.networks.libauc_files",
    "recipes.datasets.graphs",
    "recipes.datasets.benchmarks",
    "recipes.datasets.clinical",
    "recipes.datasets.loaders",
    "recipes.networks.weights",
    "recipes.networks.transformers",
    "recipes.networks.families",
    "recipes.tracking",
    "recipes.notes",
    "recipes.building",
    "cli.run",
    "cli.early_checks",
    "cli.entry_point",
    "cli.__main__",
    "__main__",
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
    with pytest.raises(AttributeError, match="No automax_lightning attribute AutoMAXX"):
        _ = automax_lightning.AutoMAXX
