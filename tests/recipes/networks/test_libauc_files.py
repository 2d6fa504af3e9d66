from __future__ import annotations

import sys

import pytest

from automax_lightning.recipes.networks.libauc_files import libauc_file


def test_every_call_executes_the_file_anew() -> None:
    one, other = libauc_file("resnet_cifar"), libauc_file("resnet_cifar")
    assert one is not other
    assert one.resnet20 is not other.resnet20
    one.marker = "mine"  # type: ignore[attr-defined]
    assert not hasattr(other, "marker")


def test_the_package_around_the_file_is_not_imported() -> None:
    before = set(sys.modules)
    libauc_file("densenet")
    assert not {name for name in set(sys.modules) - before if name.startswith("libauc.models")}


def test_a_file_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError, match="no_such_net.py"):
        libauc_file("no_such_net")
