"""Wall-clock time of one search with one and with two worker processes, one thread each.

    python benchmarks/workers.py --epochs 40

The same 12 trials (a random search, so that the configurations do not depend on the order in which results come) on the
largest of the small tables.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

from tasks import TASKS, datamodule

from automax_lightning import AutoMAX, AutoMAXConfig, trainer_factory
from automax_lightning.models import MLP


def search(task: str, n_workers: int, trials: int, epochs: int) -> tuple[float, list[float], list[float]]:
    """Seconds of the whole search, seconds of each trial, and the scores."""
    with tempfile.TemporaryDirectory() as folder:
        factory = trainer_factory(MLP, datamodule(task, 0), model_kwargs={"hidden": (64, 32)}, epochs=epochs,
                                  trainer_kwargs={"accelerator": "cpu"})  # fmt: skip
        config = AutoMAXConfig(name="s", n_trials=trials, resampling="holdout", preset="random", output_directory=folder,
                               executor="process", n_workers=n_workers)  # fmt: skip
        tuner = AutoMAX(factory, config, quiet=True)
        start = time.monotonic()
        tuner.optimize()
        seconds = time.monotonic() - start
        return seconds, [entry["seconds"] for entry in tuner.log], sorted(entry["val"] for entry in tuner.log)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="nass_dead", choices=sorted(TASKS))
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--epochs", type=int, default=40)
    arguments = parser.parse_args()
    print("| workers | seconds | median seconds of a trial | times as fast |")
    print("|---|---|---|---|")
    alone, single, expected = search(arguments.task, 1, arguments.trials, arguments.epochs)
    print(f"| 1 | {alone:.0f} | {statistics.median(single):.1f} | 1.00 |", flush=True)
    both, double, found = search(arguments.task, 2, arguments.trials, arguments.epochs)
    print(f"| 2 | {both:.0f} | {statistics.median(double):.1f} | {alone / both:.2f} |")
    print("The scores are the same." if found == expected else "The scores differ.")


if __name__ == "__main__":
    main()
