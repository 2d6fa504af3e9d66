"""One Lightning run as one trial: `Fit` builds it under a seed, runs or resumes it, and says how it ended."""

from __future__ import annotations

import dataclasses
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import BaseFinetuning

from automax_lightning.errors import ConfigError, DataError
from automax_lightning.trial.checkpoint import TrialCheckpoint, TrialFiles, TrialIdentity, check_trust, load_checkpoint, resumable
from automax_lightning.trial.isolation import CtrlC, isolated, quiet_lightning
from automax_lightning.trial.loggers import KeepRuns, Run, fresh_loggers, log_result
from automax_lightning.trial.recorder import TrialRecorder
from automax_lightning.trial.records import Objective, OnEpoch, Resplittable, Split, Status, StopRequested, TrialResult, TrialSpec
from automax_lightning.trial.result import interrupt_in, message_of, outcome, status_of, status_of_run
from automax_lightning.trial.score_file import keep_scores
from automax_lightning.trial.seeding import RandomState, ReproducibleEpochs, seed_all
from automax_lightning.trial.trainer import (
    QUIET,
    as_list,
    ends_without_epochs,
    epochs_of,
    has_test,
    trial_callbacks,
    trial_settings,
)
from automax_lightning.utils.arguments import Rule, check_arguments, file_name, flag, integer, mapping, of_type, path, sequence
from automax_lightning.utils.splits import metrics_of_test

_MAY_TRAIN_ON = (Status.INTERRUPTED, Status.PAUSED)
"""Trials that may train further; the test split is scored once, after the last epoch."""


@dataclasses.dataclass(frozen=True)
class Built:
    """The objects of one run, fresh, as one seed makes them.

    Args:
        module: what is trained.
        datamodule: its data; None if the module has its own loaders.
        trainer_kwargs: arguments of `lightning.Trainer` that belong to these objects, over those of the `Fit`.
        callbacks: Lightning callbacks that belong to these objects, after those of the `Fit`.
        random_state: where the global generators stood when all was made; None to seed them anew. ``prepare_data`` and
            ``setup`` draw from there.
    """

    module: L.LightningModule
    datamodule: L.LightningDataModule | None = None
    trainer_kwargs: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    callbacks: Sequence[L.Callback] = ()
    random_state: RandomState | None = None

    def seed(self, seed: int) -> None:
        """Put the global generators to where ``prepare_data`` and ``setup`` find them.

        Args:
            seed: of the trial, 0 .. 2**32 - 1.
        """
        if self.random_state is None:
            seed_all(seed)
        else:
            self.random_state.restore()


_RULES: Mapping[str, Rule] = {
    "module": Rule("a LightningModule, or a function that makes one", callable, "MyModule").or_none,
    "datamodule": Rule(
        "a LightningDataModule, or a function that makes one", lambda x: isinstance(x, L.LightningDataModule) or callable(x),
        "MyData()",
    ).or_none,
    "build": Rule("a function of the seed that returns what a run needs", callable, "my_build").or_none,
    "epochs": integer(-1, example=20).or_none,
    "objective": of_type("an Objective", Objective, "Objective('AUROC')").or_none,
    "trainer_kwargs": mapping("{'accelerator': 'cpu'}").or_none,
    "callbacks": sequence("a sequence of Lightning callbacks", lambda x: isinstance(x, L.Callback), "[MyCallback()]"),
    "experiment_name": file_name("trial"),
    "output_path": path().or_none,
    "verbose": flag(),
    "trainer_class": Rule("a function that makes a Trainer", callable, "lightning.Trainer"),
    "trust": flag(),
    "split": of_type("a Split", Split, "None").or_none,
}  # fmt: skip


class Fit:
    """One Lightning run: a `Trainer`, a module and a datamodule, from a seed to a `TrialResult`.

    The module and the datamodule may be given as functions without arguments; they are then called under the trial's
    seed, so that initial weights depend on the seed and on nothing else. Training can be cut at any instant: the next
    `run` with the same directory resumes from the last whole epoch, and its result is that of a run never cut.

    Args:
        module: a LightningModule, or a function that makes one.
        datamodule: a LightningDataModule, or a function that makes one from the trial's seed.
        build: instead of `module` and `datamodule`, a function that makes all objects of a run from the trial's seed.
        epochs: epochs to train, at least 1; ``max_epochs`` among `trainer_kwargs` comes first. By default 50, or -1, which is no
            limit, where ``max_steps`` or ``max_time`` ends the fit.
        objective: which logged value is the score.
        trainer_kwargs: any argument of `lightning.Trainer`; by default trials are quiet and keep no logger. Each trial of
            a search makes its own run of ``logger``, see `fresh_loggers`.
        callbacks: Lightning callbacks; each run works on copies of its own.
        experiment_name: name of the run's directory where none is given.
        output_path: parent of that directory; None for a fresh temporary one.
        verbose: show Lightning's own bars and messages.
        trainer_class: makes the Trainer; a subclass of your own, for instance.
        trust: whether objects that the module keeps in its checkpoints may run code when a checkpoint is loaded.
        split: how the datamodule's rows for training and validation are divided; None for its own division. A `spec` that has
            a split brings its own.

    Raises:
        ConfigError: if `epochs` is below 1, `trainer_kwargs` takes checkpoints away, or both or neither of `module` and
            `build` are given.

    Example:
        >>> from automax_lightning import AUCModule, AUROC, DigitsDataModule
        >>> from automax_lightning.models import MLP
        >>> fit = Fit(lambda: AUCModule(MLP((16,))), DigitsDataModule(), epochs=2, callbacks=[AUROC()])
        >>> result = fit.run(seed=0)
        >>> result.status.name, result.epochs, 0.5 < result.score <= 1.0
        ('SUCCESS', 2, True)
    """

    def __init__(
        self,
        module: L.LightningModule | Callable[[], L.LightningModule] | None = None,
        datamodule: L.LightningDataModule | Callable[[int], L.LightningDataModule | None] | None = None,
        *,
        build: Callable[[int], Built] | None = None,
        epochs: int | None = None,
        objective: Objective | None = None,
        trainer_kwargs: Mapping[str, Any] | None = None,
        callbacks: Sequence[L.Callback] = (),
        experiment_name: str = "trial",
        output_path: str | Path | None = None,
        verbose: bool = False,
        trainer_class: Callable[..., L.Trainer] = L.Trainer,
        trust: bool = False,
        split: Split | None = None,
    ) -> None:
        check_arguments("Fit", _RULES, locals())
        self.trainer_kwargs = dict(trainer_kwargs or {})
        self.epochs = epochs_of(self.trainer_kwargs, epochs)
        self.trainer_kwargs.pop("max_epochs", None)
        self.objective = objective or Objective()
        self.callbacks = (*callbacks, *as_list(self.trainer_kwargs.pop("callbacks", None)))
        self.experiment_name = experiment_name
        self.output_path = output_path
        self.verbose = verbose
        self.trainer_class = trainer_class
        self.trust = trust
        self.split = split
        self.exception: BaseException | None = None
        self._make = _one_way(module, datamodule, build)
        self._built: Built | None = None
        self._trainer: L.Trainer | None = None
        self._check_settings()
        if build is None:
            self._check_end(self.trainer_kwargs)

    def _check_end(self, settings: Mapping[str, Any]) -> None:
        if self.epochs < 1 and not (self.epochs == -1 and ends_without_epochs(settings)):
            expected = "an integer of at least 1, or -1 with max_steps or max_time among the Trainer's settings"
            raise ConfigError("Fit.epochs", expected, str(self.epochs), "Pass epochs=20.")

    def _check_settings(self) -> None:
        if self.trainer_kwargs.get("enable_checkpointing") is False:
            raise ConfigError(
                "Fit.trainer_kwargs.enable_checkpointing",
                "True, because a trial's result is its best checkpoint",
                "False",
                "Leave it out.",
            )

    @property
    def module(self) -> L.LightningModule:
        """The module of this fit; built on first use, under seed 0 unless `run` came first."""
        return self.build().module

    @property
    def datamodule(self) -> L.LightningDataModule | None:
        """The datamodule of this fit, or None; built on first use."""
        return self.build().datamodule

    @property
    def trainer(self) -> L.Trainer:
        """The Trainer of the last run, or, before one, the Trainer that a run would use without its recorder."""
        if self._trainer is None:
            with quiet_lightning(self.verbose):
                self._trainer = self._new_trainer((), None, self.epochs, self.objective)
        return self._trainer

    def build(self, seed: int = 0) -> Built:
        """The objects of this fit with all of its Trainer settings and callbacks; made on first use, and then kept.

        Args:
            seed: under which they are made, if they are not there yet; 0 .. 2**32 - 1.
        """
        if self._built is None:
            with isolated():
                seed_all(seed)
                fresh = self._make(seed)
            _check_kinds(fresh)
            self._built = dataclasses.replace(
                fresh,
                datamodule=divided(fresh.datamodule, self.split),
                trainer_kwargs={**self.trainer_kwargs, **fresh.trainer_kwargs},
                callbacks=(*self.callbacks, *fresh.callbacks),
            )
            self._check_end(self._built.trainer_kwargs)
        return self._built

    def run(
        self,
        seed: int = 0,
        *,
        spec: TrialSpec | None = None,
        objective: Objective | None = None,
        on_epoch: OnEpoch | None = None,
        stop_requested: StopRequested | None = None,
        time_limit: float | None = None,
    ) -> TrialResult:
        """How the trial ended, with its score; trains from the start, or resumes from the last whole epoch.

        Args:
            seed: seed of weights, batches and dropout, 0 .. 2**32 - 1; a `spec` brings its own.
            spec: number, directory and budget of the trial; it is resumed from its ``last.ckpt``. One of another trial, or a
                damaged one, is renamed with a warning, and the trial starts anew.
            objective: which logged value is the score; the fit's own by default.
            on_epoch: called with (epochs done, score) after every epoch; a sentence returned by it ends the trial.
            stop_requested: asked after every epoch; True pauses the trial with its checkpoint kept.
            time_limit: seconds the trial may train in all.

        Returns:
            The result. Whatever user code raises is a result too, ``sys.exit`` included: status, reason and traceback; the
            exception itself is kept as `fit.exception`.

        Raises:
            KeyboardInterrupt: when the user presses Ctrl-C; one that user code raises is a result.
        """
        is_trial = spec is not None and spec.directory is not None
        spec = spec or TrialSpec(number=1, configuration={}, seed=seed)
        directory = (spec.directory or self._own_directory()).absolute()  # user code may change the working directory
        recorder = TrialRecorder(
            objective or self.objective,
            TrialFiles(directory),
            identity=TrialIdentity.of(spec),
            trust=self.trust,
            on_epoch=on_epoch,
            stop_requested=stop_requested,
            time_limit=time_limit,
            budget=spec.budget,
        )
        self.split = spec.split or self.split
        self.exception = None
        test: dict[str, float] = {}
        ctrl_c = CtrlC()
        try:
            with ctrl_c, isolated(), quiet_lightning(self.verbose):
                built = self.build(spec.seed)
                built.seed(spec.seed)
                self._train(built, recorder, spec, directory, is_trial=is_trial)
                if recorder.ended_by not in _MAY_TRAIN_ON and recorder.best_epoch is not None:
                    test = self._score_test_split(recorder.files)
            status, reason = status_of_run(recorder, self.trainer)
        except BaseException as exception:
            if ctrl_c.has_come and interrupt_in(exception):
                raise KeyboardInterrupt from exception
            self.exception = exception
            status, reason = status_of(exception, directory)
        result = outcome(spec.number, recorder, test, status, reason, self.exception)
        if is_trial and self._trainer is not None and self._trainer.loggers:
            self._log(spec, recorder.objective, result)
        return result

    def _log(self, spec: TrialSpec, objective: Objective, result: TrialResult) -> None:
        try:
            with isolated(), quiet_lightning(self.verbose):
                log_result(self.trainer.loggers, spec, objective, result, self.trainer.global_step)
        except Exception as error:  # the score is there; a service that does not answer must not cost the trial
            warnings.warn(f"the logger did not take the result of trial {spec.number}: {error}", stacklevel=2)

    def _own_directory(self) -> Path:
        if self.output_path is None:
            return Path(tempfile.mkdtemp(prefix=f"{self.experiment_name}_"))
        directory = Path(self.output_path) / self.experiment_name
        files = TrialFiles(directory)
        for stale in (files.best, files.scores, *files.only_for_resuming):
            stale.unlink(missing_ok=True)  # a run by hand starts from the start; a search resumes through its spec's directory
        return directory

    def _train(self, built: Built, recorder: TrialRecorder, spec: TrialSpec, directory: Path, *, is_trial: bool) -> None:
        before = resumable(recorder.files, recorder.identity) or TrialCheckpoint()
        if before.epochs and (forgetful := _forgetful(built)):
            warnings.warn(
                f"trial {spec.number} is not resumed but starts anew: Lightning does not restore what {forgetful} has unfrozen",
                stacklevel=3,
            )  # fmt: skip
            before = TrialCheckpoint()
        resumed = recorder.files.last if before.epochs else None
        if resumed is not None:
            check_trust(resumed, trust=self.trust)
        own: tuple[L.Callback, ...] = (ReproducibleEpochs(spec.seed, first_epoch=before.epochs), recorder)
        logger = built.trainer_kwargs.get("logger", False)
        if is_trial:
            run = Run.of(spec, directory, before.global_step)
            logger, own = fresh_loggers(logger, run), (own[0], KeepRuns(run), recorder)
        self._trainer = self._new_trainer(own, directory, spec.epochs or self.epochs, recorder.objective, logger)
        self._trainer.fit(built.module, datamodule=built.datamodule, ckpt_path=resumed, weights_only=not self.trust)

    def _new_trainer(
        self, own: Sequence[L.Callback], directory: Path | None, epochs: int, objective: Objective, logger: Any = False
    ) -> L.Trainer:
        loud = {"enable_progress_bar": True, "enable_model_summary": True} if self.verbose else {}
        built = self.build()
        settings = {**QUIET, **loud, **trial_settings(built.trainer_kwargs), "max_epochs": epochs}
        callbacks = [*trial_callbacks(built.callbacks, objective, directory), *own]
        return self.trainer_class(callbacks=callbacks, default_root_dir=directory, **{**settings, "logger": logger})

    def _score_test_split(self, files: TrialFiles) -> dict[str, float]:
        """Load the best weights into the module, and score the test split with them where there is one.

        A test that fails costs its score, and not the trial. A disk that fails is not the test's fault: the trial runs again.
        """
        try:
            if has_test(self.module, self.datamodule):
                return self._test(files)
        except Exception as error:
            if status_of(error, files.directory)[0] is Status.LOST:
                raise
            warnings.warn(f"the test split was not scored: {type(error).__name__}: {message_of(error)}", stacklevel=2)
        self.module.load_state_dict(load_checkpoint(files.best, trust=self.trust)["state_dict"])
        return {}

    def _test(self, files: TrialFiles) -> dict[str, float]:
        trainer = self.trainer
        trainer.test(
            self.module, datamodule=self.datamodule, ckpt_path=files.best, verbose=self.verbose, weights_only=not self.trust
        )
        if not any(trainer.num_test_batches):
            raise DataError("test_dataloader", "batches", "none", "Fill it, or leave it out.")
        if trainer.is_global_zero:
            keep_scores(files.scores, trainer.callbacks, "test")  # type: ignore[attr-defined]
        return metrics_of_test(trainer.callback_metrics)


def _forgetful(built: Built) -> str | None:
    """A callback that freezes parts of the module again where a fit is resumed (Lightning issue 21901)."""
    callbacks = [*built.callbacks, *as_list(built.module.configure_callbacks())]
    return next((type(each).__name__ for each in callbacks if isinstance(each, BaseFinetuning)), None)


def _check_kinds(built: Built) -> None:
    """Raise if an object is none of Lightning's, or of its other package, whose classes are not the same.

    Args:
        built: as user code has made it.
    """
    kinds: list[tuple[str, object, type]] = [("module", built.module, L.LightningModule)]
    if built.datamodule is not None:
        kinds.append(("datamodule", built.datamodule, L.LightningDataModule))
    kinds += [("callbacks", callback, L.Callback) for callback in built.callbacks]
    for name, made, kind in kinds:
        if not isinstance(made, kind):
            is_other = any(base.__module__.startswith("pytorch_lightning.") for base in type(made).__mro__)
            raise ConfigError(
                f"Fit.{name}", f"a {kind.__name__} of the package lightning",
                f"a {type(made).__name__}{' of the package pytorch_lightning' if is_other else ''}",
                "Write `import lightning.pytorch as pl` in place of `import pytorch_lightning as pl`." if is_other
                else f"Return a {kind.__name__}.",
            )  # fmt: skip


def divided(datamodule: L.LightningDataModule | None, split: Split | None) -> L.LightningDataModule | None:
    """The datamodule with its rows divided as a split says.

    Args:
        datamodule: of a trial.
        split: None for its own division.

    Raises:
        ConfigError: if its rows cannot be divided anew.
    """
    if split is None:
        return datamodule
    given: object = datamodule
    fresh = given.resplit(split.seed, split.fold, split.n_folds) if isinstance(given, Resplittable) else None
    if not isinstance(fresh, L.LightningDataModule):
        raise ConfigError(
            "AutoMAXConfig.resampling", "data with a method resplit(seed, fold, n_folds) that returns a datamodule",
            "no datamodule" if datamodule is None else f"a {type(datamodule).__name__}, which does not do that",
            "Pass resampling='holdout', or give your datamodule that method.",
        )  # fmt: skip
    return fresh


def _one_way(module: Any, datamodule: Any, build: Callable[[int], Built] | None) -> Callable[[int], Built]:
    """How the objects are made: by `build`, or from a module and a datamodule, or functions that make them."""
    if (module is None) == (build is None):
        given = "neither" if build is None else "both"
        raise ConfigError("Fit", "a module, or build=", given, "Pass Fit(module, datamodule), or Fit(build=...).")
    if build is not None:
        return build

    def from_objects(seed: int) -> Built:
        data = datamodule if datamodule is None or isinstance(datamodule, L.LightningDataModule) else datamodule(seed)
        return Built(module if isinstance(module, L.LightningModule) else module(), data)

    return from_objects
