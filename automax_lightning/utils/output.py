"""Standard output that may be a closed pipe, or may not know every character."""

from __future__ import annotations

import os
import sys


def print_text(text: str) -> None:
    """Write a text to standard output; a reader who has gone, as ``head`` does, is no error.

    Args:
        text: without its last line break. Characters that the output cannot encode are spelled out.
    """
    out = sys.stdout
    if out is None or out.closed:  # a program without a console, or one that has closed it
        return
    encoding = out.encoding or "utf-8"
    try:
        out.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        out.flush()
    except BrokenPipeError:
        # What is left in the buffer is flushed once more when Python ends, which would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
