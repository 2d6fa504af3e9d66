"""What a trial may change in its process, put back when it is over."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from lightning.pytorch.utilities.seed import isolate_rng


@contextmanager
def isolated() -> Iterator[None]:
    """Put random generators, precision, determinism and environment variables back on leaving.

    A Trainer or a user's module may set any of them, and the next trial, or the user's own code, would go on with them.
    """
    precision, dtype = torch.get_float32_matmul_precision(), torch.get_default_dtype()
    deterministic, warn_only = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    cudnn = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    environment = dict(os.environ)
    try:
        with isolate_rng():
            yield
    finally:
        torch.set_float32_matmul_precision(precision)
        torch.set_default_dtype(dtype)
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)


@contextmanager
def collected() -> Iterator[None]:
    """Free on leaving what was made inside, also objects that refer to each other, as Lightning's do.

    What was there before is set aside, because going through every object of torch and SMAC takes a quarter of a second;
    where the program has set objects aside itself, everything is gone through.
    """
    is_ours = gc.get_freeze_count() == 0
    if is_ours:
        gc.freeze()
    try:
        yield
    finally:
        gc.collect()
        if is_ours:
            gc.unfreeze()
