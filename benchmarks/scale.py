"""What grows with the number of trials, of rows and of scores: time of a proposal, of a replay, of an epoch; memory.

    python benchmarks/scale.py

Trials of the first table train nothing: they are the search's own cost. Seconds are process time, one thread.
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import lightning as L
import numpy as np
import torch
from torch.utils.data import TensorDataset

from automax_lightning import (
    AUROC,
    AUCDataModule,
    AUCModule,
    AutoMAX,
    AutoMAXConfig,
    Objective,
    Status,
    TrialResult,
    autopartial,
    pairs,
)
from automax_lightning import parse_hyperparameters_from_dict as parse
from automax_lightning.auc.metrics import evaluate
from automax_lightning.display.terminal import SearchProgress
from automax_lightning.models import MLP
from automax_lightning.search.interrupt import StopSignal
from automax_lightning.search.storage.journal import read
from automax_lightning.tuner.loop import open_session

EPOCHS = 20


class Untrained:
    """A trial with a smooth score and a curve, and no training."""

    def __init__(self, **values: Any) -> None:
        self.values = values

    def run(self, seed: int = 0, *, spec: Any = None, on_epoch: Any = None, **kwargs: Any) -> TrialResult:
        """A result at once."""
        score = 0.9 - 0.02 * (math.log10(self.values["lr"]) + 2) ** 2 - (self.values["momentum"] - 0.85) ** 2
        curve = tuple(score - 0.1 / epoch for epoch in range(1, EPOCHS + 1))
        for epoch, reached in enumerate(curve, start=1):
            on_epoch(epoch, reached)
        return TrialResult(spec.number, Status.SUCCESS, curve[-1], epochs=EPOCHS, best_epoch=EPOCHS, curve=curve)


def memory() -> float:
    """Resident megabytes."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]) / 1024


def trials(counts: list[int]) -> None:
    print("| trials | search's own ms a trial, last ten | ms a proposal | s a replay | MB resident |\n|---|---|---|---|---|")
    pair = pairs.get("AUCMLoss")
    factory = autopartial(Untrained, **parse({**pair.loss_space, **pair.optimizer().space}))
    with tempfile.TemporaryDirectory() as folder:
        for count in counts:
            for wanted in (count - 10, count):
                config = AutoMAXConfig(name="s", n_trials=wanted, output_directory=folder)
                tuner = AutoMAX(factory, config, "score", quiet=True)
                start = time.process_time()
                tuner.optimize()
            own = (time.process_time() - start) / 10
            observed = tuner.plan.observations(tuner.history)
            start = time.process_time()
            for left_out in range(10):  # every kind of proposal: forest, process, random
                tuner.proposer.propose(observed[: count - left_out])
            proposal = (time.process_time() - start) / 10
            start = time.process_time()
            read(tuner.directory)
            print(f"| {count} | {own * 1e3:.0f} | {proposal * 1e3:.0f} | {time.process_time() - start:.2f} | {memory():.0f} |",
                  flush=True)  # fmt: skip


def overhead(counts: list[int]) -> None:
    """Random proposals, so that nothing but the search itself takes time; SMAC's own files are written once at the end."""
    print("\n| trials | search overhead per trial, whole search (ms) | last hundred (ms) |\n|---|---|---|")
    pair = pairs.get("AUCMLoss")
    factory = autopartial(Untrained, **parse({**pair.loss_space, **pair.optimizer().space}))
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            config = AutoMAXConfig(name="s", n_trials=count, output_directory=folder, preset="random")
            tuner = AutoMAX(factory, config, "score", quiet=True)
            ends: list[float] = []
            with open_session(tuner.setup, StopSignal(), _Silent(), lambda history: None) as session:
                start = time.process_time()
                while (spec := session.next()) is not None:
                    session.run(spec)
                    ends.append(time.process_time())
            whole, last = (ends[-1] - start) / count, (ends[-1] - ends[-101]) / 100
            print(f"| {count} | {whole * 1e3:.1f} | {last * 1e3:.1f} |", flush=True)


class _Silent(SearchProgress):
    """Shows nothing."""

    def __init__(self) -> None:
        super().__init__(Objective("score"), 1, quiet=True)


def rows(counts: list[int]) -> None:
    print("\n| rows | s an epoch of AUCModule | microseconds a row |\n|---|---|---|")
    for count in counts:
        x = torch.randn(count, 30, generator=torch.Generator().manual_seed(0))
        y = (torch.rand(count, generator=torch.Generator().manual_seed(1)) < 0.05).long()
        part = TensorDataset(x, y)
        data = AUCDataModule(part, part, batch_size=512, eval_batch_size=8192)
        trainer = L.Trainer(max_epochs=1, callbacks=[AUROC()], accelerator="cpu", devices=1, logger=False,
                            enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False)  # fmt: skip
        start = time.process_time()
        trainer.fit(AUCModule(MLP((64, 32)), loss="AUCMLoss", optimizer_kwargs={"lr": 0.1}), data)
        seconds = time.process_time() - start
        print(f"| {count:,} | {seconds:.2f} | {seconds / count * 1e6:.1f} |", flush=True)


def scores(counts: list[int]) -> None:
    print("\n| scores | s AUROC | s AUPRC | s partial AUROC |\n|---|---|---|---|")
    for count in counts:
        generator = np.random.default_rng(0)
        targets = torch.from_numpy((generator.random(count) < 0.05).astype(np.int64))
        values = torch.from_numpy(generator.normal(size=count).astype(np.float32)) + targets
        spent = []
        for name, kwargs in (("AUROC", {}), ("AUPRC", {}), ("pAUROC", {"max_fpr": 0.3})):
            start = time.process_time()
            evaluate(name, values, targets, **kwargs)
            spent.append(time.process_time() - start)
        print(f"| {count:,} | " + " | ".join(f"{seconds:.2f}" for seconds in spent) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", nargs="+", type=int, default=[20, 50, 100, 200, 500])
    parser.add_argument("--overhead", nargs="+", type=int, default=[400, 1600])
    parser.add_argument("--rows", nargs="+", type=int, default=[10**4, 10**5, 10**6])
    parser.add_argument("--scores", nargs="+", type=int, default=[10**4, 10**5, 10**6, 10**7])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    trials(arguments.trials)
    overhead(arguments.overhead)
    rows(arguments.rows)
    scores(arguments.scores)


if __name__ == "__main__":
    main()
