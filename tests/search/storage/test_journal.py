from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from automax_lightning.errors import JournalError, SearchLockedError
from automax_lightning.search.storage.history import Observation
from automax_lightning.search.storage.journal import Journal, read
from automax_lightning.trial.records import Status, TrialResult, TrialSpec

SETTINGS = {"space": {"lr": "Float(0, 1)"}, "target": "AUROC", "seed": 1, "n_trials": 3, "version": "1"}


def spec(number: int, root: Path) -> TrialSpec:
    values = {"lr": 0.1 + number / 3, "gammas": (0.9, 0.5), "none": None, "flag": True, "n": 3}
    return TrialSpec(number, values, seed=7, budget=4, directory=root / "trials" / f"{number:04d}", origin="forest")


def result(number: int, root: Path, status: Status = Status.SUCCESS) -> TrialResult:
    return TrialResult(
        number, status, score=0.1 + 0.7, val={"AUROC": 0.8, "AUPRC": math.nan}, test={"AUROC": 1 / 3}, epochs=3, best_epoch=2,
        curve=(math.nan, 0.8, 0.7), seconds=1.25, checkpoint=root / "trials" / "0001" / "best.ckpt", reason="", error=None,
    )  # fmt: skip


def write(root: Path, trials: int = 2, settings: dict[str, Any] = SETTINGS) -> None:
    with Journal(root, settings) as journal:
        for number in range(1, trials + 1):
            journal.record_ask(spec(number, root))
            journal.record_epoch(number, 1, math.nan)
            journal.record_epoch(number, 2, 0.8)
            journal.record_result(result(number, root))


def same(one: TrialResult, other: TrialResult) -> bool:
    return repr(one) == repr(other)  # NaN is equal to NaN here


def test_what_is_written_is_read_back_exactly(tmp_path: Path) -> None:
    write(tmp_path)
    history = read(tmp_path)
    assert history.asks == (spec(1, tmp_path), spec(2, tmp_path))
    assert same(history.results[1], result(1, tmp_path))
    assert history.curves[1][2] == 0.8
    assert math.isnan(history.curves[1][1])
    assert history.settings == SETTINGS
    assert history.warnings == ()
    assert history.pending() == ()


def test_a_moved_search_finds_its_files(tmp_path: Path) -> None:
    write(tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b")
    assert read(tmp_path / "b").asks[0].directory == tmp_path / "b" / "trials" / "0001"


def test_lines_are_strict_json(tmp_path: Path) -> None:
    write(tmp_path)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    for line in (tmp_path / "journal.jsonl").read_text().splitlines():
        event = json.loads(line, parse_constant=refuse)
        assert event["event"] in ("open", "settings", "ask", "start", "epoch", "result")
        assert event["time"] > 1.7e9


def test_an_interrupted_trial_is_pending_until_it_is_over(tmp_path: Path) -> None:
    with Journal(tmp_path, SETTINGS) as journal:
        journal.record_ask(spec(1, tmp_path))
        assert journal.history.pending() == (spec(1, tmp_path),)
        journal.record_result(result(1, tmp_path, Status.INTERRUPTED))
        assert read(tmp_path).pending() == (spec(1, tmp_path),)
        journal.record_result(result(1, tmp_path))
    assert read(tmp_path).pending() == ()
    assert list(read(tmp_path).final()) == [1]


def test_a_promoted_trial_is_pending_until_its_next_end_and_keeps_what_it_has_reached(tmp_path: Path) -> None:
    def same() -> None:
        told, kept = read(tmp_path), journal.history
        assert repr((told.asks, told.results, told.reopened)) == repr((kept.asks, kept.results, kept.reopened))  # NaN

    with Journal(tmp_path, SETTINGS) as journal:
        journal.record_ask(spec(1, tmp_path))
        journal.record_result(result(1, tmp_path, Status.PAUSED))
        assert read(tmp_path).pending() == ()
        journal.record_promotion(1, 12)
        same()
        assert [each.budget for each in read(tmp_path).pending()] == [12]
        journal.record_result(result(1, tmp_path, Status.INTERRUPTED))
        same()
        assert read(tmp_path).final()[1].status is Status.PAUSED
        assert read(tmp_path).pending()
        journal.record_result(result(1, tmp_path))
        same()
    assert read(tmp_path).pending() == ()


def test_the_time_of_a_search_is_that_in_which_it_ran(tmp_path: Path) -> None:
    for start in (1000.0, 5000.0):
        events = [{"event": kind, "number": 1, "time": start + 3 * n} for n, kind in enumerate(("open", "start", "start"))]
        with open(tmp_path / "journal.jsonl", "a") as file:
            file.writelines(json.dumps(event) + "\n" for event in events)
    history = read(tmp_path)
    assert history.seconds == 12.0
    assert history.started == {1: 5006.0}


def test_what_is_known_from_elsewhere_is_kept(tmp_path: Path) -> None:
    known = (Observation({"lr": 0.1, "gammas": (0.1, 0.2)}, -0.9),)
    with Journal(tmp_path, SETTINGS) as journal:
        journal.record_known(known)
    assert read(tmp_path).known == known


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_torn_last_line_is_ignored_said_and_cut_off(tmp_path: Path, cut: int) -> None:
    write(tmp_path)
    path = tmp_path / "journal.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    history = read(tmp_path)
    assert sorted(history.results) == [1]
    assert "cut while it was written" in history.warnings[0]
    with Journal(tmp_path, SETTINGS) as journal:
        journal.record_result(result(2, tmp_path))
    assert sorted(read(tmp_path).results) == [1, 2]
    assert read(tmp_path).warnings == ()


def test_damage_elsewhere_is_an_error_with_the_line(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "journal.jsonl"
    lines = path.read_bytes().split(b"\n")
    lines[2] = lines[2][:10]
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(JournalError, match=r"journal.jsonl:3: expected a line of JSON with an event"):
        read(tmp_path)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "journal.jsonl"
    path.write_text(path.read_text().replace('"format": 2', '"format": 3'))
    with pytest.raises(JournalError, match="Upgrade automax-lightning"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": "AUPRC"}, "target: 'AUROC' -> 'AUPRC'"),
        ({"seed": 2}, "seed: 1 -> 2"),
        ({"space": {"lr": "Float(0, 2)", "k": "x"}}, r"(?s)space.k: None -> 'x'.*space.lr: 'Float\(0, 1\)' -> 'Float\(0, 2\)'"),
    ],
)
def test_another_search_is_refused_with_the_difference(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    write(tmp_path)
    before = (tmp_path / "journal.jsonl").read_bytes()
    with pytest.raises(JournalError, match=message), Journal(tmp_path, {**SETTINGS, **change}):
        pass
    assert (tmp_path / "journal.jsonl").read_bytes() == before


def test_more_trials_and_another_version_are_the_same_search(tmp_path: Path) -> None:
    write(tmp_path)
    with Journal(tmp_path, {**SETTINGS, "n_trials": 9, "version": "2"}):
        pass
    assert read(tmp_path).settings["n_trials"] == 9
    assert len(read(tmp_path).asks) == 2


def test_a_second_holder_is_refused_by_name_until_the_first_lets_go(tmp_path: Path) -> None:
    with Journal(tmp_path, SETTINGS):
        with pytest.raises(SearchLockedError, match=rf"process {os.getpid()} on .* since"), Journal(tmp_path, SETTINGS):
            pass
        assert read(tmp_path).settings == SETTINGS  # looking needs no lock
    with Journal(tmp_path, SETTINGS):
        pass


WRITER = """
import sys, math
from pathlib import Path
from automax_lightning.search.storage.journal import Journal
root = Path(sys.argv[1])
with Journal(root, {"seed": 1}) as journal:
    print("ready", flush=True)
    epoch = max(journal.history.curves.get(1, {0: 0}))
    while True:
        epoch += 1
        journal.record_epoch(1, epoch, epoch / 3)
        print(epoch, flush=True)
"""


def test_kill_9_loses_no_event_that_was_recorded_and_leaves_no_lock(tmp_path: Path) -> None:
    recorded = 0
    for attempt in range(6):
        child = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.02 * attempt)
        child.send_signal(signal.SIGKILL)
        lines = child.stdout.read().split("\n")[:-1]
        child.wait()
        child.stdout.close()
        recorded = max([recorded, *map(int, lines)])
        curve = read(tmp_path).curves.get(1, {})
        assert len(curve) >= recorded
        assert all(score == epoch / 3 for epoch, score in curve.items())
        assert sorted(curve) == list(range(1, len(curve) + 1))


def test_reading_five_hundred_trials_is_linear(tmp_path: Path) -> None:
    lines = [json.dumps({"event": "settings", "settings": {"format": 1}})]
    for number in range(1, 501):
        ask = {"number": number, "configuration": {"lr": 0.1}, "seed": 0, "budget": None, "directory": None, "origin": "random"}
        lines.append(json.dumps({"event": "ask", "trial": ask}))
        lines += [json.dumps({"event": "epoch", "number": number, "epoch": e, "score": 0.5}) for e in range(50)]
    (tmp_path / "journal.jsonl").write_text("\n".join(lines) + "\n")
    history = read(tmp_path)
    assert len(history.asks) == 500
    assert len(history.curves[500]) == 50
