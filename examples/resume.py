"""Kill a search with SIGKILL in the middle of a trial, resume it, and compare it with a search that was never killed."""

import subprocess
import sys
import time
from pathlib import Path

from automax_lightning import AutoMAX, AutoMAXConfig, DigitsDataModule, trainer_factory
from automax_lightning.models import MLP


def search(output: str) -> AutoMAX:
    factory = trainer_factory(lambda: MLP((16,)), DigitsDataModule(), epochs=4, sampling_rate=[0.2, 0.5])
    config = AutoMAXConfig(name="digits", n_trials=5, SEED=1, output_directory=output)
    tuner = AutoMAX(factory, config, target="AUROC", quiet=True)
    tuner.optimize()
    return tuner


def table(tuner: AutoMAX) -> list[tuple[object, ...]]:
    return [(entry["trial"], entry["val"], tuple(entry["space"].items())) for entry in tuner.log]


def kill_in_the_third_trial() -> None:
    child = subprocess.Popen([sys.executable, __file__, "killed"])
    journal = Path("killed/digits/journal.jsonl")
    finished = 0
    while child.poll() is None and finished < 2:
        text = journal.read_text() if journal.exists() else ""
        finished = text.count('"event": "result"')
        time.sleep(0.01)
    child.kill()
    print(f"killed with exit code {child.wait()} after {finished} finished trials")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        search(sys.argv[1])
    else:
        kill_in_the_third_trial()
        resumed, uninterrupted = search("killed"), search("uninterrupted")
        same = table(resumed) == table(uninterrupted)
        print(f"resumed with {resumed.finished} of 5 trials finished; the same table: {same}")
        print(f"best AUROC {resumed.best_score:.4f}")
