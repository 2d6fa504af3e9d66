from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from ConfigSpace import Float

from automax_lightning import autopartial
from automax_lightning.errors import ExecutionError
from automax_lightning.search.executors.pickling import read_factory, write_factory


def test_lambdas_local_classes_and_closures_come_back(tmp_path: Path) -> None:
    base = 40

    class Local:
        def __init__(self, x: float) -> None:
            self.value = base + x

    factory = autopartial(lambda x: Local(x).value, x=Float("x", (0.0, 2.0), default=2.0))
    write_factory(factory, tmp_path / "f.pkl")
    back: Any = read_factory(tmp_path / "f.pkl")
    assert back(back.cs.get_default_configuration()) == 42.0


class Held:
    def __init__(self) -> None:
        self.parts = [1, {"guard": threading.Lock()}]


class Raising:
    def __reduce__(self) -> Any:
        raise RuntimeError("never pickle me")


def with_closure() -> Any:
    lock = threading.Lock()
    return lambda: lock


@pytest.mark.parametrize(
    ("factory", "where"),
    [
        (Held(), r"trainer\.parts\[1\]\['guard'\]"),
        ({"a": 1, "b": Raising()}, r"trainer\['b'\]"),
        ((1, (2, threading.Lock())), r"trainer\[1\]\[1\]"),
        (with_closure(), r"trainer \(variable 'lock'\)"),
        (threading.Lock(), "trainer"),
    ],
)
def test_the_innermost_part_that_cannot_be_sent_is_named(tmp_path: Path, factory: Any, where: str) -> None:
    with pytest.raises(ExecutionError, match=rf"^{where}: expected something that another process can be sent"):
        write_factory(factory, tmp_path / "f.pkl")
    assert list(tmp_path.iterdir()) == []


def test_what_holds_itself_is_no_endless_search(tmp_path: Path) -> None:
    holder = Held()
    holder.parts = [holder, threading.Lock()]
    with pytest.raises(ExecutionError, match=r"trainer\.parts\[\d\]"):
        write_factory(holder, tmp_path / "f.pkl")
