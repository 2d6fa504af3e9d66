from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ConfigSpace import ConfigurationSpace

from automax_lightning.errors import JournalError, SpaceError
from automax_lightning.search.proposer.proposer import Proposer
from automax_lightning.search.storage.history import Observation
from automax_lightning.search.storage.journal import Journal
from automax_lightning.search.warm_start import known_from
from automax_lightning.trial.records import Objective, Status, TrialResult, TrialSpec

AUROC = Objective("AUROC")
SPACE = ConfigurationSpace({"lr": (0.01, 0.5), "kind": ["a", "b"]})


def old_search(directory: Path, **settings: Any) -> None:
    with Journal(directory, {"target": "AUROC", "mode": "max", **settings}) as journal:
        for number, (lr, score) in enumerate([(0.1, 0.8), (0.9, 0.95), (0.2, 0.9), (0.3, None)], start=1):
            journal.record_ask(TrialSpec(number, {"lr": lr, "kind": "a"}))
            status = Status.CRASHED if score is None else Status.SUCCESS
            journal.record_result(TrialResult(number, status, score))


def test_a_directory_and_its_frame_tell_the_same(tmp_path: Path) -> None:
    old_search(tmp_path)
    expected = (Observation({"lr": 0.1, "kind": "a"}, -0.8), Observation({"lr": 0.2, "kind": "a"}, -0.9))
    frame = pd.DataFrame({"lr": [0.1, 0.9, 0.2, 0.3], "kind": "a", "score": [0.8, 0.95, 0.9, None], "other": 1})
    assert known_from(tmp_path, SPACE, AUROC) == expected  # 0.9 lies outside the new range
    assert known_from(frame, SPACE, AUROC) == expected
    assert known_from(frame.rename(columns={"score": "val/AUROC"}), SPACE, AUROC)[1].cost == -0.9


def test_what_cannot_help_is_refused(tmp_path: Path) -> None:
    old_search(tmp_path / "loss", target="val_loss", mode="min")
    old_search(tmp_path / "old")
    with pytest.raises(JournalError, match="expected a search for Objective"):
        known_from(tmp_path / "loss", SPACE, AUROC)
    with pytest.raises(JournalError, match=r"expected the directory of a search"):
        known_from(tmp_path / "nowhere", SPACE, AUROC)
    with pytest.raises(SpaceError, match=r"warm_start: expected trials that are configurations of the new space \['momentum'\]"):
        known_from(tmp_path / "old", ConfigurationSpace({"momentum": (0.0, 1.0)}), AUROC)
    with pytest.raises(SpaceError, match=r"one of the columns \['score', 'val/AUROC', 'AUROC'\], found DataFrame with \['lr'\]"):
        known_from(pd.DataFrame({"lr": [0.1]}), SPACE, AUROC)


def test_the_default_comes_first_then_the_best_that_is_known_then_the_surrogate_uses_it_all() -> None:
    space = ConfigurationSpace({"x": (0.0, 1.0), "y": (0.0, 1.0)})

    def cost(values: Any) -> float:
        return float((values["x"] - 0.8) ** 2 + (values["y"] - 0.1) ** 2) - 1

    grid = [{"x": i / 10, "y": j / 10} for i in range(11) for j in range(6)]
    known = [Observation(values, cost(values)) for values in grid]
    proposer, history = Proposer(space, seed=0), []
    for _ in range(6):
        proposal = proposer.propose(history, known)
        assert proposal is not None
        history.append(Observation(proposal.values, cost(proposal.values)))
    assert history[0].values == {"x": 0.5, "y": 0.5}
    assert history[1].values == {"x": 0.8, "y": 0.1}
    modelled = [cost(each.values) for each in history[2:]]
    assert sum(each < -0.9 for each in modelled) >= 2  # it looks where the earlier search has found the valley
