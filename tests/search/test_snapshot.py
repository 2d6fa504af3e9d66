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
from tests.support.searches import record, result
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
    assert "nobody runs it; the command that started it resumes it" in seen.describe()
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


def test_the_text_of_a_search_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = "\x1b[2JAU\rROC"
    directory = tmp_path / "a\x1b[31m b"
    record(directory, [({"lr": 0.1}, result(1, 0.8)), ({"lr": 0.1}, None)], target=target)
    assert main(["status", str(directory)]) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[0].startswith(f"{tmp_path}/a b: nobody runs it")
    assert "best AUROC 0.8000 (trial 1)" in shown
    assert "trial 2, epoch 1: AUROC 0.5000" in shown
    assert not {"\x1b", "\r"} & set(shown)


def test_a_directory_whose_name_is_not_utf_8_is_shown(tmp_path: Path) -> None:
    directory = tmp_path / "caf\udce9"
    record(directory, [({"lr": 0.1}, result(1, 0.8))])
    done = subprocess.run([sys.executable, "-m", "automax_lightning", "status", str(directory)], capture_output=True, check=True)
    assert done.stdout.splitlines()[0] == f"{tmp_path}/caf\\udce9: finished".encode()


@pytest.mark.parametrize("command", ["status", "report"])
def test_whoever_stops_reading_gets_no_traceback(tmp_path: Path, command: str) -> None:
    record(tmp_path, [({"lr": 0.1}, result(1, 0.8))])
    line = f"{sys.executable} -m automax_lightning {command} {tmp_path} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
