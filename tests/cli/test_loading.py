"""A finished search in a process of its own: its network is made again, and its data are not there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from automax_lightning import AutoMAXCLI, load
from automax_lightning.errors import ConfigError, JournalError
from automax_lightning.search.executors.pickling import write_factory
from tests.support.searching import DATA, factory, tuner

YAML = """
model:
  class_path: automax_lightning.AUCModule
  init_args:
    model: {class_path: automax_lightning.models.MLP, init_args: {hidden: [8]}}
    optimizer_kwargs: {lr: 0.1}
data: {class_path: automax_lightning.DigitsDataModule}
trainer: {max_epochs: 1, accelerator: cpu}
search:
  model.optimizer_kwargs.lr: {low: 0.01, high: 1.0, log: true}
  model.model.hidden: [[8], [12]]
automax: {name: mine, n_trials: 4, target: AUROC}
"""
PROGRAM = """
import sys, torch, automax_lightning
scores = automax_lightning.load(sys.argv[1]).predict(torch.load(sys.argv[2]))
torch.save(scores, sys.argv[3])
print("smac" in sys.modules)
"""


@pytest.mark.slow
def test_a_search_from_a_file_is_loaded_in_a_fresh_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text(YAML)
    search = AutoMAXCLI(args=["tune", "--config", "c.yaml", "--quiet"]).tuner
    x = DATA.datasets[2].tensors[0]
    expected = search.predict(x)
    for name in ("config.yaml", "ensemble"):  # are enough
        source, target = search.directory / name, tmp_path / "alone" / name
        target.parent.mkdir(exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    torch.save(x, "x.pt")
    line = [sys.executable, "-c", PROGRAM, str(tmp_path / "alone"), "x.pt", "scores.pt"]
    done = subprocess.run(line, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr
    assert torch.equal(torch.load("scores.pt"), expected)


def test_a_search_from_python_needs_its_factory(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=4, made=factory(epochs=1))
    search.optimize()
    x = DATA.datasets[2].tensors[0]
    with pytest.raises(ConfigError, match=r"load.trainer: expected the factory of the search.*trainer=factory"):
        load(search.directory)
    assert torch.equal(load(search.directory, trainer=search.trainer).predict(x), search.predict(x))
    with pytest.raises(ConfigError, match="load.trainer: expected what AutoMAX was given"):
        load(search.directory, trainer=len)
    write_factory(search.trainer, search.directory / "factory.pkl")
    with pytest.raises(ConfigError, match="is read with trust=True only"):
        load(search.directory)
    assert torch.equal(load(search.directory, trust=True).predict(x), search.predict(x))


def test_without_an_ensemble_the_best_model_is_loaded(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=2, made=factory(epochs=1), ensemble_size=0)
    search.optimize()
    x = DATA.datasets[2].tensors[0]
    loaded = load(search.directory, trainer=search.trainer)
    assert loaded.members == (search.best.number,)  # type: ignore[union-attr]
    assert torch.equal(loaded.predict(x), search.predict(x))
    with pytest.raises(JournalError, match="the directory of a search"):
        load(tmp_path / "nothing", trainer=search.trainer)
