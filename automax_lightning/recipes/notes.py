"""What a recipe asks for and does not get, a sentence each: nothing is ignored in silence."""

from __future__ import annotations

from automax_lightning.recipes.sections import Recipe
from automax_lightning.recipes.tracking import is_offline, is_tracked


def notes_of(recipe: Recipe, loss: str) -> tuple[str, ...]:
    """The sentences to say before a search starts.

    Args:
        recipe: what was read.
        loss: the one that is trained on.

    Example:
        >>> from automax_lightning.recipes.reading import from_mapping
        >>> recipe = from_mapping({"dataset": {"name": "digits"}, "training": {"save_checkpoint_every": 5}})
        >>> [note.split(",")[0] for note in notes_of(recipe, "AUCMLoss")]
        ['training.save_checkpoint_every: a checkpoint is written after every epoch']
    """
    training, config = recipe.training, recipe.config
    given = recipe.given
    notes = []
    if training.project_name is not None and not is_tracked(recipe):
        notes.append("training.project_name: nothing is sent to Weights & Biases, which is not installed (pip install wandb) "
                     "or not the logger of the trainer section.")  # fmt: skip
    elif training.project_name is not None and is_offline():
        notes.append("training.project_name: nobody is logged in to Weights & Biases; the runs are kept in "
                     f"{config.directory / 'wandb'}, for `wandb sync`.")  # fmt: skip
    if training.save_checkpoint_every not in (None, 1):
        notes.append("training.save_checkpoint_every: a checkpoint is written after every epoch, so that nothing is lost; "
                     "each trial keeps its best.")  # fmt: skip
    if training.resume_from_checkpoint is False and "overwrite" not in given["automax"]:
        notes.append("training.resume_from_checkpoint: false deletes nothing here; a search of this name is resumed. "
                     "--no-resume or automax.overwrite: true starts afresh.")  # fmt: skip
    if training.output_path is not None and str(config.output_directory) != training.output_path:
        notes.append(f"training.output_path: trials and checkpoints are kept with the search, in {config.directory}.")
    if loss != training.loss:
        notes.append(f"training.loss: the data have several labels, for which {training.loss} is {loss}.")
    return tuple(notes)
