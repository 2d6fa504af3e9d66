"""The `automax-lightning` command: Lightning's own subcommands, and `tune`."""

from __future__ import annotations

import sys
import traceback
import warnings
from argparse import ArgumentError
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from automax_lightning.errors import AutoMAXError, ExecutionError, FirstTrialFailedError, closest

if TYPE_CHECKING:
    from automax_lightning.automax import AutoMAX

USAGE = """\
usage: automax-lightning COMMAND [--config FILE.yaml] [--KEY VALUE ...]

Tune any Lightning fit with SMAC3, and train any network on LibAUC's AUC losses.

commands:
  tune        search over keys of the configuration; writes best_config.yaml
  fit         train once             (LightningCLI's own, as are the next three)
  validate    score the validation split
  test        score the test split
  predict     predict
  report DIR  write one HTML file that shows the search in DIR (--output FILE)

  COMMAND --help lists every key. Keys of tune: those of fit, and
    search:   dotted key -> {low, high, log, default} | {choices, default} | {value}
              (left out: the default space of the loss and its optimizer)
    automax:  name, n_trials, target, SEED, output_directory, overwrite, ...

exit codes: 0 done, 1 the search or the fit failed, 2 bad input, 130 interrupted
"""
_LIGHTNING = ("fit", "validate", "test", "predict")


class AutoMAXCLI:
    """A LightningCLI with a `tune` subcommand: change one import, and your script can tune itself.

    Takes the arguments of `lightning.pytorch.cli.LightningCLI` and leaves every other subcommand to it.

    Args:
        model_class: your LightningModule; None takes it from ``model.class_path`` of the YAML.
        datamodule_class: your LightningDataModule; None takes it from ``data.class_path``.
        args: the command line without the program's name; None for ``sys.argv``.
        kwargs: any other argument of `LightningCLI`.

    Example:
        >>> # AutoMAXCLI(MyModule, MyDataModule)      in my_script.py; then:
        >>> # python my_script.py tune --config mine.yaml
    """

    def __init__(
        self, model_class: Any = None, datamodule_class: Any = None, *, args: Sequence[str] | None = None, **kwargs: Any
    ) -> None:
        # Lightning warns of a command line given twice; this one is the command line, less the name of a subcommand.
        warnings.filterwarnings("ignore", message="LightningCLI's args parameter is intended")
        arguments = list(sys.argv[1:] if args is None else args)
        if arguments and arguments[0] == "tune":
            from automax_lightning.tune import TuneCLI

            self.tuner = run_search(TuneCLI(model_class, datamodule_class, args=arguments[1:], **kwargs))
            return
        from automax_lightning.tune import FitCLI

        self.lightning = FitCLI(model_class, datamodule_class, args=arguments, **kwargs)


def run_search(cli: Any) -> AutoMAX:
    """Run the search that a parsed configuration describes, and say what came out.

    Args:
        cli: a `TuneCLI`.

    Returns:
        The finished search.
    """
    from automax_lightning.tune import write_best_config

    tuner: AutoMAX = cli.tuner()
    tuner.optimize()
    best = tuner.best
    assert best is not None
    config = tuner.directory / "best_config.yaml"
    write_best_config(tuner.trainer.autofunc, tuner.configuration_of(best.number), config)  # type: ignore[attr-defined]
    tuner.say(tuner.summary())
    tuner.say(f"Best configuration as a file: {config}")
    tuner.say(f"Train it again: automax-lightning fit --config {config}")
    return tuner


def main(args: Sequence[str] | None = None) -> int:
    """The command's exit code: 0 done, 1 the search or the fit failed, 2 bad input, 130 interrupted.

    Args:
        args: the command line without the program's name; None for ``sys.argv``.

    Example:
        >>> main(["--version"]) == 0
        automax-lightning ...
        True
    """
    arguments = list(sys.argv[1:] if args is None else args)
    command = arguments[0] if arguments else "--help"
    if command in ("-h", "--help"):
        sys.stdout.write(USAGE)
        return 0
    if command == "--version":
        sys.stdout.write(f"automax-lightning {version('automax-lightning')}\n")
        return 0
    if command == "report":
        from automax_lightning.report.command import main as report

        return report(arguments[1:])
    if command not in ("tune", *_LIGHTNING):
        sys.stderr.write(f"automax-lightning: no command {command!r}. {closest(command, ('tune', 'report', *_LIGHTNING))}\n")
        return 2
    return _run(arguments)


def _run(arguments: Sequence[str]) -> int:
    try:
        AutoMAXCLI(args=arguments)
    except (FirstTrialFailedError, ExecutionError) as error:
        sys.stderr.write(f"automax-lightning: {error}\n")
        return 1
    except ArgumentError as error:
        from automax_lightning.tune import said

        sys.stderr.write(f"automax-lightning: {said(error)}\n")
        return 2
    except AutoMAXError as error:
        sys.stderr.write(f"automax-lightning: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    except Exception:
        traceback.print_exc()  # user code failed: its own traceback says most
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
