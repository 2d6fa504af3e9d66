"""How a search stands, seen from another process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from automax_lightning.cli import main
from automax_lightning.search.snapshot import Running, snapshot
from automax_lightning.search.storage.lock import SearchLock, holder_of
from tests.support.searching import tuner
from tests.support.trials import factory


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("watch")
    search = tuner(root, n_trials=3, made=factory(root, ("good", "raises", "best")), target="score")
    search.optimize()
    return search.directory


def test_a_finished_search_says_so(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(finished)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == f"{finished}: finished"
    assert shown[1] == "3 of 3 trials over (1 failed), best score 0.6300 (trial 3)"
    assert shown[2].startswith("searched for ")


def test_what_runs_is_seen_from_the_journal_alone(finished: Path, tmp_path: Path) -> None:
    lines = (finished / "journal.jsonl").read_text().splitlines()
    last = max(i for i, line in enumerate(lines) if json.loads(line)["event"] == "result")
    (tmp_path / "journal.jsonl").write_text("\n".join(lines[: last - 1]) + "\n")
    newest = json.loads(lines[last - 2])
    before = sorted(tmp_path.iterdir())
    seen = snapshot(tmp_path, now=newest["time"] + 7.0)
    assert seen.running == (Running(newest["number"], newest["epoch"], None, newest["score"]),)
    assert (len(seen.record.results), seen.record.n_trials, seen.holder, seen.idle) == (2, 3, None, pytest.approx(7.0))
    assert "nobody runs it; the command that started it continues it" in seen.describe()
    assert f"  trial {newest['number']}, epoch {newest['epoch']}: score {newest['score']:.4f}" in seen.describe()
    assert sorted(tmp_path.iterdir()) == before


def test_who_runs_a_search_is_known_and_looking_does_not_take_the_lock(tmp_path: Path) -> None:
    assert holder_of(tmp_path) is None
    with SearchLock(tmp_path):
        held = holder_of(tmp_path)
        assert held is not None
        assert held.startswith("process ")
        with SearchLock(tmp_path / ".."):
            pass
    assert holder_of(tmp_path) is None
    with SearchLock(tmp_path):
        pass


def test_a_directory_without_a_search_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(tmp_path)]) == 2
    assert "expected the directory of a search, which holds its journal.jsonl" in capsys.readouterr().err


def test_status_needs_no_torch(finished: Path) -> None:
    code = f"import sys; from automax_lightning.cli import main; main(['status', {str(finished)!r}]); "
    code += "print(sorted({'torch', 'smac', 'lightning', 'pandas', 'ConfigSpace'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
