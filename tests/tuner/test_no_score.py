"""A search whose score can never exist ends at its first trial, and says why; one that has scores uses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from ConfigSpace import Float

from automax_lightning import AutoMAX, AutoMAXConfig, Fit, Objective, Status, TabularDataModule, autopartial, trainer_factory
from automax_lightning.errors import FirstTrialFailedError, TargetError
from automax_lightning.models import MLP
from automax_lightning.search.planning.results import best_result
from automax_lightning.trial.records import TrialResult, TrialSpec
from tests.support.fits import Points, Regression

CPU = {"accelerator": "cpu"}


class MisspeltData(L.LightningDataModule):
    """A validation loader that Lightning does not know."""

    def train_dataloader(self) -> Any:
        return Points().train_dataloader()

    def valid_dataloader(self) -> Any:
        return Points().val_dataloader()


class EmptyData(Points):
    def val_dataloader(self) -> Any:
        return []


class MisspeltStep(L.LightningModule):
    """A validation step that Lightning does not know."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = torch.nn.Linear(4, 1)

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        loss = self.inner(batch[0]).square().mean()
        self.log("train_loss", loss)
        return loss

    def valid_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val/score", 0.5)

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class InTraining(Regression):
    """Logs what it minimises in training, and something else in validation."""

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        loss = super().training_step(batch, batch_idx)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def on_train_epoch_end(self) -> None:
        self.log("minus_epoch", -float(self.current_epoch))


class Undefined(Regression):
    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val/score", torch.tensor(float("nan")))


def search(root: Path, module: Any = Regression, data: Any = Points, target: str = "score", **settings: Any) -> AutoMAX:
    trainer = {"accelerator": "cpu", **settings.pop("trainer", {})}
    epochs, mode = settings.pop("epochs", 2), settings.pop("mode", "max")

    def made(lr: float) -> Fit:
        return Fit(module, lambda seed: data(), epochs=epochs, objective=Objective(target, mode), trainer_kwargs=trainer)

    config = AutoMAXConfig(name="mine", output_directory=root, mode=mode, **{"n_trials": 3, **settings})
    return AutoMAX(autopartial(made, lr=Float("lr", (0.0, 1.0))), config, target, quiet=True)


@pytest.mark.filterwarnings("ignore:.*Skipping val loop", "ignore:Total length of")  # Lightning's own, of the same mistake
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"data": MisspeltData}, r"no val_dataloader in MisspeltData, but valid_dataloader: was it to be called val_data"),
        ({"module": MisspeltStep}, r"no validation_step in MisspeltStep, but valid_step: was it to be .*train_loss"),
        ({"data": EmptyData}, "an empty validation loader"),
        ({"trainer": {"limit_val_batches": 0}}, "limit_val_batches=0"),
        ({"trainer": {"check_val_every_n_epoch": 5}}, "check_val_every_n_epoch=5, and 2 epochs"),
        ({"trainer": {"val_check_interval": 99, "check_val_every_n_epoch": None}}, "none within 2 epochs and 8 steps, with val_"),
        ({"trainer": {"max_steps": 3}}, "none within 1 epochs and 3 steps"),
    ],
)  # fmt: skip
def test_a_fit_that_never_validates_ends_the_search_with_the_reason(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    tuner = search(tmp_path, **settings)
    with pytest.raises(TargetError, match=said):
        tuner.optimize()
    assert tuner.log == []
    assert not (tmp_path / "mine").exists()


def test_a_validation_split_of_one_class_ends_the_search_with_the_reason(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(60, 3))
    labels = np.r_[np.tile([0, 1], 20), np.zeros(20, int)]
    data = TabularDataModule(rows[:40], labels[:40], batch_size=20)

    class OneClass(L.LightningDataModule):
        def train_dataloader(self) -> Any:
            data.setup("fit")
            return data.train_dataloader()

        def val_dataloader(self) -> Any:
            x = torch.from_numpy(rows[40:]).float()
            return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, torch.zeros(20)), batch_size=20)

    from automax_lightning import AUROC, AUCModule

    def made(lr: float) -> Fit:
        return Fit(lambda: AUCModule(MLP((4,)), loss="CrossEntropyLoss"), lambda seed: OneClass(), epochs=2,
                   callbacks=[AUROC()], trainer_kwargs=CPU)  # fmt: skip

    config = AutoMAXConfig(name="mine", output_directory=tmp_path, n_trials=3)
    tuner = AutoMAX(autopartial(made, lr=Float("lr", (0.0, 1.0))), config, quiet=True)
    with pytest.raises(
        FirstTrialFailedError,
        match=r"expected a score that can be compared, found val/AUROC: .* 0 positives",
    ):
        tuner.optimize()
    assert not (tmp_path / "mine").exists()


def test_a_target_that_is_nan_ends_the_search_without_naming_files(tmp_path: Path) -> None:
    tuner = search(tmp_path, module=Undefined)
    with pytest.raises(FirstTrialFailedError, match="NaN after every epoch") as raised:
        tuner.optimize()
    assert "error.txt" not in str(raised.value)
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(
    ("target", "mode", "best"), [("train_loss", "min", None), ("minus_epoch", "min", 3), ("minus_epoch", "max", 1)]
)
def test_a_target_that_only_training_logs_is_used(tmp_path: Path, target: str, mode: str, best: int | None) -> None:
    tuner = search(tmp_path, module=InTraining, target=target, mode=mode, epochs=3, n_trials=1)
    with pytest.warns(UserWarning, match=f"the target '{target}' is logged in training only"):
        tuner.optimize()
    result = tuner.best
    assert result is not None
    assert (len(result.curve), [point.step for point in result.points]) == (3, [4, 8, 12])
    assert result.score == (min if mode == "min" else max)(result.curve)
    assert best in (None, result.best_epoch)


def test_a_value_that_training_has_logged_is_not_taken_for_that_of_a_validation(tmp_path: Path) -> None:
    tuner = search(tmp_path, module=InTraining, target="train_loss", mode="min", n_trials=1,
                   trainer={"val_check_interval": 0.5})  # fmt: skip
    with pytest.warns(UserWarning, match="in training only"):
        tuner.optimize()
    assert tuner.best is not None
    assert [point.step for point in tuner.best.points] == [4, 8]


# Trials that their time limit has cut -------------------------------------------------------------------------------------


def test_a_search_of_trials_that_ran_out_of_time_has_a_winner(tmp_path: Path) -> None:
    tuner = search(tmp_path, epochs=1_000_000, n_trials=2, trial_time_limit=1.0)
    tuner.optimize()
    assert [entry["status"] for entry in tuner.log] == ["TIMEOUT", "TIMEOUT"]
    best = tuner.best
    assert best is not None
    assert best.checkpoint is not None
    assert best.score == max(entry["val"] for entry in tuner.log)
    assert best.score == np.nanmax(best.curve)
    assert tuner.load_best_model() is not None
    assert "timeout after epoch" in tuner.trial_table()
    assert tuner.report().exists()


def test_a_limit_without_one_validation_leaves_no_score_and_names_no_file(tmp_path: Path) -> None:
    tuner = search(tmp_path, n_trials=2, trial_time_limit=1e-9)
    with pytest.raises(FirstTrialFailedError, match=r"the limit is 1e-09 s\. See trials_dataframe\(\)"):
        tuner.optimize()
    assert [entry["val"] for entry in tuner.log] == [None, None]


def test_trials_that_were_cut_had_the_same_time_and_are_compared_whatever_their_epochs() -> None:
    objective = Objective()
    fast = TrialResult(1, Status.TIMEOUT, 0.7, epochs=9)
    slow = TrialResult(2, Status.TIMEOUT, 0.9, epochs=3)
    whole = TrialResult(3, Status.SUCCESS, 0.6, epochs=9)
    assert best_result({1: fast, 2: slow}, objective) is slow
    assert best_result({1: fast, 2: slow, 3: whole}, objective) is whole


def test_a_trial_that_was_cut_keeps_the_score_of_its_best_epoch(tmp_path: Path) -> None:
    fit = Fit(Regression, lambda seed: Points(), epochs=1_000_000, objective=Objective("score"), trainer_kwargs=CPU)
    result = fit.run(spec=TrialSpec(1, {}, directory=tmp_path), time_limit=1.0)
    assert (result.status, result.is_scored, result.score) == (Status.TIMEOUT, True, max(result.curve))


def test_a_search_over_several_trials_names_the_errors_that_there_are(tmp_path: Path) -> None:
    class Unlucky(Regression):
        def __init__(self, lr: float) -> None:
            super().__init__()
            self.lr = lr

        def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
            if self.lr != 0.5:
                raise ValueError("no such luck")
            raise MemoryError("no room")

    def made(lr: float) -> Fit:
        return Fit(
            lambda: Unlucky(lr),
            lambda seed: Points(),
            epochs=1,
            objective=Objective("score"),
            trainer_kwargs=CPU,
        )

    config = AutoMAXConfig(name="mine", output_directory=tmp_path, n_trials=2)
    tuner = AutoMAX(autopartial(made, lr=Float("lr", (0.0, 1.0), default=0.5)), config, "score", quiet=True)
    with pytest.raises(FirstTrialFailedError, match=r"no room.*no such luck. Read ") as raised:
        tuner.optimize()
    named = [word.strip(",.") for word in str(raised.value).split() if word.strip(",.").endswith("error.txt")]
    assert len(named) == 2
    assert all(Path(path).is_file() for path in named)


def test_a_factory_of_auc_fits_is_tuned_as_before(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(80, 3))
    factory = trainer_factory(lambda: MLP((4,)), TabularDataModule(rows, (rows[:, 0] > 0).astype(int), batch_size=20), epochs=1)
    tuner = AutoMAX(factory, AutoMAXConfig(name="mine", output_directory=tmp_path, n_trials=1), quiet=True)
    tuner.optimize()
    assert tuner.best is not None
    assert len(tuner.best.points) == 1
