"""The rooms of the package: what each may import, how large it may grow, and where its tests are."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import automax_lightning

PACKAGE = Path(automax_lightning.__file__).parent
ROOT = Path(__file__).parents[1]

# Package -> the packages that its modules may import, besides `errors` and their own. Nothing else, wherever the import stands.
# "auc.*" are the rooms of a wing, "*" is everything; imports for type checkers alone are free.
MAY_IMPORT: dict[str, list[str]] = {
    "errors": [],
    "utils": [],
    "config": ["utils"],
    "models": [],
    "pairs": ["auc.pairs"],
    "__main__": ["cli"],
    "space": ["utils"],
    "trial": ["trial.*", "utils"],
    "trial.scoring": ["trial", "utils"],
    "auc.batch": ["utils"],
    "auc.data": ["auc.batch", "auc.data.tables", "utils"],
    "auc.data.tables": ["auc.data", "auc.batch", "utils"],
    "auc.pairs": ["auc.data", "utils"],
    "auc.libauc": ["auc.pairs", "auc.data", "auc.batch", "utils"],
    "auc": ["auc.*", "utils"],
    "search.storage": ["trial", "utils"],
    "search.planning": ["search.storage", "trial", "utils"],
    "search.proposer": ["search.storage", "space", "utils"],
    "search.executors": ["trial", "space", "config", "utils"],
    "search": ["search.*", "trial", "space", "utils"],
    "factory": ["auc", "auc.data", "auc.pairs", "trial", "space", "utils"],
    "display": ["search", "search.planning", "trial", "utils"],
    "report": ["search", "search.planning", "trial", "space", "config", "utils", "report.*"],
    "report.figures": ["search", "search.planning", "trial", "space", "config", "utils", "report"],
    "report.page": ["search", "search.planning", "trial", "space", "config", "utils", "report", "report.figures"],
    "tuner": [
        "factory",
        "search",
        "search.*",
        "report",
        "report.*",
        "display",
        "auc",
        "auc.*",
        "trial",
        "space",
        "config",
        "utils",
    ],
    "recipes.datasets": ["recipes", "auc.data", "auc.data.tables", "utils"],
    "recipes.networks": ["recipes", "models", "utils"],
    "recipes": ["recipes.*", "tuner", "factory", "auc", "auc.data", "auc.pairs", "trial", "space", "config", "models", "utils"],
    "cli": ["*"],
    "cli.directory": ["*"],
}

# A partner library -> the modules that may import it.
PARTNERS = {
    # LibAUC's zoo of networks is what recipes offer; its generator makes their data sets imbalanced as LibAUC does.
    "libauc": ["auc.libauc.*", "recipes.networks.*", "recipes.datasets.benchmarks"],
    "smac": ["search.proposer.*"],
}

# Modules without a test file of their place and name -> where their tests are, and why there.
TESTED_ELSEWHERE: dict[str, tuple[str, str]] = {
    "trial.scoring.curve": ("tests/trial/test_every_way_to_validate.py", "a curve is what real fits leave"),
    "trial.scoring.target": ("tests/tuner/test_no_score.py", "what Lightning logs depends on the whole fit"),
    "utils.splits": ("tests/tuner/test_test_scores.py", "names are found through a whole search, and by its examples"),
    "search.executors.dask_worker": (
        "tests/search/executors/test_dask_cluster.py",
        "it runs inside a Dask worker and asks that worker for its client and its task: the cluster's tests start real ones",
    ),
}


def modules(folder: Path = PACKAGE) -> dict[str, Path]:
    """Dotted name -> file; ``automax_lightning/recipes/__init__.py`` is ``recipes.__init__``."""
    return {".".join(path.relative_to(folder).with_suffix("").parts): path for path in sorted(folder.rglob("*.py"))}


MODULES = modules()
# The package's own `__init__` offers names of any room, and loads them on first use.
ROOMS = sorted(name for name in MODULES if name != "__init__")
FILES = sorted(name for name in MODULES if not name.rpartition(".")[2].startswith("__"))


def package_of(name: str) -> str:
    """``search.storage.lock`` -> ``search.storage``; a module of the root is a package of its own."""
    return name.rpartition(".")[0] or name


def is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def import_statements(path: Path, *, types: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """All of a file, those inside of functions too; those for type checkers alone if `types`."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        children = (
            node.orelse if isinstance(node, ast.If) and is_for_type_checkers(node) and not types else ast.iter_child_nodes(node)
        )
        waiting.extend(children)


def imported_names(path: Path, *, types: bool = False) -> set[str]:
    """``from a.b import c`` is ``a.b.c``: a module, or a name of the module ``a.b``."""
    names: set[str] = set()
    for node in import_statements(path, types=types):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        else:
            names |= {alias.name for alias in node.names}
    return names


def module_of(name: str) -> str:
    """The module of this package that `name` is, or is a name of."""
    inside = name.removeprefix("automax_lightning").removeprefix(".")
    base = inside.rpartition(".")[0]
    places = [inside, f"{inside}.__init__", base, f"{base}.__init__" if base else "__init__"]
    return next(place for place in places if place in MODULES)


def imports_of(name: str, *, types: bool = False) -> set[str]:
    names = imported_names(MODULES[name], types=types)
    return {module_of(found) for found in names if found.split(".")[0] == "automax_lightning"}


def is_allowed(importer: str, imported: str) -> bool:
    own, other = package_of(importer), package_of(imported)
    return other in (own, "errors") or any(fnmatch(other, pattern) for pattern in MAY_IMPORT.get(own, []))


def circle_of(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_the_table_names_the_packages_that_there_are() -> None:
    assert sorted(MAY_IMPORT) == sorted({package_of(name) for name in ROOMS})


@pytest.mark.parametrize("name", ROOMS)
def test_no_import_breaks_the_table(name: str) -> None:
    assert [other for other in sorted(imports_of(name)) if not is_allowed(name, other)] == []


def test_imports_make_no_circle_not_even_for_type_checkers() -> None:
    assert circle_of({name: imports_of(name, types=True) - {name} for name in ROOMS}) == []


def test_the_benchmarks_make_no_circle_either() -> None:
    scripts = modules(ROOT / "benchmarks")
    imports = {name: imported_names(path, types=True) for name, path in scripts.items()}
    assert circle_of({name: {other.split(".")[0] for other in names} & set(scripts) for name, names in imports.items()}) == []


@pytest.mark.parametrize(("partner", "patterns"), PARTNERS.items())
def test_a_partner_library_is_imported_in_one_place(partner: str, patterns: list[str]) -> None:
    users = [name for name in ROOMS if partner in {found.split(".")[0] for found in imported_names(MODULES[name])}]
    assert [name for name in users if not any(fnmatch(name, pattern) for pattern in patterns)] == []
    assert users, f"nothing imports {partner}: is it still a partner?"


def test_the_wings_do_not_know_each_other() -> None:
    wing = {name: name.split(".")[0] for name in ROOMS}
    pairs = {(wing[name], wing[other]) for name in ROOMS if wing[name] in ("auc", "search") for other in imports_of(name)}
    assert not {("auc", "search"), ("search", "auc")} & pairs


def test_a_stranger_finds_any_room() -> None:
    sizes = Counter(name.rpartition(".")[0] for name in FILES)
    assert sizes[""] <= 5
    assert {folder: size for folder, size in sizes.items() if size > 12} == {}


@pytest.mark.parametrize("name", FILES)
def test_every_module_has_tests_of_its_place_and_name(name: str) -> None:
    folder, _, module = name.rpartition(".")
    own = ROOT.joinpath("tests", *folder.split("."), f"test_{module}.py")
    if name in TESTED_ELSEWHERE:
        place, reason = TESTED_ELSEWHERE[name]
        assert not own.exists(), "it has tests of its own now: take it out of TESTED_ELSEWHERE"
        assert (ROOT / place).exists(), reason
    else:
        assert own.exists()


def test_no_test_file_imports_another() -> None:
    tests = modules(ROOT / "tests")
    lent = {name: [found for found in imported_names(path) if ".test_" in found] for name, path in tests.items()}
    assert {name: found for name, found in lent.items() if found} == {}


def heavy_modules(code: str, heavy: set[str]) -> list[str]:
    """Which of `heavy` a fresh process has loaded after `code`."""
    program = f"import sys; {code}; print(*sorted({heavy} & set(sys.modules)))"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()


def test_importing_the_package_is_light() -> None:
    heavy = {"smac", "libauc", "dask", "distributed", "pandas", "torch", "lightning", "ConfigSpace"}
    assert heavy_modules("import automax_lightning", heavy) == []


# A report, a table, the state of a search and a typo in a command are there at once, without the 20 seconds of torch;
# planning and proposing are functions of the history alone.
LIGHT = [
    "report.*",
    "search.snapshot",
    "search.record",
    "search.storage.*",
    "search.planning.*",
    "search.proposer.*",
    "cli.early_checks",
]


@pytest.mark.parametrize("pattern", LIGHT)
def test_what_only_reads_and_plans_needs_no_torch(pattern: str) -> None:
    names = [f"automax_lightning.{name}" for name in FILES if fnmatch(name, pattern)]
    assert names
    assert heavy_modules(f"import {', '.join(names)}", {"torch", "lightning", "libauc"}) == []


@pytest.mark.parametrize("name", automax_lightning.__all__)
def test_every_public_name_exists_and_is_documented(name: str) -> None:
    thing = getattr(automax_lightning, name)
    assert (thing.__doc__ or "").strip(), f"{name} has no docstring"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="No automax_lightning attribute AutoMAXX"):
        _ = automax_lightning.AutoMAXX
