from __future__ import annotations

import errno
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from automax_lightning import Objective, Status
from automax_lightning.errors import BatchError, CheckpointError, ConfigError, NonFiniteError, UntrustedCheckpointError
from automax_lightning.trial.checkpoint import TrialFiles
from automax_lightning.trial.recorder import TrialRecorder
from automax_lightning.trial.result import is_infrastructure, outcome, split_metrics, status_of, status_of_run, traceback_of


def recorder(directory: Path, curve: tuple[float, ...] = (), best: int | None = None, *, kept: bool = False) -> TrialRecorder:
    made = TrialRecorder(Objective("AUROC"), TrialFiles(directory))
    for step, score in enumerate(curve, start=1):
        made.progress.add(step, score, {"val/AUROC": score, "train/loss": 0.3})
        made.progress.end_epoch()
    assert made.best_epoch == best
    if kept:
        made.files.checkpoints.mkdir()
        made.files.best.touch()
    return made


def trainer(**reasons: str) -> Any:
    return SimpleNamespace(callbacks=[object(), SimpleNamespace(reasons={f"val/{name}": why for name, why in reasons.items()})])


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (ValueError("bad\nand more"), Status.CRASHED, "ValueError: bad"),
        (NonFiniteError("loss", "finite", "nan", "Lower lr."), Status.NON_FINITE, "loss: expected finite, found nan. Lower lr."),
        (BatchError("batch", "both", "one", "Mix."), Status.NO_POSITIVES, "batch: expected both, found one. Mix."),
        (ConfigError("a", "b", "c", "D."), Status.CRASHED, "a: expected b, found c. D."),
        (torch.OutOfMemoryError("no room"), Status.OUT_OF_MEMORY, "OutOfMemoryError: no room"),
        (MemoryError(), Status.OUT_OF_MEMORY, "MemoryError:"),
        (KeyboardInterrupt(), Status.CRASHED, "KeyboardInterrupt:"),
        (SystemExit(3), Status.CRASHED, "SystemExit: 3"),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"),
            Status.OUT_OF_MEMORY,
            "RuntimeError: [enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: you tried",
        ),
        (
            RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 4 bytes."),
            Status.OUT_OF_MEMORY,
            "RuntimeError: DefaultCPUAllocator: not enough memory: you tried to allocate 4 bytes.",
        ),
        (
            ValueError("not enough memory cells"),
            Status.CRASHED,
            "ValueError: not enough memory cells",
        ),
        (ValueError("half \ud800"), Status.CRASHED, r"ValueError: half \ud800"),
    ],
)
def test_an_exception_is_a_status_and_one_line(error: BaseException, status: Status, reason: str) -> None:
    assert status_of(error) == (status, reason)


def test_a_trial_with_its_best_checkpoint_has_succeeded(tmp_path: Path) -> None:
    made = recorder(tmp_path, (0.5, 0.8, 0.7), 2, kept=True)
    assert status_of_run(made, trainer()) == (Status.SUCCESS, "")
    result = outcome(3, made, {"AUROC": 0.75}, Status.SUCCESS, "", None)
    assert (result.score, result.best_epoch, result.epochs, result.curve) == (0.8, 2, 3, (0.5, 0.8, 0.7))
    assert (result.val, result.test, result.checkpoint) == ({"AUROC": 0.8}, {"AUROC": 0.75}, made.files.best)
    assert result.error is None


def test_a_best_epoch_whose_checkpoint_is_gone_is_no_success(tmp_path: Path) -> None:
    made = recorder(tmp_path, (0.5,), 1)
    with pytest.raises(CheckpointError, match=r"best.ckpt: expected the best epoch's checkpoint, found no file"):
        status_of_run(made, trainer())
    assert outcome(1, made, {}, Status.CRASHED, "x", None).checkpoint is None


def test_who_ended_the_trial_has_the_last_word(tmp_path: Path) -> None:
    made = recorder(tmp_path, (0.5,), 1)
    made.ended_by, made.reason = Status.PAUSED, "paused after 1 of 3 epochs"
    assert status_of_run(made, trainer()) == (Status.PAUSED, "paused after 1 of 3 epochs")


@pytest.mark.parametrize(
    ("reasons", "status", "said"),
    [
        ({"AUROC": "one class only"}, Status.UNDEFINED, "val/AUROC: one class only"),
        ({"AUROC": "scores are not finite"}, Status.NON_FINITE, "val/AUROC: scores are not finite"),
        ({"AUPRC": "one class only"}, Status.NON_FINITE, "the target AUROC was NaN after every epoch"),
        ({}, Status.NON_FINITE, "the target AUROC was NaN after every epoch"),
    ],
)
def test_without_a_score_the_callback_that_knows_why_is_asked(
    tmp_path: Path, reasons: dict[str, str], status: Status, said: str
) -> None:
    assert status_of_run(recorder(tmp_path, (math.nan,)), trainer(**reasons)) == (status, said)


def test_an_exception_leaves_its_traceback_and_what_was_reached(tmp_path: Path) -> None:
    try:
        raise RuntimeError("as asked")
    except RuntimeError as error:
        result = outcome(1, recorder(tmp_path, (0.5, 0.4), 1, kept=True), {}, Status.CRASHED, "RuntimeError", error)
    assert result.score == 0.5
    assert "Traceback" in str(result.error)
    assert "as asked" in str(result.error)


def test_metrics_without_a_split_are_all_kept(tmp_path: Path) -> None:
    assert split_metrics({"val/A": torch.tensor(0.5), "test/A": 0.1, "val_loss": 2.0}, "val/") == {"A": 0.5}
    made = recorder(tmp_path)
    made.progress.add(1, 0.5, {"val_loss": 0.5})
    assert outcome(1, made, {}, Status.SUCCESS, "", None).val == {"val_loss": 0.5}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MemoryError("no room"), Status.OUT_OF_MEMORY),
        (torch.OutOfMemoryError("CUDA out of memory"), Status.OUT_OF_MEMORY),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: 8 bytes"),
            Status.OUT_OF_MEMORY,
        ),
        (RuntimeError("shapes differ"), Status.CRASHED),
        (ValueError("DefaultCPUAllocator: can't allocate memory"), Status.CRASHED),
    ],
)
def test_memory_that_cannot_be_had_is_told_from_other_errors(error: Exception, status: Status) -> None:
    assert status_of(error)[0] is status


def test_an_exception_that_cannot_say_anything_is_still_a_result() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise ZeroDivisionError

    assert status_of(MuteError()) == (Status.CRASHED, "MuteError: (no message: its __str__ raised ZeroDivisionError)")
    assert "MuteError" in traceback_of(MuteError())


def test_a_real_allocation_failure_is_out_of_memory() -> None:
    with pytest.raises(RuntimeError, match="memory") as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert status_of(caught.value)[0] is Status.OUT_OF_MEMORY


def test_a_traceback_can_always_be_written(tmp_path: Path) -> None:
    text = traceback_of(ValueError("half \ud800"))
    (tmp_path / "error.txt").write_text(text, encoding="utf-8")
    assert r"half \ud800" in text


OWN = Path("/search/trials/0001")


@pytest.mark.parametrize(
    ("error", "is_lost"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/search/journal.jsonl"), True),
        (OSError(errno.EIO, "Input/output error"), True),
        (ConnectionResetError(), True),
        (TimeoutError("timed out"), True),
        (OSError("a service that does not answer"), True),
        (FileNotFoundError(errno.ENOENT, "No such file", "/search/trials/0001/checkpoints/fresh.ckpt"), True),
        (PermissionError(errno.EACCES, "Permission denied", Path("/search/trials/0001/error.txt")), True),
        (FileNotFoundError(errno.ENOENT, "No such file", "/data/table.csv"), False),
        (FileNotFoundError("no file is named"), False),
        (RuntimeError("[enforce fail at inline_container.cc:603] . unexpected pos 64 vs 0"), True),
        (RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed"), True),
        (RuntimeError("shapes differ"), False),
        (CheckpointError("last.ckpt", "a whole checkpoint", "a truncated one", "Train again."), True),
        (UntrustedCheckpointError("last.ckpt", "tensors", "an object", "Trust it."), False),
        (ValueError("bad"), False),
    ],
)
def test_what_fails_with_the_disk_or_the_network_is_lost_and_not_failed(error: Exception, is_lost: bool) -> None:
    assert is_infrastructure(error, OWN) is is_lost
    assert status_of(error, OWN)[0] is (Status.LOST if is_lost else Status.CRASHED)
    assert status_of(error, OWN)[0].is_final is not is_lost
