"""`AutoMAXCLI`: a LightningCLI that can also `tune`, over typed, dotted keys of the user's own YAML."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Any

from lightning.pytorch.cli import LightningArgumentParser, LightningCLI

from automax_lightning.cli.commands import exit_code
from automax_lightning.cli.config_factory import ConfigFactory, Parser, best_config
from automax_lightning.cli.scheduler_section import give_to_module
from automax_lightning.cli.search_section import SearchSection
from automax_lightning.config import AutoMAXConfig
from automax_lightning.factory.fit_factory import factory_of
from automax_lightning.search.storage.ownership import claim_file
from automax_lightning.space.autopartial import autopartial
from automax_lightning.space.conditions import add_conditions
from automax_lightning.trial.checkpoint import BEST, read_checkpoint
from automax_lightning.trial.records import Objective
from automax_lightning.tuner.automax import AutoMAX


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
        if not (run and isinstance(line, Sequence) and list(line[:1]) == ["tune"]):
            super().__init__(model_class, datamodule_class, args=args, run=run, **kwargs)
            return

        def tune() -> None:
            parser = Parser(self, model_class, datamodule_class, line[1:], kwargs)
            self.tuner = search_of(parser)
            self.tuner.optimize()
            write_best_config(self.tuner, f"python {sys.argv[0]}" if args is None else "automax-lightning")

        if args is None:
            code = exit_code(tune)
            if code:
                sys.exit(code)
        else:
            tune()

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """As in `LightningCLI`, whose warning of a command line given twice does not hold here."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="LightningCLI's args parameter is intended")
            super().parse_arguments(parser, args)

    def instantiate_classes(self) -> None:
        """As in `LightningCLI`, with the `lr_scheduler` section given to an `AUCModule`; see `give_to_module`."""
        # LightningCLI keeps its constructor's argument under a private name only.
        give_to_module(self.config.get(str(self.subcommand), self.config), self._model_class)
        super().instantiate_classes()

    def _parse_ckpt_path(self) -> None:
        """Leave the model to the YAML.

        Lightning replaces it by the hyperparameters in ``--ckpt_path``, and fails where these do not say which class
        they belong to, as those of a checkpoint that was written outside a CLI. There is no public switch.
        """
        if not self.subclass_mode_model:
            super()._parse_ckpt_path()


def search_of(parser: Parser) -> AutoMAX:
    """The search that a parsed command line describes, not yet begun.

    Args:
        parser: holds the configuration.

    Raises:
        AutoMAXError: if its ``search`` or ``automax`` section is wrong.
    """
    settings = parser.config.automax.as_dict()
    target, warm_start = settings.pop("target"), settings.pop("warm_start")
    base = parser.plain(parser.config)
    if settings["SEED"] == 0 and isinstance(base.get("seed_everything"), int):
        settings["SEED"] = int(base["seed_everything"])
    config = AutoMAXConfig.from_mapping(settings)
    factory = ConfigFactory(
        parser, base, Objective(target, config.mode_for(target)), config.name, parser.model_class, parser.datamodule_class,
        parser.trainer_class, dict(parser.config.search),
    )  # fmt: skip
    section = SearchSection.read(parser.config.search, factory)
    section.check(factory)
    trainer = autopartial(factory, **section.space)
    add_conditions(trainer, section.conditions)
    return AutoMAX(trainer, config, target, quiet=parser.config.quiet, warm_start=warm_start)


def write_best_config(tuner: AutoMAX, program: str) -> None:
    """Write ``best_config.yaml``, with which ``fit`` trains what the best trial has trained, and print the outcome.

    Args:
        tuner: the finished search.
        program: what the user types before ``fit``.
    """
    best, factory = tuner.best, factory_of(tuner.trainer)
    assert best is not None
    assert isinstance(factory, ConfigFactory)
    searched = tuner.configuration_of(best.number)
    epochs = tuner.plan.epochs or factory(**searched).epochs
    key = read_checkpoint(tuner.best_directory / BEST).logged_key(tuner.objective)
    content = best_config(factory, tuner.history.spec(best.number), key, epochs)
    path = tuner.directory / "best_config.yaml"
    claim_file(tuner.directory, path.name)
    path.write_text(factory.parser.text(content), encoding="utf-8")
    tuner.say(tuner.summary())
    tuner.say(f"Best configuration as a file: {path}")
    tuner.say(f"Train it again: {program} fit --config {path}")


def run(arguments: Sequence[str]) -> None:
    """Run one of the commands of `AutoMAXCLI`.

    Args:
        arguments: the command line without the program's name.
    """
    AutoMAXCLI(args=list(arguments))
