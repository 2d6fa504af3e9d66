"""Best AUROC after 5, 10, 20 and 40 trials: AutoMAX against what people use today, every trial a real fit.

    python benchmarks/search_quality.py --table tables --seeds 10     # the searches
    python benchmarks/search_quality.py --table tables --confirm 20   # AutoMAX itself, trial by trial, on `Fit`

The space is AUCMLoss's default one and the share of positives in a batch. All searches of a task advance together, so that
their trials train as one stack (`stacked`, `lockstep`). Regret is normalised on each task: 0 is the best validation AUROC
that any method has found, 1 the 90th percentile of random configurations. The portfolio of a task is chosen on the others
(`portfolio`). Differences are paired by task and seed, with the standard error over all pairs; a test AUROC is that of the
trial with the best validation AUROC.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import portfolio
import torch
from lockstep import Method, Objective, automax, optuna_sampler, run, smac_facade, space_of
from stacked import Setting, draw
from tasks import datamodule

from automax_lightning import AutoMAX, AutoMAXConfig, trainer_factory
from automax_lightning.models import MLP

LOSS, EPOCHS, TRIALS, AFTER = "AUCMLoss", 16, 40, (5, 10, 20, 40)
TASKS = ("digits", "satimage", "page_blocks0", "pc1", "yeast4", "abalone9_18", "email_spam", "hmda_deny")
SPACE = {"sampling_rate": {"choices": [0.5, 0.3, 0.1]}}
OURS, ORIGINAL = "AutoMAX", "the original's settings"
Array = np.ndarray[Any, Any]


def left_out(root: Path, task: str) -> list[dict[str, Any]]:
    """The portfolio that is chosen without the task."""
    others = [other for other in portfolio.TASKS if other != task]
    found = np.array([portfolio.scores(root, LOSS, other) for other in others])
    return [{**each, "sampling_rate": 0.5} for each in portfolio.chosen(LOSS, found)]


def methods(start: Sequence[dict[str, Any]]) -> dict[str, Method]:
    """Everything that is compared."""
    return {
        OURS: automax("automax", start),
        "AutoMAX, initial='default'": automax("automax"),
        ORIGINAL: automax("original"),
        "SMAC's HPO facade": smac_facade,
        "Optuna TPE, default first": optuna_sampler("TPE"),
        "Optuna GP, default first": optuna_sampler("GP"),
        "random, default first": automax("random"),
    }


def kept(root: Path, task: str, seeds: int) -> dict[str, Array]:
    """`compare`, or what it has found before."""
    file = root / f"quality-{task}-{seeds}.npz"
    if not file.exists():
        np.savez(file, **compare(root, task, seeds))
    return dict(np.load(file))


def compare(root: Path, task: str, seeds: int) -> dict[str, Array]:
    """Regret and test AUROC of the best trial so far, (seeds, TRIALS, 2) for each method."""
    objective, space = Objective(task, LOSS, Setting(epochs=EPOCHS)), space_of(task, LOSS, **SPACE)
    made = methods(left_out(root, task))
    searches = {(name, seed): method(space, seed) for name, method in made.items() for seed in range(seeds)}
    found = run(objective, searches, TRIALS)
    drawn = [val for val, _ in objective(draw(space, 300, seed=1)) if not np.isnan(val)]
    best = max(max(drawn), *(np.nanmax(each[:, 0]) for each in found.values()))
    good = float(np.quantile(drawn, 0.9))
    reached = {key: so_far(each) for key, each in found.items()}
    for each in reached.values():
        each[:, 0] = (best - each[:, 0]) / (best - good)
    return {name: np.array([reached[name, seed] for seed in range(seeds)]) for name in made}


def so_far(trials: Array) -> Array:
    """The scores of the best trial so far, (trials, 2)."""
    best, rows = trials[0], []
    for each in trials:
        best = each if each[0] > best[0] or np.isnan(best[0]) else best
        rows.append(best)
    return np.array(rows)


def trials_to(found: Array, regret: Array) -> Array:
    """Trials until a regret is reached, (searches,); one more than there are where it never is."""
    is_there = found <= regret[:, None]
    return np.where(is_there.any(1), is_there.argmax(1) + 1, found.shape[1] + 1)


def show(found: Mapping[str, Array]) -> None:
    """The tables.

    Args:
        found: method -> (tasks x seeds, TRIALS, 2).
    """
    columns = [after - 1 for after in AFTER]
    print("| method | " + " | ".join(f"n={n}" for n in AFTER) + " | AutoMAX better by, n=5, 10, 20, 40 | test AUROC, n=10, 40 |")
    print("|---" * (len(AFTER) + 3) + "|")
    default = found[ORIGINAL][:, 0]
    print(f"| the untuned default | {default[:, 0].mean():.3f} |" + " |" * len(AFTER) + f" {default[:, 1].mean():.4f} |")
    for name, each in found.items():
        gap = each[:, columns, 0] - found[OURS][:, columns, 0]
        errors = gap.std(0, ddof=1) / np.sqrt(len(gap))
        gaps = ", ".join(f"{mean:+.3f} ± {error:.3f}" for mean, error in zip(gap.mean(0), errors, strict=True))
        means = " | ".join(f"{value:.3f}" for value in each[:, columns, 0].mean(0))
        test = ", ".join(f"{each[:, n - 1, 1].mean():.4f}" for n in (10, 40))
        print(f"| {name} | {means} | {'' if name == OURS else gaps} | {test} |")
    print("\n| the score that the original's settings have after | " + " | ".join(found) + " |\n|---" + "|---" * len(found) + "|")
    for after in AFTER[1:]:
        needed = (np.median(trials_to(each[:, :, 0], found[ORIGINAL][:, after - 1, 0])) for each in found.values())
        print(f"| {after} trials | " + " | ".join(f"{trials:.0f}" for trials in needed) + " |", flush=True)


@dataclasses.dataclass(frozen=True)
class Confirmed:
    """AutoMAX itself beside its search in lockstep: the best of each, and how its trials' scores differ from stacked fits'."""

    on_fit: float
    in_lockstep: float
    apart: Array


def confirm(root: Path, task: str, trials: int) -> Confirmed:
    """Search a task twice: trial by trial with `Fit`, and in lockstep."""
    start = left_out(root, task)
    objective, space = Objective(task, LOSS, Setting(epochs=EPOCHS)), space_of(task, LOSS, **SPACE)
    found = run(objective, {0: automax("automax", start)(space, 0)}, trials)[0]
    with tempfile.TemporaryDirectory() as folder:
        factory = trainer_factory(MLP, datamodule(task, 0), epochs=EPOCHS, trainer_kwargs={"accelerator": "cpu"}, **SPACE)
        config = AutoMAXConfig(n_trials=trials, resampling="holdout", initial_configs=tuple(start), output_directory=folder)
        tuner = AutoMAX(factory, config, quiet=True)
        tuner.optimize()
        scores = np.array([[entry["val"], entry["test"]] for entry in tuner.log])
        stacked = np.array(objective([entry["space"] for entry in tuner.log]))
    return Confirmed(float(scores[:, 0].max()), float(found[:, 0].max()), np.abs(scores - stacked).max(1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True, help="directory of portfolio.py's fits")
    parser.add_argument("--tasks", nargs="+", default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--confirm", type=int, default=0, help="trials of AutoMAX on Fit; 0 for none")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    if arguments.confirm:
        print("| task | best on Fit | best in lockstep | trials with the same scores | the others' largest difference |")
        print("|---|---|---|---|---|")
        for task in arguments.tasks:
            found = confirm(arguments.table, task, arguments.confirm)
            same = f"{(found.apart == 0).sum()} of {len(found.apart)}"
            print(f"| {task} | {found.on_fit:.4f} | {found.in_lockstep:.4f} | {same} | {found.apart.max():.4f} |", flush=True)
    if arguments.seeds:
        each = [kept(arguments.table, task, arguments.seeds) for task in arguments.tasks]
        show({name: np.concatenate([found[name] for found in each]) for name in each[0]})


if __name__ == "__main__":
    main()
