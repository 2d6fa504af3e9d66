"""Where a trial keeps its files, and what its checkpoints say of it."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from automax_lightning import Fit, Objective, Status, TrialSpec
from automax_lightning.errors import CheckpointError
from automax_lightning.trial.checkpoint import (
    TrialCheckpoint,
    TrialFiles,
    TrialIdentity,
    load_checkpoint,
    read_checkpoint,
    salvage,
)
from tests.support.fits import Points, Regression


def fit(epochs: int = 3) -> Fit:
    return Fit(Regression, Points(), epochs=epochs, objective=Objective("score"), trainer_kwargs={"accelerator": "cpu"})


def test_every_file_of_a_trial_has_one_place() -> None:
    files = TrialFiles.of(Path("out/mine"), 12)
    assert files == TrialFiles(Path("out/mine/trials/0012"))
    paths = (files.best, files.last, files.scores, files.error, files.runs, files.trial_json, files.user_checkpoints)
    assert [path.relative_to(files.directory).as_posix() for path in paths] == [
        "checkpoints/best.ckpt", "checkpoints/last.ckpt", "checkpoints/scores.npz", "error.txt", "runs.json", "trial.json",
        "model_checkpoints",
    ]  # fmt: skip
    assert [path.name for path in files.only_for_resuming] == ["last.ckpt", "fresh.ckpt", "best.link"]


def test_a_checkpoint_says_what_its_trial_has_done(tmp_path: Path) -> None:
    result = fit().run(spec=TrialSpec(1, {}, directory=tmp_path, budget=2))
    files = TrialFiles(tmp_path)
    last = read_checkpoint(files.last)
    assert (last.curve, last.best_epoch, last.score) == (result.curve, result.best_epoch, result.score)
    assert (last.epochs, last.global_step) == (2, 8)
    assert last.metrics["val/score"] == result.score
    assert 0 < last.seconds <= result.seconds
    assert last.logged_key(Objective("score")) == last.logged_key(Objective("val/score")) == "val/score"
    assert last.logged_key(Objective("other")) == "val/other"


def test_what_is_written_is_what_is_read() -> None:
    record = TrialCheckpoint((math.inf, 0.5), 2, {"val/score": 0.5}, 1.5, epochs=2, global_step=8)
    content = {"epoch": 1, "global_step": 8}
    assert TrialCheckpoint.find_in(content) is None
    record.write_into(content)
    assert TrialCheckpoint.find_in(content) == record
    assert (TrialCheckpoint().score, record.score) == (None, 0.5)


def test_another_checkpoint_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 1, "global_step": 8, "state_dict": {}}, tmp_path / "other.ckpt")
    with pytest.raises(CheckpointError, match=r"other.ckpt: expected a checkpoint that a trial has written"):
        read_checkpoint(tmp_path / "other.ckpt")


def test_the_result_of_a_dead_process_is_read_from_its_last_checkpoint(tmp_path: Path) -> None:
    spec = TrialSpec(1, {}, directory=tmp_path, budget=2)
    result = fit().run(spec=spec)
    rescued = salvage(spec, Status.KILLED, "the process died")
    assert (rescued.status, rescued.reason) == (Status.KILLED, "the process died")
    assert (rescued.score, rescued.curve, rescued.val) == (result.score, result.curve, result.val)
    assert rescued.checkpoint == result.checkpoint == TrialFiles(tmp_path).best
    empty = salvage(TrialSpec(2, {}, directory=tmp_path / "empty"), Status.TIMEOUT, "late")
    assert (empty.status, empty.score, empty.curve) == (Status.TIMEOUT, None, ())


def test_paths_need_no_torch() -> None:
    code = "import sys, automax_lightning.trial.checkpoint; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"


# Whose checkpoint it is --------------------------------------------------------------------------------------------------


def trial(directory: Path, **fields: Any) -> TrialSpec:
    return TrialSpec(**{"number": 1, "configuration": {"lr": 0.1}, "seed": 5, "search": "a", "directory": directory, **fields})


def test_a_checkpoint_carries_its_trial(tmp_path: Path) -> None:
    spec = trial(tmp_path, budget=1)
    fit().run(spec=spec)
    assert read_checkpoint(TrialFiles(tmp_path).last).identity == TrialIdentity.of(spec)
    assert TrialIdentity.of(spec) == TrialIdentity.of(trial(tmp_path / "elsewhere", budget=2))  # what may change in a trial


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"number": 2}, "trial 1 instead of 2"), ({"seed": 6}, "seed 5 instead of 6"), ({"search": "b"}, "search a instead of b"),
        ({"configuration": {"lr": 0.2}}, "configuration .* instead of"),
    ],
)  # fmt: skip
def test_a_foreign_checkpoint_is_set_aside_and_the_trial_starts_anew(tmp_path: Path, fields: Any, said: str) -> None:
    fit().run(spec=trial(tmp_path, budget=2))
    files = TrialFiles(tmp_path)
    kept = {path.name: path.read_bytes() for path in files.checkpoints.iterdir()}
    spec = trial(tmp_path, **fields)
    straight = fit().run(spec=trial(tmp_path / "straight", **fields))
    rescued = salvage(spec, Status.KILLED, "dead")
    assert rescued.curve == ()
    with pytest.warns(UserWarning, match=rf"last.ckpt is not resumed from: .*{said}.*last.ckpt.foreign; the trial starts anew"):
        result = fit().run(spec=spec)
    assert (result.curve, result.score, result.test) == (straight.curve, straight.score, straight.test)
    assert {name: (files.checkpoints / f"{name}.foreign").read_bytes() for name in kept} == kept


def test_what_was_set_aside_before_stays(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last.ckpt.damaged").write_text("older")
    (tmp_path / "checkpoints" / "last.ckpt").write_text("newer")
    with pytest.warns(UserWarning, match=r"last.ckpt.damaged2; the trial starts anew"):
        assert fit(1).run(spec=trial(tmp_path)).status is Status.SUCCESS
    assert [(tmp_path / "checkpoints" / f"last.ckpt.damaged{end}").read_text() for end in ("", "2")] == ["older", "newer"]


def test_a_checkpoint_of_the_first_version_is_accepted(tmp_path: Path) -> None:
    straight = fit().run(spec=trial(tmp_path / "straight"))
    fit().run(spec=trial(tmp_path / "old", budget=1))
    last = TrialFiles(tmp_path / "old").last
    content = load_checkpoint(last)
    del content["automax_lightning"]["identity"]
    content["automax_lightning"]["curve"] = (-7.0,)  # shows that the first epoch is not trained again
    torch.save(content, last)
    assert fit().run(spec=trial(tmp_path / "old")).curve == (-7.0, *straight.curve[1:])


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [cut, flipped, lambda content: b"", lambda content: b"no checkpoint"])
def test_a_damaged_checkpoint_is_set_aside_and_the_trial_starts_anew(tmp_path: Path, damage: Any) -> None:
    straight = fit().run(spec=trial(tmp_path / "straight"))
    fit().run(spec=trial(tmp_path / "cut", budget=1))
    last = TrialFiles(tmp_path / "cut").last
    damaged = damage(last.read_bytes())
    last.unlink()  # best.ckpt is the same file
    last.write_bytes(damaged)
    with pytest.warns(UserWarning, match=r"last.ckpt is not resumed from: a truncated or damaged file"):
        result = fit().run(spec=trial(tmp_path / "cut"))
    assert (result.curve, result.score) == (straight.curve, straight.score)
    assert last.with_name("last.ckpt.damaged").read_bytes() == damaged


def test_damage_is_an_error_where_weights_are_wanted(tmp_path: Path) -> None:
    result = fit(1).run(spec=trial(tmp_path))
    assert result.checkpoint is not None
    result.checkpoint.write_bytes(flipped(result.checkpoint.read_bytes()))
    with pytest.raises(CheckpointError, match=r"best.ckpt: expected a whole checkpoint, found a truncated or damaged file"):
        load_checkpoint(result.checkpoint)


# Trust -------------------------------------------------------------------------------------------------------------------


class Note:
    """An object of the user's in a checkpoint; loading it leaves a trace."""

    def __reduce__(self) -> Any:
        return os.mkdir, (os.environ["TRACE"],)


def test_reading_what_a_checkpoint_says_runs_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACE", str(tmp_path / "trace"))
    content: dict[str, Any] = {"note": Note(), "epoch": 0, "global_step": 4, "weights": torch.ones(3)}
    TrialCheckpoint((0.5,), 1, {"val/score": 0.5}, 1.0).write_into(content)
    torch.save(content, tmp_path / "last.ckpt")
    assert read_checkpoint(tmp_path / "last.ckpt").curve == (0.5,)
    with pytest.raises(CheckpointError, match=r"an object of posix.mkdir\. Allow .*add_safe_globals.*trust=True"):
        load_checkpoint(tmp_path / "last.ckpt")
    assert not (tmp_path / "trace").exists()
    load_checkpoint(tmp_path / "last.ckpt", trust=True)
    assert (tmp_path / "trace").exists()


class Plain:
    value = 1


class WithPlain(Regression):
    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["plain"] = Plain()


def test_a_module_that_keeps_objects_needs_trust_or_an_allowed_class(tmp_path: Path) -> None:
    def run(name: str, **settings: Any) -> Any:
        made = Fit(WithPlain, Points(), epochs=3, objective=Objective("score"), trainer_kwargs={"accelerator": "cpu"}, **settings)
        return made.run(spec=trial(tmp_path / name))

    refused = run("refused")
    assert (refused.status, refused.epochs) == (Status.CRASHED, 0)  # at the first validation, not after hours
    assert "an object of tests.trial.test_checkpoint.Plain" in refused.reason
    assert "trust=True (Fit, AutoMAXConfig, load_best_model)" in refused.reason
    trusted = run("trusted", trust=True)
    with torch.serialization.safe_globals([Plain]):
        allowed = run("allowed")
    assert trusted.status is allowed.status is Status.SUCCESS
    assert trusted.test == allowed.test


def test_everything_is_on_the_disk_before_an_epoch_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of what happens, from the calls of the system itself."""
    happened: list[str] = []
    fsync, replace = os.fsync, os.replace

    def sync(descriptor: int) -> None:
        happened.append(f"sync {os.path.basename(os.readlink(f'/proc/self/fd/{descriptor}'))}")
        fsync(descriptor)

    def rename(source: Any, target: Any) -> None:
        happened.append(f"rename {os.path.basename(target)}")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", rename)
    fit(1).run(spec=trial(tmp_path), on_epoch=lambda epoch, score: happened.append("told"))  # type: ignore[func-returns-value]
    validated = ["sync fresh.ckpt", "rename best.ckpt", "sync checkpoints"]
    assert happened == [*validated, "sync fresh.ckpt", "rename last.ckpt", "sync checkpoints", "told"]
