"""`AutoMAXCLI`: a LightningCLI that can also `tune`, over typed, dotted keys of the user's own YAML."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI

from automax_lightning.cli.commands import exit_code
from automax_lightning.cli.config_factory import ConfigRecipe, Made, best_config
from automax_lightning.cli.search_section import SearchSection
from automax_lightning.config import AutoMAXConfig
from automax_lightning.space.autopartial import autopartial
from automax_lightning.space.conditions import add_conditions
from automax_lightning.trial.checkpoint import BEST, read_checkpoint
from automax_lightning.trial.records import Objective
from automax_lightning.tuner.automax import AutoMAX

_OWN_KEYS = ("search", "automax", "quiet", "config")
_HOOKS = ("before_instantiate_classes", "instantiate_classes", "after_instantiate_classes")


class AutoMAXCLI(LightningCLI):
    """A LightningCLI with a `tune` subcommand: change one import, and your script can tune itself.

    ``tune`` reads the same file as ``fit``, and two more sections: ``search`` names keys of the file, ``automax`` says
    how much to search. Every trial is made by this very class, with your hooks, links and defaults, as ``fit`` would
    make it (as with ``run=False``, hooks then find `subcommand` None and the keys in `config` itself; ``before_fit`` is
    not called). All other subcommands are Lightning's own.

    Args:
        model_class: your LightningModule; None takes it from ``model.class_path`` of the YAML.
        datamodule_class: your LightningDataModule; None takes it from ``data.class_path``.
        args: the command line without the program's name, or a configuration as a dictionary; None for ``sys.argv``,
            and then ``tune`` ends the program with its exit code: 0 done, 1 the search failed, 2 bad input, 130
            interrupted.
        run: as in `LightningCLI`; False makes the objects and nothing else.
        kwargs: any other argument of `LightningCLI`.

    Attributes:
        tuner: after ``tune``, the finished search.

    Example:
        >>> # AutoMAXCLI(MyModule, MyDataModule)      in my_script.py; then:
        >>> # python my_script.py tune --config mine.yaml
    """

    tuner: AutoMAX

    def __init__(
        self, model_class: Any = None, datamodule_class: Any = None, *, args: Any = None, run: bool = True, **kwargs: Any
    ) -> None:
        line = sys.argv[1:] if args is None else args
        self.program = f"python {sys.argv[0]}" if args is None else "automax-lightning"
        self.is_tuning = run and isinstance(line, Sequence) and list(line[:1]) == ["tune"]
        if not self.is_tuning:
            super().__init__(model_class, datamodule_class, args=args, run=run, **kwargs)
            return

        def tune() -> None:
            self._read(model_class, datamodule_class, list(line[1:]), kwargs)
            self.tuner = self._search()

        if args is None:
            code = exit_code(tune)
            if code:
                sys.exit(code)
        else:
            tune()

    # The command line -----------------------------------------------------------------------------------------------

    def _read(self, model_class: Any, datamodule_class: Any, line: list[str], kwargs: dict[str, Any]) -> None:
        """Parse, and make no objects yet: each trial makes its own."""
        given = kwargs.get("parser_kwargs") or {}
        shared = {key: value for key, value in given.items() if key not in self.subcommands()}
        kwargs["parser_kwargs"] = {**shared, **given.get("fit", {}), "exit_on_error": False}
        kwargs |= {"save_config_callback": None, "seed_everything_default": False}
        for hook in _HOOKS:
            setattr(self, hook, _nothing)
        super().__init__(model_class, datamodule_class, args=line, run=False, **kwargs)
        for hook in _HOOKS:
            delattr(self, hook)
        self._own_trainer_class, self.trainer_class = self.trainer_class, dict  # type: ignore[assignment]

    def add_default_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the two sections that `tune` reads; `add_arguments_to_parser` is left to you."""
        super().add_default_arguments_to_parser(parser)
        if self.is_tuning:
            parser.add_argument("--search", type=dict[str, Any], default={}, help="dotted key -> search spec")
            parser.add_class_arguments(AutoMAXConfig, "automax", help="budget, seed and place of the search")
            parser.add_argument("--automax.target", type=str, default="AUROC", help="the metric to optimise")
            parser.add_argument("--automax.warm_start", type=str | None, default=None, help="directory of an earlier search")
            parser.add_argument("--quiet", type=bool, nargs="?", const=True, default=False, help="print nothing but errors")

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """As in `LightningCLI`, whose warning of a command line given twice does not hold here."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="LightningCLI's args parameter is intended")
            super().parse_arguments(parser, args)

    def _parse_ckpt_path(self) -> None:
        """Leave the model to the YAML.

        Lightning replaces it by the hyperparameters in ``--ckpt_path``, and fails where these do not say which class
        they belong to, as those of a checkpoint that was written outside a CLI. There is no public switch.
        """
        if not self.subclass_mode_model:
            super()._parse_ckpt_path()

    # Trials ---------------------------------------------------------------------------------------------------------

    def check(self, config: Mapping[str, Any]) -> None:
        """Raise what the parser says against a configuration."""
        self.parser.parse_object(dict(config))

    def complete(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration with every default, as plain YAML values."""
        return self._plain(self.parser.parse_object(dict(config)))

    def make(self, config: Mapping[str, Any]) -> Made:
        """The objects of a configuration, through the same hooks and in the same order as in ``fit``."""
        self.config = self._parsed(config)
        self.__dict__.pop("config_dump", None)  # Lightning keeps it for the hyperparameters in checkpoints: this trial's
        self.before_instantiate_classes()
        self.instantiate_classes()
        self.after_instantiate_classes()
        trainer: Any = self.trainer
        return Made(self.model, self.datamodule, trainer)

    # The search -----------------------------------------------------------------------------------------------------

    def search(self) -> AutoMAX:
        """The search that the configuration describes, not yet begun."""
        settings = self.config.automax.as_dict()
        target, warm_start, quiet = settings.pop("target"), settings.pop("warm_start"), self.config.quiet
        base = self._plain(self.config)
        if settings["SEED"] == 0 and isinstance(base.get("seed_everything"), int):
            settings["SEED"] = int(base["seed_everything"])
        config = AutoMAXConfig.from_mapping(settings)
        recipe = ConfigRecipe(
            self, base, Objective(target, config.mode), config.name, self.model_class, self.datamodule_class,
            self._own_trainer_class, dict(self.config.search),
        )  # fmt: skip
        section = SearchSection.read(self.config.search, recipe)
        section.check(recipe)
        made = autopartial(recipe, **section.space)
        add_conditions(made, section.conditions)
        return AutoMAX(made, config, target, quiet=quiet, warm_start=warm_start)

    def _plain(self, parsed: Any) -> dict[str, Any]:
        config = parsed.clone()
        for key in _OWN_KEYS:
            config.pop(key, None)
        plain: dict[str, Any] = yaml.safe_load(self.parser.dump(config, skip_none=False, skip_validation=True))
        return {key: value for key, value in plain.items() if value is not None}

    def _search(self) -> AutoMAX:
        tuner = self.search()
        tuner.optimize()
        best, recipe = tuner.best, tuner.trainer.autofunc  # type: ignore[attr-defined]
        assert best is not None
        epochs = tuner.plan.epochs or recipe(**tuner.configuration_of(best.number)).epochs
        key = read_checkpoint(tuner.best_directory / BEST).logged_key(tuner.objective)
        seed = tuner.history.spec(best.number).seed
        path = tuner.directory / "best_config.yaml"
        content = best_config(recipe, tuner.configuration_of(best.number), seed, key, epochs)
        path.write_text(self.parser.dump(self._parsed(content), skip_none=True, skip_validation=True), encoding="utf-8")
        tuner.say(tuner.summary())
        tuner.say(f"Best configuration as a file: {path}")
        tuner.say(f"Train it again: {self.program} fit --config {path}")
        return tuner

    def _parsed(self, content: Mapping[str, Any]) -> Any:
        parsed = self.parser.parse_object(dict(content))
        for key in _OWN_KEYS:
            parsed.pop(key, None)
        return parsed


def run(arguments: Sequence[str]) -> None:
    """Run one of the commands of `AutoMAXCLI`.

    Args:
        arguments: the command line without the program's name.
    """
    AutoMAXCLI(args=list(arguments))


def _nothing() -> None:
    """In place of Lightning's hooks while nothing is to be made."""
