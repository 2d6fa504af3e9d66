"""`Fit` with a user's own LightningModule, which knows nothing of this package."""

from __future__ import annotations

import copy
import gc
import os
import random
import signal
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch

from automax_lightning import Fit, Objective, Status, TrialSpec
from automax_lightning.errors import BatchError, ConfigError, NonFiniteError
from automax_lightning.trial.fit import Built
from automax_lightning.trial.result import status_of
from automax_lightning.trial.seeding import RandomState
from tests.support.fits import Points, Regression, make

pytestmark = pytest.mark.lowest


def weights(path: Path | None) -> dict[str, torch.Tensor]:
    assert path is not None
    return torch.load(path, weights_only=True)["state_dict"]


def assert_equal_weights(one: Path | None, other: Path | None) -> None:
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


def spec(directory: Path, **kwargs: Any) -> TrialSpec:
    return TrialSpec(number=1, configuration={}, directory=directory, **kwargs)


def test_the_result_names_the_best_epoch_and_its_checkpoint_has_that_score(tmp_path: Path) -> None:
    fit = make()
    result = fit.run(spec=spec(tmp_path, seed=3))
    assert result.status is Status.SUCCESS
    assert result.score == max(result.curve)
    assert result.best_epoch == result.curve.index(result.score) + 1
    assert result.epochs == 4
    assert result.val == {"score": result.score}
    assert result.test["score"] == pytest.approx(result.score, abs=1e-6)  # the same rows in both splits
    again = L.Trainer(logger=False, enable_progress_bar=False, accelerator="cpu").validate(
        Regression(), datamodule=Points(), ckpt_path=result.checkpoint, verbose=False
    )
    assert again[0]["val/score"] == pytest.approx(result.score, abs=1e-6)


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_continued_trial_is_the_trial_that_was_never_cut(tmp_path: Path, cut: int) -> None:
    straight = make().run(spec=spec(tmp_path / "straight", seed=5))
    part = make().run(spec=spec(tmp_path / "cut", seed=5, budget=cut))
    whole = make().run(spec=spec(tmp_path / "cut", seed=5))
    assert part.epochs == cut
    assert whole.curve == straight.curve
    assert whole.best_epoch == straight.best_epoch
    assert whole.test == straight.test
    assert_equal_weights(whole.checkpoint, straight.checkpoint)
    assert_equal_weights(tmp_path / "cut/checkpoints/last.ckpt", tmp_path / "straight/checkpoints/last.ckpt")


def test_an_interrupted_trial_says_so_and_continues(tmp_path: Path) -> None:
    straight = make().run(spec=spec(tmp_path / "straight"))
    paused = make().run(spec=spec(tmp_path / "paused"), stop_requested=lambda: True)
    assert paused.status is Status.INTERRUPTED
    assert paused.epochs == 1
    assert make().run(spec=spec(tmp_path / "paused")).curve == straight.curve


def test_a_finished_trial_whose_result_was_lost_is_not_trained_again(tmp_path: Path) -> None:
    first = make().run(spec=spec(tmp_path))
    seen: list[int] = []
    again = make().run(spec=spec(tmp_path), on_epoch=lambda epoch, score: seen.append(epoch))
    assert seen == []
    assert (again.score, again.curve, again.test) == (first.score, first.curve, first.test)


def test_the_listener_ends_a_bad_trial(tmp_path: Path) -> None:
    told: list[tuple[int, float]] = []

    def listen(epoch: int, score: float) -> str | None:
        told.append((epoch, score))
        return "hopeless" if epoch == 2 else None

    result = make().run(spec=spec(tmp_path), on_epoch=listen)
    assert (result.status, result.reason, result.epochs) == (Status.STOPPED, "hopeless", 2)
    assert [score for _, score in told] == list(result.curve)
    assert result.score is not None


def test_a_time_limit_ends_the_trial_without_a_whole_epoch(tmp_path: Path) -> None:
    result = make(epochs=10_000).run(spec=spec(tmp_path), time_limit=0.5)
    assert result.status is Status.TIMEOUT
    assert "0.5 s" in result.reason
    assert result.epochs < 10_000


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("mine"), Status.CRASHED),
        (torch.OutOfMemoryError("CUDA out of memory"), Status.OUT_OF_MEMORY),
        (MemoryError("host"), Status.OUT_OF_MEMORY),
        (NonFiniteError("loss", "a finite number", "nan", "Lower lr."), Status.NON_FINITE),
        (BatchError("batch", "both classes", "one", "Use AUCDataModule."), Status.NO_POSITIVES),
    ],
)
def test_an_exception_is_a_result_with_its_traceback(tmp_path: Path, error: BaseException, status: Status) -> None:
    fit = make(fail_at=2, error=error)
    result = fit.run(spec=spec(tmp_path))
    assert result.status is status
    assert result.epochs == 2
    assert str(error).splitlines()[0] in result.reason
    assert result.error is not None
    assert "training_step" in result.error
    assert fit.exception is error
    assert status_of(error)[0] is status


def test_a_target_that_is_never_logged_fails_with_the_logged_keys(tmp_path: Path) -> None:
    result = make(logged="val/other").run(spec=spec(tmp_path))
    assert result.status is Status.CRASHED
    assert "['val/other']" in result.reason


def test_a_score_that_is_nan_is_no_score(tmp_path: Path) -> None:
    class Diverged(Regression):
        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log("val/score", torch.tensor(float("nan")))

    result = Fit(Diverged, Points(), epochs=2, objective=Objective("score"), trainer_kwargs={"accelerator": "cpu"}).run(
        spec=spec(tmp_path)
    )
    assert (result.status, result.score, result.checkpoint) == (Status.NON_FINITE, None, None)
    assert np.isnan(result.curve).all()


def test_nothing_leaks_into_the_users_generators(tmp_path: Path) -> None:
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    make(epochs=1).run(spec=spec(tmp_path, seed=9))
    assert states == (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())


def test_the_seed_decides_the_weights(tmp_path: Path) -> None:
    first, second, other = (
        make(epochs=1).run(spec=spec(tmp_path / str(index), seed=seed)) for index, seed in enumerate((1, 1, 2))
    )
    assert_equal_weights(first.checkpoint, second.checkpoint)
    assert first.score != other.score


def test_callbacks_are_copied_for_each_run(tmp_path: Path) -> None:
    class Counter(L.Callback):
        epochs = 0

        def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
            self.epochs += 1

    counter = Counter()
    fit = make(epochs=1)
    fit.callbacks = (counter,)
    fit.run(spec=spec(tmp_path))
    assert counter.epochs == 0
    assert copy.deepcopy(counter).epochs == 0


@pytest.mark.parametrize("epochs", [0, -1])
def test_too_few_epochs_are_refused(epochs: int) -> None:
    with pytest.raises(ConfigError, match=r"Fit.epochs: expected an integer of at least 1"):
        make(epochs=epochs)


def test_a_trainer_without_checkpoints_is_refused() -> None:
    with pytest.raises(ConfigError, match="enable_checkpointing"):
        Fit(Regression, Points(), epochs=1, trainer_kwargs={"enable_checkpointing": False})


def test_a_run_by_hand_starts_afresh(tmp_path: Path) -> None:
    fits = [Fit(Regression, Points(), epochs=1, objective=Objective("score"), output_path=tmp_path) for _ in range(2)]
    results = [fit.run(seed=1) for fit in fits]
    assert results[0].curve == results[1].curve
    assert results[0].checkpoint == tmp_path / "trial" / "checkpoints" / "best.ckpt"


@pytest.mark.slow
def test_loader_workers_end_with_their_trial_also_when_it_raises() -> None:
    import multiprocessing

    for error in (None, RuntimeError("in the middle")):
        fit = Fit(lambda error=error: Regression(1, error), lambda seed: Points(2), epochs=2, objective=Objective("score"),
                  trainer_kwargs={"accelerator": "cpu"})  # fmt: skip
        result = fit.run()
        assert result.status is (Status.SUCCESS if error is None else Status.CRASHED)
        del fit
        gc.collect()
        assert multiprocessing.active_children() == []


def test_a_function_may_build_all_objects_of_a_run_with_their_settings_and_generators(tmp_path: Path) -> None:
    class Noisy(Points):
        def setup(self, stage: str) -> None:
            if stage == "fit":
                self.drawn = torch.rand(1)

    def build(seed: int) -> Built:
        module, data = Regression(), Noisy()
        return Built(module, data, {"max_steps": 6}, (L.pytorch.callbacks.Timer(),), RandomState())

    def fit(**settings: Any) -> Fit:
        return Fit(build=build, epochs=4, objective=Objective("score"), trainer_kwargs={"accelerator": "cpu"}, **settings)

    one = fit(callbacks=[L.pytorch.callbacks.DeviceStatsMonitor()])
    assert [type(each).__name__ for each in one.build(3).callbacks] == ["DeviceStatsMonitor", "Timer"]
    assert one.build().trainer_kwargs == {"accelerator": "cpu", "max_steps": 6}
    result = fit().run(spec=spec(tmp_path, seed=3))
    assert (result.status, result.epochs) == (Status.SUCCESS, 2)
    torch.manual_seed(3)
    Regression()
    again = fit()
    assert again.run(seed=3).curve == result.curve
    assert torch.equal(again.datamodule.drawn, torch.rand(1))  # type: ignore[union-attr]


def test_a_fit_without_a_random_state_seeds_setup_anew() -> None:
    class Noisy(Points):
        def setup(self, stage: str) -> None:
            self.drawn = torch.rand(1)

    fit = Fit(build=lambda seed: Built(Regression(), Noisy()), epochs=1, objective=Objective("score"))
    fit.build(3).seed(3)
    fit.datamodule.setup("fit")  # type: ignore[union-attr]
    torch.manual_seed(3)
    assert torch.equal(fit.datamodule.drawn, torch.rand(1))  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("arguments", "given"), [({}, "neither"), ({"module": Regression, "build": lambda seed: Built(Regression())}, "both")]
)
def test_a_fit_is_made_from_a_module_or_from_a_build_function(arguments: Any, given: str) -> None:
    with pytest.raises(ConfigError, match=rf"Fit: expected a module, or build=, found {given}"):
        Fit(**arguments)


# One bad trial costs one trial --------------------------------------------------------------------------------------------


class OwnError(BaseException):
    """Not even an Exception."""


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), OwnError("mine")])
def test_whatever_user_code_raises_is_a_result(tmp_path: Path, error: BaseException) -> None:
    handler = signal.getsignal(signal.SIGINT)
    fit = make(fail_at=1, error=error)
    result = fit.run(spec=spec(tmp_path))
    assert (result.status, result.epochs) == (Status.CRASHED, 1)
    assert type(error).__name__ in str(result.error)
    assert signal.getsignal(signal.SIGINT) is handler
    assert make().run(spec=spec(tmp_path)).status is Status.SUCCESS


def test_ctrl_c_of_the_user_ends_the_run(tmp_path: Path) -> None:
    class Interrupted(Regression):
        def on_train_epoch_start(self) -> None:
            signal.raise_signal(signal.SIGINT)

    handler = signal.getsignal(signal.SIGINT)
    fit = Fit(Interrupted, Points(), epochs=2, objective=Objective("score"), trainer_kwargs={"accelerator": "cpu"})
    with pytest.raises(KeyboardInterrupt, match="^$"):
        fit.run(spec=spec(tmp_path), stop_requested=lambda: False)
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_module_that_changes_the_process_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Rude(Regression):
        def on_train_start(self) -> None:
            os.chdir("/")
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    monkeypatch.chdir(tmp_path)
    handler = signal.getsignal(signal.SIGINT)
    fit = Fit(Rude, Points(), epochs=2, objective=Objective("score"), trainer_kwargs={"accelerator": "cpu"})
    result = fit.run(spec=spec(Path("here")))
    assert result.status is Status.SUCCESS
    assert result.checkpoint == tmp_path / "here" / "checkpoints" / "best.ckpt"
    assert Path.cwd() == tmp_path
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"module": 3}, r"Fit.module: expected a LightningModule, or a function that makes one"),
        ({"datamodule": 3}, r"Fit.datamodule: expected a LightningDataModule, or a function"),
        ({"epochs": 1.5}, r"Fit.epochs: expected an integer of at least -1, or None, found 1.5. Pass epochs=20."),
        ({"epochs": "3"}, r"Fit.epochs"),
        ({"objective": "AUROC"}, r"Fit.objective: expected an Objective, or None, found 'AUROC'"),
        ({"callbacks": 3}, r"Fit.callbacks: expected a sequence of Lightning callbacks"),
        ({"trainer_kwargs": [3]}, r"Fit.trainer_kwargs: expected a dictionary"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Fit(**{"module": Regression, "datamodule": Points(), **arguments})


def test_objects_of_lightnings_other_package_are_named_with_the_line_to_change() -> None:
    import pytorch_lightning

    class Theirs(pytorch_lightning.LightningModule):
        pass

    class TheirData(pytorch_lightning.LightningDataModule):
        pass

    said = r"found a {} of the package pytorch_lightning. Write `import lightning.pytorch as pl` in place of"
    for fit, name in (
        (Fit(Theirs, Points()), "Theirs"),
        (Fit(Regression, lambda seed: TheirData()), "TheirData"),
        (Fit(build=lambda seed: Built(Regression(), Points(), callbacks=[pytorch_lightning.Callback()])), "Callback"),
    ):
        with pytest.raises(ConfigError, match=said.format(name)):
            fit.build()
    with pytest.raises(ConfigError, match=r"Fit.module: expected a LightningModule of the package lightning, found a int"):
        Fit(lambda: 3, Points()).build()
