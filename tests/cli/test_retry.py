from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from automax_lightning import Status
from automax_lightning.cli import main
from automax_lightning.cli.retry import starter
from automax_lightning.search.storage.journal import read
from tests.support.searching import tuner
from tests.support.trials import factory

MODULE = """
from pathlib import Path
import lightning as L
import torch
from torch.utils.data import DataLoader, TensorDataset

class Net(L.LightningModule):
    def __init__(self, width: int = 1):
        super().__init__()
        self.width, self.layer = width, torch.nn.Linear(2, 1)

    def training_step(self, batch, batch_idx):
        if self.width == 2 and Path("broken").exists():
            raise ValueError("as asked")
        return self.layer(batch[0]).square().mean()

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.layer(batch[0]).square().mean())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def train_dataloader(self):
        return DataLoader(TensorDataset(torch.ones(8, 2)), batch_size=8)

    val_dataloader = train_dataloader
"""

CONFIG = {
    "model": {"class_path": "flaky_net.Net"},
    "trainer": {"max_epochs": 1, "accelerator": "cpu", "enable_progress_bar": False},
    "search": {"model.init_args.width": {"choices": [1, 2]}},
    "automax": {"name": "s", "n_trials": 2, "target": "val_loss", "mode": "min"},
}


def test_a_search_of_the_command_goes_on_with_its_failed_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "flaky_net.py").write_text(MODULE)
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(CONFIG))
    (tmp_path / "broken").touch()
    assert main(["tune", "--config", "c.yaml"]) == 0
    directory = Path("automax_output") / "s"
    assert read(directory).failed() == (2,)
    (tmp_path / "broken").unlink()
    assert main(["retry", str(directory), "--trials", "1"]) == 2
    assert "retry.trials: expected failed trials, of [2], found 1" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["/bin/automax-lightning", "retry", str(directory)])
    assert main(["retry", str(directory)]) == 0
    assert "To run again: trial 2." in capsys.readouterr().out
    history = read(directory)
    assert {number: result.status for number, result in history.results.items()} == {1: Status.SUCCESS, 2: Status.SUCCESS}
    assert history.command[1:2] != ("retry",)
    assert main(["retry", str(directory)]) == 0
    assert "No trial of this search has failed." in capsys.readouterr().out


def test_a_search_from_python_is_left_to_its_own_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    search = tuner(tmp_path, n_trials=2, made=factory(tmp_path, ("good", "raises")), target="score")
    search.optimize()
    assert main(["retry", str(search.directory), "--trials", "2"]) == 0
    assert "The next start of the search runs them, optimize() in Python or its own command" in capsys.readouterr().out
    assert [spec.number for spec in read(search.directory).pending()] == [2]


@pytest.mark.parametrize(
    ("command", "is_started"),
    [
        (("/bin/automax-lightning", "run", "--config_file", "r.yaml"), True),
        (("/lib/automax_lightning/__main__.py", "run", "--config_file", "r.yaml"), True),
        (("main.py", "tune", "--config", "c.yaml"), False),
        (("/lib/ipykernel_launcher.py", "-f", "x.json"), False),
        ((), False),
    ],
)
def test_what_a_command_has_started_it_starts_again(tmp_path: Path, command: tuple[str, ...], is_started: bool) -> None:
    assert (starter(tmp_path, command) is not None) is is_started


def test_a_recipe_that_is_kept_elsewhere_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from automax_lightning.errors import ConfigError

    monkeypatch.chdir(tmp_path)
    recipe = {"dataset": {"name": "digits"}, "model": {"name": "mlp"}, "automax": {"name": "other", "n_trials": 1}}
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe))
    start = starter(tmp_path / "mine", ("automax-lightning", "run", "--config_file", "r.yaml"))
    assert start is not None
    with pytest.raises(ConfigError, match=r"automax-lightning run: expected the recipe of .*mine, found one of .*other"):
        start()
