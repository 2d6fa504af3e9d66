"""The arguments of a class, read from its source and never by running it."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import automax_lightning
from automax_lightning.cli.signatures import arguments_of

CLASSES = ["AUCModule", "AUCDataModule", "TabularDataModule", "DigitsDataModule", "AUROC", "Fit", "AutoMAX"]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "stubbed"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "__init__.py").write_text("from ..deep import Net as Network\nfrom . import nets\n")
    (folder / "inner" / "nets.py").write_text("from .. import deep\nfrom ..deep import Net\n")
    (folder / "deep.py").write_text("raise SystemExit\nclass Net:\n    def __init__(self, width, *, lr=0.1): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    arguments_of.cache_clear()
    return folder


@pytest.mark.parametrize("name", CLASSES)
def test_a_public_class_is_followed_through_the_stub(name: str) -> None:
    arguments = arguments_of(f"automax_lightning.{name}")
    assert arguments == set(inspect.signature(getattr(automax_lightning, name).__init__).parameters) - {"self"}


def test_a_name_that_is_only_in_the_stub_is_followed(package: Path) -> None:
    (package / "__init__.py").write_text("import lazy_loader\n")
    (package / "__init__.pyi").write_text("from .deep import Net as Net\n")
    assert arguments_of("stubbed.Net") == {"width", "lr"}


def test_the_source_speaks_before_the_stub(package: Path) -> None:
    (package / "__init__.py").write_text("class Net:\n    def __init__(self, depth): ...\n")
    (package / "__init__.pyi").write_text("from .deep import Net as Net\n")
    assert arguments_of("stubbed.Net") == {"depth"}


@pytest.mark.parametrize("path", ["stubbed.inner.Network", "stubbed.inner.nets.Net"])
def test_relative_imports_are_followed(package: Path, path: str) -> None:
    (package / "__init__.py").write_text("")
    assert arguments_of(path) == {"width", "lr"}


@pytest.mark.parametrize("path", ["stubbed.inner.nets.deep", "stubbed.inner.nothing.Net", "stubbed.Net", "Net"])
def test_what_is_not_there_is_unknown(package: Path, path: str) -> None:
    (package / "__init__.py").write_text("")
    assert arguments_of(path) is None
