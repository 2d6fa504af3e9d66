from __future__ import annotations

import signal

import pytest

from automax_lightning.utils.exit_cause import exit_cause, out_of_memory_kills


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (0, "exit code 0"),
        (3, "exit code 3"),
        (-signal.SIGKILL, "SIGKILL (Killed)"), (-signal.SIGSEGV, "SIGSEGV (Segmentation fault)"),
        (-(signal.SIGRTMIN + 3), f"signal {signal.SIGRTMIN + 3}"),
    ],
)  # fmt: skip
def test_a_code_is_said_as_it_is(code: int, said: str) -> None:
    assert exit_cause(code, out_of_memory_kills()) == said


def test_memory_is_blamed_only_where_the_kernel_has_killed_for_it() -> None:
    fewer = tuple(count - 1 for count in out_of_memory_kills())
    assert "because memory ran out" in exit_cause(-signal.SIGKILL, fewer)
    assert exit_cause(-signal.SIGSEGV, fewer) == "SIGSEGV (Segmentation fault)"
    assert exit_cause(9, fewer) == "exit code 9"
