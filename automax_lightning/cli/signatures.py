"""The arguments of a class, read from its source: nothing is imported, so that a typo is found before torch is loaded."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path

_DEPTH = 4


@lru_cache(maxsize=64)
def arguments_of(class_path: str) -> frozenset[str] | None:
    """The names of the arguments that a class takes.

    Args:
        class_path: e.g. ``"lightning.pytorch.trainer.trainer.Trainer"``; re-exported names are followed.

    Returns:
        The names, or None where the source does not say them all: it is not found, the class inherits its constructor,
        or the constructor takes ``**kwargs``.

    Example:
        >>> sorted(arguments_of("automax_lightning.models.MLP"))
        ['dropout', 'hidden', 'in_features', 'num_labels']
        >>> arguments_of("no.such.Thing") is None
        True
    """
    module, _, name = class_path.rpartition(".")
    return _arguments(module, name, _DEPTH) if module else None


def _arguments(module: str, name: str, depth: int) -> frozenset[str] | None:
    path = _file_of(module)
    if path is None or depth == 0:
        return None
    for node in _statements(path):
        if isinstance(node, ast.ClassDef) and node.name == name:
            return _of_constructor(node)
        if isinstance(node, ast.ImportFrom) and node.module:
            source = next((alias.name for alias in node.names if name in (alias.asname, alias.name)), None)
            if source is not None:
                return _arguments(_absolute(node, module, path), source, depth - 1)
    return None


def _statements(path: Path) -> Iterator[ast.stmt]:
    """The statements of a module, then those of its stub: a package that loads its names lazily lists them only there."""
    for file in (path, path.with_suffix(".pyi")):
        if file.is_file():
            yield from ast.parse(file.read_text(encoding="utf-8")).body


def _absolute(node: ast.ImportFrom, module: str, path: Path) -> str:
    """The module that an import names, where its dots begin at the package of the importing module."""
    if node.level == 0:
        return str(node.module)
    above = node.level - (path.stem == "__init__")
    package = module.split(".")[: -above or None]
    return ".".join([*package, str(node.module)])


def _of_constructor(node: ast.ClassDef) -> frozenset[str] | None:
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
            given = part.args
            if given.kwarg is not None or given.vararg is not None:
                return None
            return frozenset(argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)) - {"self"}
    return None


def _file_of(module: str) -> Path | None:
    top, *rest = module.split(".")
    try:
        found = PathFinder.find_spec(top)
    except (ImportError, ValueError):
        return None
    if found is None or found.origin is None:
        return None
    path = Path(found.origin)
    for part in rest:
        folder = path.parent if path.name == "__init__.py" else path.with_suffix("")
        path = next((each for each in (folder / part / "__init__.py", folder / f"{part}.py") if each.is_file()), Path())
    return path if path.is_file() else None
