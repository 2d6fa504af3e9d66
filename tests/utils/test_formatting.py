from __future__ import annotations

import pytest

from automax_lightning.utils.formatting import configuration_lines, short_names, show


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["lr"], ["lr"]),
        (["model.init_args.optimizer_kwargs.lr", "trainer.max_epochs"], ["lr", "max_epochs"]),
        (["a.lr", "b.lr", "c"], ["a lr", "b lr", "c"]),
        (["x.a.b.lr", "x.c.b.lr"], ["a.b.lr", "c.b.lr"]),
        (["a:lr", "a.lr"], ["a:lr", "a.lr"]),
        ([":", ""], [":", ""]),
    ],
)
def test_names_are_as_short_as_they_can_be(names: list[str], expected: list[str]) -> None:
    assert list(short_names(names).values()) == expected


def test_long_values_are_cut_and_tuples_stay_readable() -> None:
    assert show("x" * 100) == "x" * 39 + "…"
    assert show((0.123456789, None)) == "(0.1235, None)"
    assert configuration_lines({"a.lr": 1e-5, "b": "s"}, {"a.lr": "lr"}) == ["lr = 1e-05", "b = s"]
