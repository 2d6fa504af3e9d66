from __future__ import annotations

import gc
import json
from pathlib import Path

import pytest

from automax_lightning.search.proposer.proposer import Proposer
from automax_lightning.search.proposer.smac_facade import export, facade
from tests.support.proposals import aucm_space, search


def test_smacs_files_are_written_whole_and_readable_by_smac(tmp_path: Path) -> None:
    from smac.runhistory import RunHistory

    space = aucm_space()
    proposer = Proposer(space, seed=1, directory=tmp_path / "search")
    history = search(proposer, 6)
    for count in (4, 6):
        export(proposer.facade_for(history[:count]), tmp_path / "smac")
        names = {"runhistory.json", "configspace.json", "intensifier.json", "optimization.json", "scenario.json"}
        assert names <= {path.name for path in (tmp_path / "smac").iterdir()}
        found = RunHistory()
        found.load(tmp_path / "smac" / "runhistory.json", space)
        costs = sorted(value.cost for value in found.values())
        assert costs == pytest.approx(sorted(observation.cost for observation in history[:count] if observation.cost))
    assert [path.name for path in tmp_path.iterdir()] == ["smac"]


def test_a_facade_knows_every_told_trial_and_keeps_its_scratch_directory_no_longer_than_itself() -> None:
    space = aucm_space()
    told = [(config, float(number)) for number, config in enumerate(space.sample_configuration(3))]
    made = facade(space, 5, told, None)
    scratch = Path(made.scenario.output_directory).parents[1]
    assert [value.cost for value in made.runhistory.values()] == [0.0, 1.0, 2.0]
    assert {key.seed for key in made.runhistory} == {5}
    assert scratch.name.startswith("automax_smac_")
    assert scratch.exists()
    del made
    gc.collect()
    assert not scratch.exists()


def test_an_export_replaces_its_own_files_and_leaves_every_other(tmp_path: Path) -> None:
    export(facade(aucm_space(), 1, [], None), tmp_path / "smac")
    written = {path.name for path in (tmp_path / "smac").iterdir()}
    (tmp_path / "smac" / "runhistory.json").write_text("cut")
    (tmp_path / "smac" / "mine.json").write_text("mine")
    export(facade(aucm_space(), 1, [], None), tmp_path / "smac")
    assert {path.name for path in (tmp_path / "smac").iterdir()} == {*written, "mine.json"}
    assert json.loads((tmp_path / "smac" / "runhistory.json").read_text())["data"] == []
    assert (tmp_path / "smac" / "mine.json").read_text() == "mine"
