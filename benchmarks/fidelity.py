"""Epochs needed to reach a score: full training against early stopping, epochs as budget and Optuna's, on real fits.

    python benchmarks/fidelity.py --tasks digits satimage email_spam --seeds 5

Every search has the same space, splits and seeds, and starts with the default configuration at full length. *Full* trains
20 trials of 27 epochs. All are asked: how many epochs until a trial of full length has gained 99 % of what the full search
gains over the default in the end, and until one is within 0.005 of the full search's best? Where the default is the best
that the full search finds, the gain is 0, and every search is there with its first trial. The space is over the network
too, and starts from a learning rate of 0.003, so that there is something to find (``--space default`` has AUCMLoss's own).

Budgets *from scratch* are the searches of *budgets* with each promotion charged for its whole training anew, as where a
trial cannot be continued. Nothing is trained again for them: a trial that goes on ends as one that never stopped, so a
restart under the same seed gives the same scores, and only the count of epochs differs. *Optuna* proposes by TPE, prunes
by Hyperband, trains the same fits, and ends after as many epochs as the full search, if need be within a trial.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from ConfigSpace import Configuration
from points import plain, suggest
from tasks import TASKS, datamodule

from automax_lightning import AutoMAX, AutoMAXConfig, autopartial, trainer_factory
from automax_lightning.models import MLP
from automax_lightning.trial.records import Status, TrialResult, TrialSpec

EPOCHS, TRIALS, ETA, GAIN, WITHIN = 27, 20, 3, 0.99, 0.005
TOTAL, FIRST = EPOCHS * TRIALS, 3
SPACES: dict[str, dict[str, Any]] = {
    "default": {"model_kwargs": {"hidden": (64, 32)}},
    "wide": {
        "model_kwargs": {"hidden": {"choices": [(32,), (128,), (64, 32), (128, 64, 32)]}},
        "optimizer_kwargs": {"lr": {"low": 0.0003, "high": 1.0, "log": True, "default": 0.003}},
        "sampling_rate": {"choices": [0.5, 0.3, 0.1]},
    },
}
SEARCHES: dict[str, dict[str, Any]] = {
    "full": {"n_trials": TRIALS},
    "early_stop incumbent": {"n_trials": TRIALS, "early_stop": "incumbent"},
    "early_stop median": {"n_trials": TRIALS, "early_stop": "median"},
    "budgets 3-9-27": {"n_trials": 34, "min_budget": FIRST, "eta": ETA},
}


class Ended(NamedTuple):
    """A trial that has ended or paused: the epochs it has trained in all, and its score if it came to its end."""

    number: int
    epochs: int
    score: float | None


Trace = list[tuple[int, float]]
"""(epochs spent so far, best score at full length so far) each time that a trial has ended or paused."""


def trace(ended: Sequence[Ended], *, from_scratch: bool = False) -> Trace:
    """What a search has spent and found; from scratch, a trial that went on pays for its first epochs again."""
    spent: dict[int, int] = {}
    best, found = -math.inf, []
    for position, (number, epochs, score) in enumerate(ended):
        spent[position if from_scratch else number] = epochs
        best = best if score is None else max(best, score)
        found.append((sum(spent.values()), best))
    return found


def fits(task: str, seed: int, space: str) -> autopartial:
    """What makes the fits of a task."""
    return trainer_factory(MLP, datamodule(task, seed), epochs=EPOCHS, trainer_kwargs={"accelerator": "cpu"}, **SPACES[space])


def journal(directory: Path) -> list[Ended]:
    """The results in a journal, in their order."""
    events = [json.loads(line) for line in (directory / "journal.jsonl").read_text().splitlines()]
    results = [event["result"] for event in events if event["event"] == "result"]
    return [Ended(each["number"], each["epochs"], each["score"] if each["status"] == "SUCCESS" else None) for each in results]


def search(factory: autopartial, seed: int, settings: dict[str, Any]) -> list[Ended]:
    """One search of AutoMAX."""
    with tempfile.TemporaryDirectory() as folder:
        tuner = AutoMAX(
            factory, AutoMAXConfig(name="s", SEED=seed, resampling="holdout", output_directory=folder, **settings), quiet=True
        )
        tuner.optimize()
        return journal(tuner.directory)


def optuna_search(factory: autopartial, seed: int) -> list[Ended]:
    """One search of Optuna."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.HyperbandPruner(min_resource=FIRST, max_resource=EPOCHS, reduction_factor=ETA)
    sampler = optuna.samplers.TPESampler(seed=seed)
    # The name decides on the trials' brackets; without one of ours they would differ from run to run.
    study = optuna.create_study(study_name=f"s{seed}", direction="maximize", sampler=sampler, pruner=pruner)
    study.enqueue_trial(plain(dict(factory.cs.get_default_configuration()), factory.cs))
    ended: list[Ended] = []
    while (left := TOTAL - sum(each.epochs for each in ended)) > 0:
        trial = study.ask()
        result = optuna_trial(trial, factory, seed, left)
        is_whole = result.status is Status.SUCCESS
        ended.append(Ended(result.number, result.epochs, result.score if is_whole else None))
        failed = optuna.trial.TrialState.PRUNED if result.status.has_score else optuna.trial.TrialState.FAIL
        study.tell(trial, result.score if is_whole else None, state=None if is_whole else failed)
    return ended


def optuna_trial(trial: Any, factory: autopartial, seed: int, left: int) -> TrialResult:
    """One trial of Optuna, which ends when it is pruned or no epoch is left."""
    space = factory.cs

    def on_epoch(epoch: int, score: float) -> str | None:
        trial.report(score, epoch)
        return "pruned" if trial.should_prune() else "no epoch is left" if epoch >= left else None

    with tempfile.TemporaryDirectory() as folder:
        values = suggest(trial, space)
        spec = TrialSpec(trial.number + 1, values, seed, directory=Path(folder))
        return factory(Configuration(space, values=values)).run(spec=spec, on_epoch=on_epoch)


def traces(task: str, seed: int, space: str) -> dict[str, Trace]:
    """Every method on one task under one seed."""
    ended = {name: search(fits(task, seed, space), seed, settings) for name, settings in SEARCHES.items()}
    found = {name: trace(each) for name, each in ended.items()}
    found["budgets 3-9-27 from scratch"] = trace(ended["budgets 3-9-27"], from_scratch=True)
    found["Optuna TPE + Hyperband pruner"] = trace(optuna_search(fits(task, seed, space), seed))
    return found


def epochs_to(found: Trace, score: float) -> float:
    """Epochs until a score is reached; infinite if it never is."""
    return next((epochs for epochs, best in found if best >= score), math.inf)


def row(own: Sequence[Trace], full: Sequence[Trace]) -> list[str]:
    """A method's cells: medians over the seeds."""
    ends = [(found[0][1], found[-1][1]) for found in full]
    goals = [
        [default + GAIN * (best - default) for default, best in ends],
        [best - WITHIN for _, best in ends],
    ]
    cells = [f"{median(found[-1][0] for found in own):.0f}"]
    for goal in goals:
        needed = median(epochs_to(found, score) for found, score in zip(own, goal, strict=True))
        cells += [f"{needed:.0f}", f"{needed / TOTAL:.0%}"] if needed < math.inf else [">all", ">all"]
    against = median(found[-1][1] - best for found, (_, best) in zip(own, ends, strict=True))
    return [*cells, f"{median(found[-1][1] for found in own):.4f}", f"{against:+.4f}"]


def compare(task: str, seeds: int, space: str, show: Callable[[str], None]) -> None:
    """The rows of one task."""
    runs = [traces(task, seed, space) for seed in range(seeds)]
    full = [run["full"] for run in runs]
    for name in runs[0]:
        show(f"| {task} | {name} | {' | '.join(row([run[name] for run in runs], full))} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=["digits", "satimage", "email_spam"], choices=sorted(TASKS))
    parser.add_argument("--space", default="wide", choices=sorted(SPACES))
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print("| task | method | epochs in all | epochs to 99 % of full's gain | share of full | "
          "epochs to within 0.005 | share of full | best AUROC | against full |")  # fmt: skip
    print("|---" * 9 + "|")
    for task in arguments.tasks:
        compare(task, arguments.seeds, arguments.space, lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
