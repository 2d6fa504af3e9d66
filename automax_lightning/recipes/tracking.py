"""``training.project_name``: where Weights & Biases is installed, each trial is a run of that project."""

from __future__ import annotations

import importlib.util
import netrc
import os
from typing import Any

from automax_lightning.recipes.sections import Recipe

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


def logger_of(recipe: Recipe) -> dict[str, Any]:
    """The Trainer's ``logger``, as a dictionary that is empty where there is none.

    Args:
        recipe: what was read.
    """
    if not is_tracked(recipe):
        return {}
    import wandb
    from lightning.pytorch.loggers import WandbLogger

    settings = wandb.Settings(silent=recipe.training.verbose < 2)
    logger = WandbLogger(
        project=recipe.training.project_name, save_dir=recipe.config.directory.absolute(), offline=is_offline(), settings=settings
    )
    return {"logger": logger}
