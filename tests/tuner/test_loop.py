"""A search that fails: what is removed again, and what is kept whatever happens."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest

from automax_lightning import AutoMAX, AutoMAXConfig, Fit, TabularDataModule, autopartial, parse_hyperparameters_from_dict
from automax_lightning.errors import AutoMAXError, ConfigError, ExecutionError, JournalError
from tests.support.fits import Points, Regression
from tests.support.searching import factory, tree, tuner


class Unpicklable:
    def __reduce__(self) -> Any:
        raise TypeError("this cannot be pickled")


class Interrupting(L.Callback):
    """The user presses Ctrl-C in the first epoch."""

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.current_epoch == 0:
            signal.raise_signal(signal.SIGTERM)


def made(error: BaseException | None = None, callbacks: Any = (), guard: Any = None) -> autopartial:
    def make(lr: float) -> Fit:
        _ = guard
        return Fit(lambda: Regression(1, error, "val/AUROC"), lambda seed: Points(), epochs=2, callbacks=callbacks,
                   trainer_kwargs={"accelerator": "cpu"})  # fmt: skip

    return autopartial(make, **parse_hyperparameters_from_dict({"lr": (0.1, 0.5)}))


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def begun(root: Path) -> AutoMAX:
    """A search whose first trial was interrupted after its first epoch: one trial is started, and none has ended."""
    search = tuner(root, made=made(callbacks=[Interrupting()]))
    with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
        search.optimize()
    assert (len(search.record.results), len(search.history.asks)) == (0, 1)
    return search


MISTAKES: dict[str, tuple[dict[str, Any], dict[str, Any], type[AutoMAXError], str]] = {
    "no scheduler": ({}, {"executor": "dask"}, ConfigError, "scheduler"),
    "unpicklable": ({"guard": Unpicklable()}, {"executor": "process"}, ExecutionError, "cannot be pickled"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_search_is_never_deleted_because_a_restart_failed(tmp_path: Path, mistake: str) -> None:
    held, settings, kind, message = MISTAKES[mistake]
    begun(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(kind, match=message):
        tuner(tmp_path, made=made(**held), **settings).optimize()
    after = contents(tmp_path)
    assert after["s/journal.jsonl"].startswith(before["s/journal.jsonl"])
    kept = before.keys() - {"s/journal.jsonl", "s/lock"}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    again = tuner(tmp_path, made=made())
    again.optimize()
    assert len(again.log) == 3


def test_an_error_in_user_code_at_the_restart_does_not_delete_it_either(tmp_path: Path) -> None:
    begun(tmp_path)
    with pytest.raises(ValueError, match="once more"):
        tuner(tmp_path, made=made(ValueError("once more"))).optimize()
    events = [json.loads(line)["event"] for line in (tmp_path / "s" / "journal.jsonl").read_text().splitlines()]
    assert events.count("ask") == 1
    assert (tmp_path / "s" / "trials" / "0001").exists()


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_search_that_never_started_a_trial_leaves_nothing(tmp_path: Path, mistake: str) -> None:
    held, settings, kind, message = MISTAKES[mistake]
    with pytest.raises(kind, match=message):
        tuner(tmp_path / "new", made=made(**held), **settings).optimize()
    assert tree(tmp_path) == []


def test_a_first_trial_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    there = tmp_path / "s" / "mine"
    there.mkdir(parents=True)
    (there / "notes.txt").write_text("mine")
    (tmp_path / "s" / "report.html").write_text("mine too")
    before = contents(tmp_path)
    search = tuner(tmp_path, made=made(ValueError("unlucky")))
    with pytest.raises(ValueError, match="unlucky"):
        search.optimize()
    assert contents(tmp_path) == before
    assert search.log == []


@pytest.mark.parametrize("name", ["config.yaml", "trials/0001/checkpoints/last.ckpt"])
def test_a_folder_of_somebody_else_is_never_written_over(tmp_path: Path, name: str) -> None:
    path = tmp_path / "s" / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(JournalError, match="without a journal"):
        tuner(tmp_path, made=factory(epochs=1)).optimize()
    assert contents(tmp_path) == {f"s/{name}": b"mine"}


def test_what_was_read_is_said_before_the_first_trial_and_kept_for_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = np.arange(60) % 3 == 0
    data = TabularDataModule(np.random.default_rng(0).normal(size=(60, 2)), labels, batch_size=16)
    config = AutoMAXConfig(name="s", n_trials=1, output_directory=tmp_path)
    search = AutoMAX(factory(data=data, epochs=1), config)
    search.optimize()
    said = capsys.readouterr().out
    assert said.startswith("\n".join(data.summary()))
    assert "val has 4 positives, fewer than 10" in said
    assert search.record.data_lines == data.summary()
    search.optimize()
    assert "positives" not in capsys.readouterr().out.partition("nothing was trained")[0].partition("Trial")[0]
    AutoMAX(
        factory(data=data, epochs=1), AutoMAXConfig(name="s", n_trials=1, output_directory=tmp_path, overwrite=True)
    ).optimize()
    assert search.record.data_lines == data.summary()
