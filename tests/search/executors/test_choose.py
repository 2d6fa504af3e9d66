from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from ConfigSpace import Float

from automax_lightning import AutoMAXConfig, Objective, autopartial
from automax_lightning.errors import ConfigError, ExecutionError
from automax_lightning.search.executors.base import InlineExecutor
from automax_lightning.search.executors.choose import make_executor
from automax_lightning.search.executors.pickling import read_factory
from automax_lightning.search.executors.processes import ProcessExecutor
from tests.support.trials import telling

AUROC = Objective("AUROC")


def test_inline_writes_nothing(tmp_path: Path) -> None:
    executor = make_executor(AutoMAXConfig(trial_time_limit=3.0), telling(), AUROC, tmp_path)
    assert isinstance(executor, InlineExecutor)
    assert (executor.slots, executor.time_limit, executor.objective) == (1, 3.0, AUROC)
    assert list(tmp_path.iterdir()) == []


def test_processes_have_the_factory_as_a_file_and_start_when_there_is_a_trial(tmp_path: Path) -> None:
    config = AutoMAXConfig(executor="process", n_workers=3, gpus_per_trial=0, retries=2, max_trials_per_worker=9)
    executor = make_executor(config, telling(), AUROC, tmp_path)
    assert isinstance(executor, ProcessExecutor)
    assert (executor.slots, executor.retries, executor.max_trials_per_worker) == (3, 2, 9)
    assert [path.name for path in tmp_path.iterdir()] == ["factory.pkl"]
    assert list(read_factory(tmp_path / "factory.pkl").cs) == ["x"]  # type: ignore[attr-defined]
    executor.close()


@pytest.mark.parametrize("settings", [{"executor": "process"}, {"executor": "process", "n_workers": 2}])
def test_a_factory_that_cannot_be_sent_is_named_before_anything_starts(tmp_path: Path, settings: Any) -> None:
    lock = threading.Lock()
    factory = autopartial(lambda x: lock, x=Float("x", (0.0, 1.0)))
    with pytest.raises(ExecutionError, match=r"\(variable 'lock'\): expected something that another process can be sent"):
        make_executor(AutoMAXConfig(**settings), factory, AUROC, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_cluster_needs_an_address(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"AutoMAXConfig.scheduler: expected the address of a Dask scheduler"):
        make_executor(AutoMAXConfig(executor="dask"), telling(), AUROC, tmp_path)
