from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from ConfigSpace import Float

from automax_lightning import Fit, Objective, TrialSpec, autopartial
from automax_lightning.errors import SpaceError
from automax_lightning.search.executors.trial_file import TrialFile, make_trainable
from tests.support.fits import make
from tests.support.trials import Telling, telling


def file(root: Path) -> TrialFile:
    spec = TrialSpec(3, {"lr": 0.1, "hidden": (8, 4)}, 2**32 - 1, 2, root / "trials" / "0003", "gp", 9)
    return TrialFile(spec, Objective("val_loss", "min"), root / "factory.pkl", root, 12.5, verbose=True)


def test_a_trial_comes_back_as_it_was(tmp_path: Path) -> None:
    path = file(tmp_path).write()
    assert path == tmp_path / "trials" / "0003" / "trial.json"
    assert TrialFile.read(path) == file(tmp_path)
    plain = dataclasses.replace(file(tmp_path), time_limit=None, verbose=False)
    assert TrialFile.read(plain.write()) == plain


def test_paths_are_relative_to_the_search_and_the_file_is_plain_json(tmp_path: Path) -> None:
    content = json.loads(file(tmp_path).write().read_text())
    assert content["trial"]["directory"] == "trials/0003"
    assert set(content) == {"trial", "target", "mode", "factory", "root", "time_limit", "verbose", "trust"}


def test_a_trainable_has_the_values_of_its_configuration() -> None:
    made = make_trainable(telling(), TrialSpec(1, {"x": 0.25}), verbose=False, trust=False)
    assert isinstance(made, Telling)
    assert made.x == 0.25
    with pytest.raises(SpaceError, match=r"configuration.y: expected a hyperparameter of the space"):
        make_trainable(telling(), TrialSpec(1, {"y": 0.25}), verbose=False, trust=False)


@pytest.mark.parametrize(("verbose", "trust"), [(True, False), (False, True)])
def test_a_fit_is_told_what_to_show_and_whom_to_trust(verbose: bool, trust: bool) -> None:
    factory = autopartial(lambda x: make(), x=Float("x", (0.0, 1.0)))
    made = make_trainable(factory, TrialSpec(1, {"x": 0.5}), verbose=verbose, trust=trust)
    assert isinstance(made, Fit)
    assert (made.verbose, made.trust) == (verbose, trust)
