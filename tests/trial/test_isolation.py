from __future__ import annotations

import gc
import os
import random
import weakref

import pytest
import torch

from automax_lightning.trial.isolation import collected, isolated


class Node:
    def __init__(self) -> None:
        self.me = self


def test_what_a_trial_changes_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "1")
    state, drawn = torch.get_rng_state(), random.getstate()
    with isolated():
        torch.set_float32_matmul_precision("medium")
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.set_default_dtype(torch.float64)
        torch.backends.cudnn.benchmark = True
        os.environ["NEW"] = "1"
        os.environ.pop("KEPT")
        torch.rand(3)
        random.random()
    assert torch.get_float32_matmul_precision() == "highest"
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.get_default_dtype() is torch.float32
    assert not torch.backends.cudnn.benchmark
    assert "NEW" not in os.environ
    assert os.environ["KEPT"] == "1"
    assert torch.equal(torch.get_rng_state(), state)
    assert random.getstate() == drawn


def test_what_was_made_inside_is_freed_and_what_was_there_is_collected_as_before() -> None:
    gc.collect()
    older = weakref.ref(Node())
    assert older() is not None
    with collected():
        inside = weakref.ref(Node())
        assert inside() is not None
    assert inside() is None
    assert gc.get_freeze_count() == 0
    gc.collect()
    assert older() is None


def test_what_the_program_has_set_aside_stays_there() -> None:
    gc.freeze()
    try:
        count = gc.get_freeze_count()
        with collected():
            inside = weakref.ref(Node())
        assert inside() is None
        assert gc.get_freeze_count() == count
    finally:
        gc.unfreeze()
