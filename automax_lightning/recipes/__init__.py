"""The original AutoMAX's five-section YAML: `load` makes a search of it, ``automax-lightning run`` runs it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automax_lightning.recipes.building import LoadedRecipe

__all__ = ["load"]


def load(path: str | os.PathLike[str], **flags: Any) -> LoadedRecipe:
    """The search that a recipe describes; everything that can be wrong with it is reported here, before any training.

    Args:
        path: a YAML file with the sections ``dataset, model, metrics, training, automax``.
        flags: what the command line would override: ``epochs, batch_size, eval_batch_size, sampling_rate, num_workers,
            output_path, seed, resume, save_checkpoint_every``; None leaves the file's value.

    Returns:
        A record with ``factory``, ``config`` and ``target``, the three arguments of `AutoMAX`, and ``tuner()``, which
        passes them on.

    Raises:
        ConfigError: if the file or a setting in it is wrong; the closest legal name is named.
        DataError: if the data are not there, or cannot be used.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "recipe.yaml")
        >>> _ = path.write_text("{dataset: {name: digits}, model: {name: mlp}, automax: {name: demo, n_trials: 2}}")
        >>> recipe = load(path, epochs=1)
        >>> recipe.target, recipe.config.n_trials, "optimizer_kwargs:lr" in recipe.factory.cs
        ('AUROC', 2, True)
    """
    from automax_lightning.recipes.building import build
    from automax_lightning.recipes.reading import read

    return build(read(path, flags))
