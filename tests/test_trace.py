"""How often a search changes rooms: what a reader must follow to understand one trial."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import automax_lightning
from tests.support.searching import factory, tuner

# Reached: 1813 changes through 20 folders, half of them between a batch, its module and its loss. A new detour shows
# in one of the numbers.
MOST_CHANGES, MOST_ROOMS = 1820, 20
PACKAGE = str(Path(automax_lightning.__file__).parent)


class Trace:
    """Counts how often execution goes from one module of the package to another, whatever runs in between."""

    def __init__(self) -> None:
        self.here = ""
        self.changes: Counter[tuple[str, str]] = Counter()

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(PACKAGE):
            if self.here not in ("", file):
                self.changes[self.here, file] += 1
            self.here = file

    @property
    def rooms(self) -> set[str]:
        return {str(Path(file).parent.relative_to(PACKAGE)) for pair in self.changes for file in pair}


def test_a_search_of_two_trials_goes_through_few_doors(tmp_path: Path) -> None:
    search, trace = tuner(tmp_path, n_trials=2, made=factory(epochs=1)), Trace()
    sys.setprofile(trace)
    try:
        search.optimize()
    finally:
        sys.setprofile(None)
    assert len(search.log) == 2
    assert trace.changes.total() <= MOST_CHANGES, trace.changes.most_common(25)
    assert len(trace.rooms) <= MOST_ROOMS, sorted(trace.rooms)
