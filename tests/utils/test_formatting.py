from __future__ import annotations

import pytest

from automax_lightning.utils.formatting import configuration_lines, format_duration, printable, short_names, show


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


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (0.04, "0 s"), (3.0, "3 s"), (9.94, "9.9 s"), (89.4, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h")],
)
def test_one_format_of_a_duration(seconds: float, expected: str) -> None:
    assert format_duration(seconds) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;a new title\x07rest", "rest"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jgone", "gone"),
        ("\x1bcreset", "reset"),
        ("\x1b", ""),
        ("back\x08space\rreturn\x00", "backspacereturn"),
        ("\u202etxt.exe", "txt.exe"),
        ("ü ★ \t two\nlines 漢", "ü ★ \t two\nlines 漢"),
        ("caf\udce9", "caf\\udce9"),
    ],
)
def test_text_of_users_cannot_steer_a_terminal(text: str, expected: str) -> None:
    assert printable(text) == expected
    assert printable(expected) == expected
