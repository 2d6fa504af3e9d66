"""``automax-lightning run``: the original's command line and its output."""

from __future__ import annotations

import argparse
import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from automax_lightning.errors import ConfigError, closest
from automax_lightning.recipes import load
from automax_lightning.recipes.reading import FLAGS
from automax_lightning.search.storage.ownership import claim_file

if TYPE_CHECKING:
    from automax_lightning.trial.records import TrialSpec
    from automax_lightning.tuner.automax import AutoMAX


def main(arguments: Sequence[str]) -> None:
    """The command ``automax-lightning run``.

    Args:
        arguments: the command line without the program's name.
    """
    run(arguments[1:])


def run(arguments: Sequence[str], directory: Path | None = None) -> AutoMAX:
    """Run the search that a recipe describes, and say what came out.

    Args:
        arguments: the command line after ``run``.
        directory: that the search must be kept in; None for any.

    Returns:
        The finished search.

    Raises:
        AutoMAXError: if the recipe, the data or a flag is wrong, or it is kept elsewhere.
    """
    given = _parsed(arguments)
    path, quiet = given.pop("config_file"), given.pop("quiet")
    loaded = load(path, **given)
    tuner = loaded.tuner(quiet=quiet or None)
    if directory is not None and tuner.directory.resolve() != directory.resolve():
        raise ConfigError("automax-lightning run", f"the recipe of {directory}", f"one of {tuner.directory}",
                          "Run it where the search was started first.")  # fmt: skip
    for note in loaded.notes:
        tuner.say(f"Note: {note}")
    tuner.optimize()
    best = tuner.best
    assert best is not None
    file = tuner.directory / "best_recipe.yaml"
    claim_file(tuner.directory, file.name)
    write_best_recipe(loaded.recipe.given, tuner.history.spec(best.number), file)
    tuner.say(tuner.summary())
    tuner.say(f"Train it again: automax-lightning run --config_file {file}")
    return tuner


def write_best_recipe(given: Mapping[str, Any], best: TrialSpec, path: Path) -> None:
    """Write the recipe with the best values in place of what was searched, as a search of one trial with the same seed.

    Args:
        given: the recipe's sections.
        best: the best trial.
        path: of the new file.
    """
    recipe = copy.deepcopy({name: section for name, section in given.items() if section})
    for name, value in best.configuration.items():
        where, _, key = name.rpartition(":")
        section = {"model_kwargs": "model", "trainer_kwargs": "trainer"}.get(where, "training")
        values = recipe.setdefault(section, {})
        if where in ("loss_kwargs", "optimizer_kwargs"):
            values = values.setdefault(where, {})
        values[key] = list(value) if isinstance(value, tuple) else value
    recipe.setdefault("training", {})["SEED"] = best.seed
    search = recipe.setdefault("automax", {})
    search |= {"name": f"{path.parent.name}_again", "n_trials": 1, "overwrite": False}
    search.pop("initial_configs", None)  # of a space that is no longer searched
    path.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")


def _parsed(arguments: Sequence[str]) -> dict[str, Any]:
    parser = argparse.ArgumentParser(
        "automax-lightning run", description="Tune what a recipe of the original AutoMAX describes.", allow_abbrev=False
    )
    parser.add_argument("--config_file", "--config", required=True, help="YAML with dataset, model, metrics, training, automax")
    for name, kind in FLAGS.items():
        section = "SEED" if name == "seed" else name
        parser.add_argument(f"--{name}", type=kind, default=None, help=f"instead of training.{section}")
    parser.add_argument("--resume", "--resume_from_checkpoint", action=argparse.BooleanOptionalAction, default=None,
                        help="resume the search of this name (the default), or delete it and start anew")  # fmt: skip
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    options, unknown = parser.parse_known_args(list(arguments))
    if unknown:
        flags = [option for action in parser._actions for option in action.option_strings]  # argparse tells them nowhere else
        raise ConfigError("automax-lightning run", "a flag of this command", unknown[0], closest(unknown[0], flags))
    return vars(options)
