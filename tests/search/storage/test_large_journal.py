"""A journal of many epochs is read in memory that is in proportion to what its trials have brought."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from automax_lightning.search.storage.lines import to_line
from tests.support.journals import write_journal

READ = """
import resource, sys
from pathlib import Path
from automax_lightning.search.storage.journal import read
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
history = read(Path(sys.argv[1]))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, len(history.results), len(history.curves[200]))
"""


@pytest.mark.slow
def test_fifty_megabytes_need_less_than_their_size(tmp_path: Path) -> None:
    write_journal(tmp_path, trials=0)
    with open(tmp_path / "journal.jsonl", "ab") as file:
        for number in range(1, 201):
            scores = [round(0.5 + epoch / 9000, 6) for epoch in range(2500)]
            trial = {"number": number, "configuration": {"lr": 0.1}, "seed": 0, "budget": None, "directory": None, "origin": "gp"}
            file.write(to_line({"event": "ask", "trial": trial, "time": 1795616637.5}))
            for epoch, score in enumerate(scores, start=1):
                file.write(to_line({"event": "epoch", "number": number, "epoch": epoch, "score": score, "time": 1795616637.569}))
            result = {
                "number": number, "status": "SUCCESS", "score": scores[-1], "val": {}, "test": {}, "epochs": 2500,
                "best_epoch": 2500, "curve": scores, "seconds": 1.0, "checkpoint": None, "reason": "", "error": None,
            }  # fmt: skip
            file.write(to_line({"event": "result", "result": result, "time": 1795616637.5}))
    size = (tmp_path / "journal.jsonl").stat().st_size // 2**20
    assert size >= 50
    done = subprocess.run([sys.executable, "-c", READ, str(tmp_path)], capture_output=True, text=True, check=True)
    grown, results, epochs = map(int, done.stdout.split())
    assert (results, epochs) == (200, 2500)
    assert grown < size
