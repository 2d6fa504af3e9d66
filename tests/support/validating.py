"""A fit that validates in each of the ways that Lightning has; importable by child processes."""

from __future__ import annotations

from typing import Any

import torch
from ConfigSpace import Float

from automax_lightning import Fit, Objective, autopartial
from tests.support.fits import Points, Regression

WAYS: dict[str, dict[str, Any]] = {
    "each epoch": {},
    "fraction": {"val_check_interval": 0.5},
    "steps": {"val_check_interval": 3, "check_val_every_n_epoch": None},
    "every second epoch": {"check_val_every_n_epoch": 2},
}
"""Trainer settings; an epoch of `Points` has four batches."""


class Noisy(Regression):
    """Its steps are so long that the best weights are seldom the last ones."""

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.network.parameters(), lr=0.15, momentum=0.3)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.9)]


def fit(way: str, *, epochs: int | None = 4, trainer_kwargs: Any = None, **settings: Any) -> Fit:
    given = {} if epochs is None else {"epochs": epochs}
    return Fit(
        Noisy, lambda seed: Points(), objective=Objective("score"),
        trainer_kwargs={"accelerator": "cpu", **WAYS[way], **(trainer_kwargs or {})}, **given, **settings,
    )  # fmt: skip


class ValidatingFactory:
    """What a search calls; a class, so that it can be pickled by name."""

    def __init__(self, way: str) -> None:
        self.way = way

    def __call__(self, lr: float) -> Fit:
        return fit(self.way)

    def partial(self) -> autopartial:
        return autopartial(self, lr=Float("lr", (0.01, 0.1), default=0.05))
