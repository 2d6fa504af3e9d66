from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from automax_lightning.errors import JournalError
from automax_lightning.search.storage.state_file import read_state, write_state

LOG = [{"trial": 1, "val": 0.9, "test": None, "space": {"gammas": (0.9, 0.9), "flag": True}, "reason": "ä"}]


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('ran')",)


def test_the_log_is_read_back(tmp_path: Path) -> None:
    write_state(tmp_path / "state.pkl", LOG)
    assert read_state(tmp_path / "state.pkl") == LOG
    assert pickle.loads((tmp_path / "state.pkl").read_bytes()) == LOG
    assert [path.name for path in tmp_path.iterdir()] == ["state.pkl"]


def test_code_in_the_file_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "state.pkl"
    path.write_bytes(pickle.dumps([Evil()]))
    with pytest.raises(JournalError, match=r"plain dictionaries, found the object builtins.exec"):
        read_state(path)


def test_a_cut_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state.pkl"
    path.write_bytes(pickle.dumps(LOG)[:-5])
    with pytest.raises(JournalError, match=r"Delete it; journal.jsonl holds everything"):
        read_state(path)
