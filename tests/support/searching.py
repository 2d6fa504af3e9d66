"""A search over scikit-learn's digits, and what it leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from automax_lightning import (
    AutoMAX,
    AutoMAXConfig,
    DigitsDataModule,
    autopartial,
    trainer_factory,
)
from automax_lightning.models import MLP

DATA = DigitsDataModule()


def factory(**kwargs: Any) -> autopartial:
    return trainer_factory(**{"model": lambda: MLP((16,)), "data": DATA, "epochs": 2, **kwargs})


def tuner(root: Path, n_trials: int = 3, made: autopartial | None = None, target: str = "AUROC", **settings: Any) -> AutoMAX:
    """A search of so many fits: on data as small as these, the default would make several of each configuration."""
    config = AutoMAXConfig(
        **{"name": "s", "n_trials": n_trials, "SEED": 7, "output_directory": root, "resampling": "holdout"} | settings
    )
    return AutoMAX(made or factory(), config, target, quiet=True)


def tree(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def table(search: AutoMAX) -> list[tuple[Any, ...]]:
    return [(e["trial"], e["status"], e["val"], e["test"], tuple(e["space"].items()), e["epochs"]) for e in search.log]
