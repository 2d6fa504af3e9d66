"""``training.project_name``: where Weights & Biases is installed, each trial is a run of that project."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import netrc
import os
from typing import TYPE_CHECKING, Any

from automax_lightning.recipes.sections import Recipe
from automax_lightning.trial.loggers import Run

if TYPE_CHECKING:
    from lightning.pytorch.loggers import Logger

_HOST = "api.wandb.ai"


def is_tracked(recipe: Recipe) -> bool:
    """Whether trials are sent to, or kept for, Weights & Biases."""
    wanted = recipe.training.project_name is not None and "logger" not in recipe.trainer
    return wanted and importlib.util.find_spec("wandb") is not None


def is_offline() -> bool:
    """Whether nobody is logged in: a run then stays on the disk, because a login would ask."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_MODE") in ("online", "disabled"):
        return False
    try:
        return netrc.netrc().authenticators(_HOST) is None
    except (OSError, netrc.NetrcParseError):
        return True


@dataclasses.dataclass(frozen=True)
class ProjectRuns:
    """A function from a trial's run to its logger; Lightning's own logger begins a run when it is sent to a worker.

    Args:
        project: name of the project of Weights & Biases.
        silent: whether Weights & Biases prints nothing.
    """

    project: str
    silent: bool

    def __call__(self, run: Run) -> Logger:
        """The logger of a trial; a trial that is resumed or promoted continues its own run."""
        import wandb
        from lightning.pytorch.loggers import WandbLogger

        begun = json.loads(run.kept.read_text(encoding="utf-8")).get("0") if run.kept.exists() else None
        return WandbLogger(
            name=f"{run.group}-{run.name}", group=run.group, id=begun, project=self.project, offline=is_offline(),
            save_dir=run.directory.absolute().parent.parent, settings=wandb.Settings(silent=self.silent),
        )  # fmt: skip


def logger_of(recipe: Recipe) -> dict[str, Any]:
    """The Trainer's ``logger``, as a dictionary that is empty where there is none.

    Args:
        recipe: what was read.
    """
    project = recipe.training.project_name
    return {"logger": ProjectRuns(str(project), recipe.training.verbose < 2)} if is_tracked(recipe) else {}
