"""Four configurations that are best together with the default: how they are chosen, and whether they help elsewhere.

    python benchmarks/portfolio.py --table tables                 # fits, once: 1536 configurations a pair and task
    python benchmarks/portfolio.py --table tables --check 5       # searches with and without, 5 seeds a pair and task
    python benchmarks/portfolio.py --table tables --check 5 --write automax_lightning/auc/portfolios.json

Every configuration of a pair is trained on every task (`stacked`). Greedily, the one is taken next that lowers most the mean
over tasks of the best normalised regret: 0 is the best known score of a task, 1 its 90th percentile over random
configurations (or 0.001 less than the best, where more than a tenth are perfect).

The check leaves out one task at a time: its portfolio is chosen on the others, and searches of 20 trials on it start from
the default with and without that portfolio. Gains are means over tasks, with the p of a one-sided Wilcoxon signed-rank test
over tasks, because a few of them have most of the gain. A portfolio is on by default where p is below 0.01 after 5 trials,
which is what it is for, and the mean gain is not negative after 10 and 20.
"""

from __future__ import annotations

import argparse
import json
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from lockstep import Objective, automax, run, space_of
from scipy.stats import wilcoxon
from stacked import LOSSES, Setting, draw, fit

from automax_lightning.auc.pairs import registry as pairs

TASKS = (
    "abalone9_18", "digits", "pc1", "yeast4", "yeast6", "winequality_red_4", "kc1", "vehicle1", "vowel0", "pima", "ionosphere",
    "hmda_deny", "email_spam",
)  # fmt: skip
FITS, SIZE, AFTER, LEAST = 1536, 4, (5, 10, 20), 0.001
SETTING = Setting(epochs=16)
Array = np.ndarray[Any, Any]


def configurations(loss: str) -> list[dict[str, Any]]:
    """The default and random configurations of a pair, the same for every task."""
    return draw(space_of(TASKS[0], loss), FITS, seed=0)


def scores(root: Path, loss: str, task: str) -> Array:
    """Validation AUROC of each configuration, NaN for a failed fit; trained if they are not on disk."""
    file = root / f"{loss}-{task}.npz"
    if not file.exists():
        root.mkdir(parents=True, exist_ok=True)
        found = fit(task, loss, configurations(loss), SETTING, chunk=128)
        np.savez(file, val=found.val, test=found.test)
    return np.load(file)["val"]


def regrets(found: Array) -> Array:
    """Normalised regret of each configuration on each task, (tasks, configurations)."""
    best, good = np.nanmax(found, axis=1, keepdims=True), np.nanquantile(found, 0.9, axis=1, keepdims=True)
    return np.nan_to_num((best - found) / np.maximum(best - good, LEAST), nan=np.inf)


def choose(regret: Array, size: int = SIZE) -> list[int]:
    """The configurations that are best together with the first, greedily."""
    reached, chosen = regret[:, 0], []
    for _ in range(size):
        means = np.minimum(reached[:, None], regret).mean(0)
        means[[0, *chosen]] = np.inf
        chosen.append(int(means.argmin()))
        reached = np.minimum(reached, regret[:, chosen[-1]])
    return chosen


def chosen(loss: str, found: Array) -> list[dict[str, Any]]:
    """The portfolio of a pair for these scores, (tasks, configurations)."""
    configs = configurations(loss)
    return [configs[i] for i in choose(regrets(found))]


def check(loss: str, task: str, portfolio: Sequence[dict[str, Any]], known: Array, seeds: int) -> Array:
    """Regret after 5, 10 and 20 trials without and with the portfolio, means over seeds: (2, 3)."""
    space, objective = space_of(task, loss), Objective(task, loss, SETTING)
    methods = {"without": automax("automax"), "with": automax("automax", portfolio)}
    searches = {(name, seed): method(space, seed) for name, method in methods.items() for seed in range(seeds)}
    found = run(objective, searches, max(AFTER))
    best = max(np.nanmax(known), *(np.nanmax(each[:, 0]) for each in found.values()))
    good = np.nanquantile(known, 0.9)
    reached = {key: (best - np.fmax.accumulate(each[:, 0])) / max(best - good, LEAST) for key, each in found.items()}
    return np.array([np.mean([reached[name, seed][[n - 1 for n in AFTER]] for seed in range(seeds)], 0) for name in methods])


def left_out(root: Path, loss: str, found: Array, seeds: int) -> Array:
    """The check on each task, with the portfolio of the others, or what it has found before: (tasks, 2, 3)."""
    file = root / f"{loss}-check-{seeds}.npy"
    if file.exists():
        return np.load(file)
    results = []
    for number, task in enumerate(TASKS):
        others = np.delete(found, number, axis=0)
        results.append(check(loss, task, chosen(loss, others), found[number], seeds))
    np.save(file, results)
    return np.array(results)


def helps(gains: Array) -> bool:
    """Whether gains (tasks, 3) make a portfolio the default; see the top."""
    return bool(significance(gains)[0] < 0.01 and (gains.mean(0) >= 0).all())


def significance(gains: Array) -> Array:
    """The p of each column."""
    return np.array([wilcoxon(column, alternative="greater").pvalue for column in gains.T])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True, help="directory of the fits")
    parser.add_argument("--losses", nargs="+", default=list(LOSSES), choices=LOSSES)
    parser.add_argument("--check", type=int, default=0, help="seeds of the searches; 0 for none")
    parser.add_argument("--write", type=Path, help="the package's data")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print("| pair | regret without, n=5, 10, 20 | with | gain | on by default |\n|---|---|---|---|---|")
    for loss in arguments.losses:
        found = np.array([scores(arguments.table, loss, task) for task in TASKS])
        if not arguments.check:
            continue
        results = left_out(arguments.table, loss, found, arguments.check)
        gains = results[:, 0] - results[:, 1]
        means = [", ".join(f"{value:.2f}" for value in results.mean(0)[row]) for row in (0, 1)]
        pairs_of = zip(gains.mean(0), significance(gains), strict=True)
        shown = ", ".join(f"{gain:+.2f} (p={p:.3f})" for gain, p in pairs_of)
        print(f"| {loss} | {means[0]} | {means[1]} | {shown} | {'yes' if helps(gains) else 'no'} |", flush=True)
        if arguments.write:
            write(arguments.write, loss, found, is_default=helps(gains))


def write(path: Path, loss: str, found: Array, *, is_default: bool) -> None:
    """Put the portfolio that is chosen on all tasks into the package's data."""
    data = json.loads(path.read_text()) if path.exists() else {}
    configs = chosen(loss, found)
    rounded = [{name: float(f"{v:.4g}") if isinstance(v, float) else v for name, v in each.items()} for each in configs]
    data[loss] = {"optimizer": pairs.get(loss).optimizer().name, "is_default": is_default, "configs": rounded}
    path.write_text(json.dumps(dict(sorted(data.items())), indent=1) + "\n")


if __name__ == "__main__":
    main()
