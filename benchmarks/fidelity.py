"""Epochs needed to reach a score: full training against early stopping against epochs as budget, on real fits.

    python benchmarks/fidelity.py --tasks digits satimage email_spam --seeds 5

Every search has the same space, splits and seeds. *Full* trains 20 trials of 27 epochs. The others are asked: how many
epochs until the best validation AUROC of a trial of full length is within 0.005 of what the full search has at its end?
Once with the default space of AUCMLoss, whose default lies where the optimum is, at the upper bound of the learning
rate (``--space default``), and once with a wider one, over the network too, that starts from a learning rate of 0.003
(``--space wide``), so that there is something to find.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from tasks import TASKS, datamodule

from automax_lightning import AutoMAX, AutoMAXConfig, trainer_factory
from automax_lightning.models import MLP

EPOCHS, TRIALS, WITHIN = 27, 20, 0.005
METHODS = {
    "full": {"n_trials": TRIALS},
    "early_stop incumbent": {"n_trials": TRIALS, "early_stop": "incumbent"},
    "early_stop median": {"n_trials": TRIALS, "early_stop": "median"},
    "budgets 3-9-27": {"n_trials": 34, "min_budget": 3},
}
SPACES: dict[str, dict[str, Any]] = {
    "default": {"model_kwargs": {"hidden": (64, 32)}},
    "wide": {
        "model_kwargs": {"hidden": {"choices": [(32,), (128,), (64, 32), (128, 64, 32)]}},
        "optimizer_kwargs": {"lr": {"low": 0.0003, "high": 1.0, "log": True, "default": 0.003}},
        "sampling_rate": {"choices": [0.5, 0.3, 0.1]},
    },
}


def trace(directory: Path) -> list[tuple[int, float]]:
    """(epochs spent so far, best score at full length so far) after each result of a journal."""
    spent: dict[int, int] = {}
    best, found = float("-inf"), []
    for line in (directory / "journal.jsonl").read_text().splitlines():
        event = json.loads(line)
        if event["event"] != "result":
            continue
        result = event["result"]
        spent[result["number"]] = result["epochs"]
        if result["status"] == "SUCCESS":
            best = max(best, result["score"])
        found.append((sum(spent.values()), best))
    return found


def search(task: str, seed: int, space: str, settings: dict[str, object]) -> list[tuple[int, float]]:
    """The trace of one search."""
    with tempfile.TemporaryDirectory() as folder:
        factory = trainer_factory(MLP, datamodule(task, seed), epochs=EPOCHS, trainer_kwargs={"accelerator": "cpu"},
                                  **SPACES[space])  # fmt: skip
        config = AutoMAXConfig(name="s", SEED=seed, output_directory=folder, **settings)  # type: ignore[arg-type]
        tuner = AutoMAX(factory, config, quiet=True)
        tuner.optimize()
        return trace(tuner.directory)


def epochs_to(found: list[tuple[int, float]], score: float) -> float:
    """Epochs until a score is reached; infinite if it never is."""
    return next((epochs for epochs, best in found if best >= score), float("inf"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=["digits", "satimage", "email_spam"], choices=sorted(TASKS))
    parser.add_argument("--space", default="wide", choices=sorted(SPACES))
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print("| task | method | epochs in all | epochs to full's best - 0.005 | share of full | best AUROC | against full |")
    print("|---|---|---|---|---|---|---|")
    for task in arguments.tasks:
        runs = {
            name: [search(task, seed, arguments.space, settings) for seed in range(arguments.seeds)]
            for name, settings in METHODS.items()
        }
        final = [found[-1][1] for found in runs["full"]]
        for name, all_found in runs.items():
            epochs = [epochs_to(found, best - WITHIN) for found, best in zip(all_found, final, strict=True)]
            gain = [found[-1][1] - best for found, best in zip(all_found, final, strict=True)]
            total = statistics.median(found[-1][0] for found in all_found)
            needed = statistics.median(epochs)
            best = statistics.median(found[-1][1] for found in all_found)
            print(f"| {task} | {name} | {total:.0f} | {needed:.0f} | {needed / (EPOCHS * TRIALS):.0%} | {best:.4f} | "
                  f"{statistics.median(gain):+.4f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
