"""Two hundred tiny trials; after 20 and after 200, the memory, threads and open files of the process that trains."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch
from ConfigSpace import Float

from automax_lightning import AutoMAX, AutoMAXConfig, Fit, Objective, TrialResult, autopartial
from tests.support.fits import Points, Regression

WATCHED = (20, 200)


def look() -> dict[str, int]:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        "memory": int(status["VmRSS"].split()[0]),
        "threads": int(status["Threads"]),
        "files": len(list(Path("/proc/self/fd").iterdir())),
    }


class Watched(Fit):
    """A trial that changes what it can, and writes what it sees at its end."""

    def run(self, seed: int = 0, **kwargs: Any) -> TrialResult:
        assert torch.get_float32_matmul_precision() == "highest"
        assert "LEFT_BY_A_TRIAL" not in os.environ
        result = super().run(seed, **kwargs)
        spec = kwargs["spec"]
        if spec.number in WATCHED:
            (spec.directory / "seen.json").write_text(json.dumps(look()))
        return result


class Careless(Regression):
    def on_fit_start(self) -> None:
        torch.set_float32_matmul_precision("medium")
        os.environ["LEFT_BY_A_TRIAL"] = "1"


def tiny(x: float) -> Fit:
    return Watched(Careless, lambda seed: Points(), epochs=1, objective=Objective("score"), trainer_kwargs={"accelerator": "cpu"})


def main(folder: Path, place: str) -> None:
    torch.set_num_threads(1)
    made = autopartial(tiny, x=Float("x", (0.0, 1.0)))
    config = AutoMAXConfig(name="s", n_trials=200, output_directory=folder, executor=place, preset="random")
    AutoMAX(made, config, "score", quiet=True).optimize()
    paths = {number: folder / "s" / "trials" / f"{number:04d}" / "seen.json" for number in WATCHED}
    sys.stdout.write(json.dumps({str(number): json.loads(path.read_text()) for number, path in paths.items()}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
