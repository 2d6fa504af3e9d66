"""Each rule just inside and just outside, and what the error says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from automax_lightning.errors import ConfigError
from automax_lightning.utils.arguments import (
    Rule,
    check_arguments,
    file_name,
    flag,
    integer,
    number,
    of_type,
    one_of,
    path,
    seconds,
    text,
)  # fmt: skip

NO_NAMES = ["", " ", ".", "..", "a/b", "a\\b", "a\0", "a\n", "x" * 201, "\ud800", 3]
NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("rule", "inside", "outside"),
    [
        (integer(1), [1, 10**9], [0, 1.0, "1", True, None]),
        (integer(0, 5), [0, 5], [-1, 6]),
        (integer(1).or_none, [None, 1], [0]),
        (number("a share", lambda x: 0 < x < 1, "0.5"), [0.5, 1e-9], [0, 1, "0.9", NAN, INF, True, None, 1j]),
        (seconds(), [0.1, 1], [0, -1, INF]),
        (flag(), [True, False], [0, 1, "yes", None]),
        (one_of("a", "b"), ["a"], ["c", 1, None, ["a"]]),
        (text("a"), ["x"], ["", 3, None]),
        (
            file_name("a"),
            ["a.b", "ä" * 100, "with space"],
            ["", " ", ".", "..", "a/b", "a\\b", "a\0", "a\n", "x" * 201, "\ud800", 3],
        ),
        (path(), ["a", Path("a")], ["", 3, None, "a\0b"]),
        (of_type("a list", list, "[]"), [[]], [(), None]),
    ],
)
def test_each_rule_just_inside_and_just_outside(rule: Rule, inside: list[Any], outside: list[Any]) -> None:
    for value in inside:
        check_arguments("f", {"x": rule}, {"x": value})
    for value in outside:
        with pytest.raises(ConfigError, match=r"^f\.x: expected "):
            check_arguments("f", {"x": rule}, {"x": value})


def test_the_fix_is_legal_itself_and_a_long_value_is_cut() -> None:
    with pytest.raises(ConfigError, match=r"f\.seed: expected an integer in \[0, 5\], found 10\. Pass seed=0\.$"):
        check_arguments("f", {"seed": integer(0, 5)}, {"seed": 10})
    with pytest.raises(ConfigError, match=r"found 'x{59}\.\.\. \(str, 302 characters\)"):
        check_arguments("f", {"name": file_name("a")}, {"name": "x" * 300})
    with pytest.raises(ConfigError, match="Did you mean 'original'"):
        check_arguments("f", {"preset": one_of("automax", "original")}, {"preset": "orignal"})
    check_arguments("f", {"x": integer(1)}, {"y": 0})
