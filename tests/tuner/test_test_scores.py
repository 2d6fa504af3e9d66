"""Test scores are the user's: every key is kept, the one that answers the target is found, and a failure costs no trial."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from ConfigSpace import Float

from automax_lightning import AutoMAX, AutoMAXConfig, Fit, Objective, Status, TrialSpec, autopartial
from automax_lightning.report.verdict import verdict
from automax_lightning.utils.splits import score_on_test
from tests.support.fits import Points, Regression

CPU = {"accelerator": "cpu"}


class Named(Regression):
    """Logs a validation and test scores under given keys."""

    def __init__(self, val: str, test: tuple[str, ...]) -> None:
        super().__init__(logged=val)
        self.tests = test

    def test_step(self, batch: Any, batch_idx: int) -> None:
        for number, key in enumerate(self.tests, start=1):
            self.log(key, torch.tensor(float(number)))


def search(root: Path, val: str, *tests: str) -> AutoMAX:
    def made(lr: float) -> Fit:
        return Fit(
            lambda: Named(val, tests),
            lambda seed: Points(),
            epochs=1,
            objective=Objective(val),
            trainer_kwargs=CPU,
        )

    config = AutoMAXConfig(name="mine", output_directory=root, n_trials=2, mode="max")
    return AutoMAX(autopartial(made, lr=Float("lr", (0.0, 1.0))), config, val, quiet=True)


@pytest.mark.parametrize(
    ("val", "tests", "column"),
    [
        ("val_loss", ("test_acc", "test_loss"), "test_loss"),
        ("val/acc", ("test/loss", "test/acc"), "test/acc"),
        ("acc/val", ("loss/test", "acc/test"), "acc/test"),
        ("valid_f1", ("test_acc", "test_f1"), "test_f1"),
        ("validation.mae", ("test.mse", "test.mae"), "test.mae"),
        ("val_acc", ("plain", "val_acc"), "test/val_acc"),
    ],
)
def test_every_key_stands_in_the_frame_and_the_targets_own_is_found(
    tmp_path: Path, val: str, tests: tuple[str, ...], column: str
) -> None:
    tuner = search(tmp_path, val, *tests)
    tuner.optimize()
    frame, best = tuner.trials_dataframe(), tuner.best
    assert best is not None
    assert sorted(best.test.values()) == [1.0, 2.0]
    assert frame[column].tolist() == [2.0, 2.0]
    assert score_on_test(best.test, val) == 2.0
    assert [entry["test"] for entry in tuner.log] == [2.0, 2.0]
    assert "2.000000" in tuner.summary()
    assert "On the test split it has" in verdict(tuner.reading()).sentences[0]


def test_a_report_shows_what_was_logged_though_no_name_answers_the_target(tmp_path: Path) -> None:
    tuner = search(tmp_path, "val_loss", "quality")
    tuner.optimize()
    said = verdict(tuner.reading()).sentences[0]
    assert said == "On the test split it has test/quality 1.0000; none of these names answers the target val_loss."
    assert "There is no test score" not in tuner.report().read_text()


class Stub(Points):
    def test_dataloader(self) -> Any:
        return None


class Empty(Points):
    def test_dataloader(self) -> Any:
        return []


class Raising(Points):
    def test_dataloader(self) -> Any:
        raise FileNotFoundError(2, "no such file", "test.csv")


class BadBatches(Points):
    def test_dataloader(self) -> Any:
        return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.zeros(8, 3)), batch_size=4)


@pytest.mark.filterwarnings("ignore:Total length of")  # Lightning's own, of an empty loader
@pytest.mark.parametrize("data", [Stub, Empty, Raising, BadBatches])
def test_a_test_split_that_fails_costs_its_score_and_a_warning(tmp_path: Path, data: Any) -> None:
    fit = Fit(Regression, lambda seed: data(), epochs=2, objective=Objective("score"), trainer_kwargs=CPU)
    with pytest.warns(UserWarning, match="the test split was not scored"):
        result = fit.run(spec=TrialSpec(1, {}, directory=tmp_path / "bad"))
    whole = Fit(Regression, lambda seed: Points(), epochs=2, objective=Objective("score"), trainer_kwargs=CPU)
    other = whole.run(spec=TrialSpec(1, {}, directory=tmp_path / "good"))
    assert (result.status, result.score, result.curve, dict(result.test)) == (Status.SUCCESS, other.score, other.curve, {})
    for name, weights in whole.module.state_dict().items():
        assert torch.equal(fit.module.state_dict()[name], weights)
