"""Output that nobody reads, and output that knows few characters."""

from __future__ import annotations

import subprocess
import sys

import pytest

from automax_lightning.utils.output import print_text

PRINT = "from automax_lightning.utils.output import print_text\n"


def test_a_text_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_text("one ★")
    assert capsys.readouterr().out == "one ★\n"


def test_a_reader_that_has_gone_is_no_error() -> None:
    code = PRINT + "import sys\nsys.stdin.read()\nprint_text('x' * 100_000)\nprint_text('y')\nsys.stderr.write('done')"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, error = process.communicate(b"")
    assert (process.returncode, error) == (0, b"done")


@pytest.mark.parametrize("closing", ["sys.stdout.close()", "sys.stdout = None"])
def test_without_a_standard_output_nothing_is_written(closing: str) -> None:
    code = PRINT + f"import sys\n{closing}\nprint_text('x')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")


def test_what_the_output_cannot_encode_is_spelled_out() -> None:
    code = PRINT + "print_text('\\u2605 \\udcff')"
    for encoding in ("ascii", "utf-8"):
        done = subprocess.run(
            [sys.executable, "-X", "utf8=0", "-c", code], capture_output=True, env={"PYTHONIOENCODING": encoding}, check=False
        )
        assert (done.returncode, done.stderr) == (0, b""), encoding
        assert b"\\udcff" in done.stdout
