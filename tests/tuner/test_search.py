"""Budgets, early stopping, seeds, several losses, failures: whole searches with real fits."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import torch
from ConfigSpace import Categorical, Float

from automax_lightning import AutoMAX, AutoMAXConfig, Fit, Objective, Status, TrialSpec, autopartial
from automax_lightning.errors import ConfigError, SpaceError
from automax_lightning.search.storage.history import Observation
from automax_lightning.space.configurations import values
from tests.support.fits import Points, Regression
from tests.support.searching import factory, table, tree, tuner

BUDGETS = {"min_budget": 1, "eta": 3}


def weights(path: Path) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(path, weights_only=False)["state_dict"]
    return {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}


@pytest.fixture(scope="module")
def budgeted(tmp_path_factory: pytest.TempPathFactory) -> AutoMAX:
    search = tuner(tmp_path_factory.mktemp("budgets"), n_trials=9, made=factory(epochs=9), **BUDGETS)
    search.optimize()
    return search


def test_a_promoted_trial_is_the_trial_that_never_paused(budgeted: AutoMAX, tmp_path: Path) -> None:
    """Weights, curve and decayed learning rate: three and then six more epochs are nine."""
    promoted = [n for n, result in budgeted.history.final().items() if result.epochs == 9 and n > 1]
    assert promoted
    for number in promoted:
        result, spec = budgeted.history.results[number], budgeted.history.spec(number)
        assert spec.budget is None
        straight = factory(epochs=9)(spec.configuration).run(
            spec=TrialSpec(1, {}, seed=spec.seed, directory=tmp_path / str(number))
        )
        assert (result.curve, result.best_epoch, result.test) == (straight.curve, straight.best_epoch, straight.test)
    best = budgeted.best
    assert best is not None
    spec = budgeted.history.spec(best.number)
    straight = factory(epochs=9)(spec.configuration).run(spec=TrialSpec(1, {}, seed=spec.seed, directory=tmp_path / "best"))
    held, expected = weights(budgeted.best_directory / "best.ckpt"), weights(tmp_path / "best" / "checkpoints" / "best.ckpt")
    assert held.keys() == expected.keys()
    assert all(torch.equal(held[name], expected[name]) for name in held)


def test_budgets_spend_less_and_leave_only_what_is_needed(budgeted: AutoMAX) -> None:
    epochs = [result.epochs for result in budgeted.history.final().values()]
    assert epochs[0] == 9
    assert sorted(set(epochs)) == [1, 3, 9]
    assert sum(epochs) < 0.5 * 81
    best = budgeted.best
    assert best is not None
    assert best.epochs == 9
    assert not list(budgeted.directory.rglob("last.ckpt"))
    kept = {int(path.parts[-3]) for path in (budgeted.directory / "trials").rglob("best.ckpt")}
    assert kept == {n for n, result in budgeted.history.final().items() if result.status is Status.SUCCESS}
    assert "  paused after epoch 1" in budgeted.trial_table()
    frame = budgeted.trials_dataframe()
    assert frame["score"].notna().all()


def test_the_rungs_are_said_before_the_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = AutoMAXConfig(name="s", n_trials=3, output_directory=tmp_path, min_budget=1)
    AutoMAX(factory(epochs=3), config).optimize()
    assert capsys.readouterr().out.count("\nEpochs as budget: 3 configurations train 1 epochs, 1 of them 3; about 7 epochs") == 1


def test_a_budgeted_search_extended_is_the_longer_one(budgeted: AutoMAX, tmp_path: Path) -> None:
    """Also where a checkpoint that is needed again was removed when the shorter search ended."""
    made = factory(epochs=9)
    tuner(tmp_path, n_trials=4, made=made, **BUDGETS).optimize()
    extended = tuner(tmp_path, n_trials=9, made=made, **BUDGETS)
    extended.optimize()
    assert table(extended) == table(budgeted)
    assert [spec.budget for spec in extended.history.asks] == [spec.budget for spec in budgeted.history.asks]


def test_an_interrupted_promotion_goes_on(budgeted: AutoMAX, tmp_path: Path) -> None:
    class Impatient(AutoMAX):
        """Is asked to stop after each epoch of every trial."""

        def _loop(self, session: Any, stop: Any) -> None:
            import signal

            stop.requested = signal.SIGTERM if len(session.history.asks) else None
            spec = session.next()
            if spec is not None:
                stop.requested = signal.SIGTERM
                session.run(spec)

    config = AutoMAXConfig(name="s", n_trials=9, SEED=7, output_directory=tmp_path, **BUDGETS)  # type: ignore[arg-type]
    for _ in range(60):
        search = Impatient(factory(epochs=9), config, quiet=True)
        try:
            search.optimize()
            break
        except KeyboardInterrupt:
            continue
    assert table(search) == table(budgeted)


def test_max_budget_is_the_length_of_a_fit_and_searched_epochs_need_it(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=3, made=factory(epochs=50), min_budget=1, max_budget=3)
    search.optimize()
    assert search.history.results[1].epochs == 3
    with pytest.raises(ConfigError, match=r"AutoMAXConfig.max_budget: .* found epochs is searched"):
        tuner(tmp_path / "x", made=factory(epochs={"low": 2, "high": 9}), min_budget=1)
    with pytest.raises(ConfigError, match=r"AutoMAXConfig.n_seeds: expected 1 where epochs are the budget"):
        tuner(tmp_path / "x", made=factory(epochs=9), min_budget=1, n_seeds=2)


def learning_rates(epochs: int = 9, **kwargs: Any) -> Any:
    """A bad learning rate shows at once."""
    kwargs = {"optimizer_kwargs": {"lr": {"choices": [0.1, 1e-6, 1e-5, 0.05]}, "epoch_decay": 0.002, "weight_decay": 0.0,
                                   "momentum": 0.9}, "loss_kwargs": {"margin": 1.0}, **kwargs}  # fmt: skip
    return factory(epochs=epochs, **kwargs)


def test_with_four_trials_there_is_never_a_median_of_four_others(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=4, made=learning_rates(), early_stop="median")
    search.optimize()
    assert [result.status for result in search.history.results.values()] == [Status.SUCCESS] * 4


def test_a_bad_trial_stops_early_and_the_table_says_so(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=4, made=learning_rates(), early_stop=True)
    search.optimize()
    statuses = {spec.configuration["optimizer_kwargs:lr"]: search.history.results[spec.number] for spec in search.history.asks}
    for rate in (1e-6, 1e-5):
        stopped = statuses[rate]
        assert stopped.status is Status.STOPPED
        assert stopped.epochs < 9
        assert "where the best trial had" in stopped.reason
        observed = next(o for o in search.plan.observations(search.history) if o.values["optimizer_kwargs:lr"] == rate)
        assert observed == Observation(observed.values, -max(stopped.curve))  # SMAC is told the partial score
        assert f"{stopped.score:.6f}  stopped after epoch {stopped.epochs}" in search.trial_table()
    assert statuses[0.1].status is Status.SUCCESS
    assert not list(search.directory.rglob("last.ckpt"))
    number = next(spec.number for spec in search.history.asks if spec.configuration["optimizer_kwargs:lr"] == 1e-5)
    whole = search.continue_trial(number)
    assert (whole.status, whole.epochs) == (Status.SUCCESS, 9)
    assert whole.curve[: statuses[1e-5].epochs] == statuses[1e-5].curve
    assert search.history.results[number] == whole
    with pytest.raises(ConfigError, match=r"continue_trial.number: expected a stopped or paused trial, one of \["):
        search.continue_trial(number)


def test_a_stopped_trials_checkpoint_is_kept_while_the_search_runs(tmp_path: Path) -> None:
    made = learning_rates()
    search = tuner(tmp_path, n_trials=4, made=made, early_stop=True, patience=1)
    search.optimize()
    stopped = [n for n, result in search.history.final().items() if result.status is Status.STOPPED]
    assert len(search.history.asks) < 4
    assert [int(path.parts[-3]) for path in search.directory.rglob("last.ckpt")] == stopped


def test_another_rule_is_another_search_and_a_wrong_one_an_error(tmp_path: Path) -> None:
    from automax_lightning.errors import JournalError

    tuner(tmp_path, n_trials=1).optimize()
    with pytest.raises(JournalError, match="early_stop: None -> 'incumbent'"):
        tuner(tmp_path, early_stop=True)
    with pytest.raises(
        ConfigError, match=r"early_stop: expected one of \('incumbent', 'median'\), or None, found 'medain'.*median"
    ):
        AutoMAXConfig(early_stop="medain")


def test_another_range_starts_from_what_the_old_search_knows(tmp_path: Path) -> None:
    def made(high: float) -> Any:
        return factory(optimizer_kwargs={"lr": {"low": 0.01, "high": high, "log": True, "default": 0.05}})

    old = tuner(tmp_path / "old", n_trials=6, made=made(0.3))
    old.optimize()
    config = AutoMAXConfig(name="s", n_trials=3, SEED=7, resampling="holdout", output_directory=tmp_path / "new")
    new = AutoMAX(made(0.1), config, quiet=True, warm_start=old.directory)
    new.optimize()
    inside = [entry for entry in old.log if entry["space"]["optimizer_kwargs:lr"] <= 0.1]
    assert [each.cost for each in new.history.known] == [-entry["val"] for entry in inside]
    assert [spec.origin for spec in new.history.asks[:1]] == ["default"]
    best = max(inside, key=lambda entry: entry["val"])
    assert new.log[0 if best["trial"] == 1 else 1]["space"] == best["space"]
    again = AutoMAX(made(0.1), config, quiet=True)  # the journal has it all: the old directory is not needed
    assert again.plan.next(again.history) is None
    frame = tuner(tmp_path / "frame", n_trials=1, made=made(0.1))
    from_frame = AutoMAX(frame.trainer, frame.config, quiet=True, warm_start=old.trials_dataframe())
    assert from_frame._known == new.history.known
    with pytest.raises(SpaceError, match=r"AutoMAX.warm_start"):
        AutoMAX(made(0.1), AutoMAXConfig(output_directory=tmp_path / "none"), warm_start=old.trials_dataframe().iloc[:0])
    assert not (tmp_path / "none").exists()


def test_a_search_over_losses_tries_each_first_and_compares_them(tmp_path: Path) -> None:
    losses = ["AUCMLoss", "APLoss", "CrossEntropyLoss"]
    made = factory(loss=losses, optimizer_kwargs={"weight_decay": 0.0}, sampling_rate=[0.2, 0.5])
    search = tuner(tmp_path, n_trials=8, made=made)
    incumbent = search.optimize()
    assert [spec.configuration["loss"] for spec in search.history.asks[:3]] == losses
    for spec in search.history.asks:
        loss = spec.configuration["loss"]
        assert {name.split(":")[0] for name in spec.configuration} <= {"loss", "sampling_rate", loss}
        assert spec.configuration[f"{loss}:optimizer_kwargs:weight_decay"] == 0.0
        assert search.history.results[spec.number].status is Status.SUCCESS
    assert search.load_best_model().pair.name == values(incumbent)["loss"]  # type: ignore[attr-defined]
    shown = search.trial_table()
    best = {loss: max(e["val"] for e in search.log if e["space"]["loss"] == loss) for loss in losses}
    difference = best["AUCMLoss"] - best["CrossEntropyLoss"]
    line = next(line for line in shown.splitlines() if line.startswith("AUCMLoss"))
    assert f"{best['AUCMLoss']:.6f}" in line
    assert line.endswith(f"{difference:+.6f}")
    again = tuner(
        tmp_path, n_trials=8, made=factory(loss=losses, optimizer_kwargs={"weight_decay": 0.0}, sampling_rate=[0.2, 0.5])
    )
    assert table(again) == table(search)


def test_a_wrong_choice_of_losses_is_named() -> None:
    with pytest.raises(ConfigError, match=r"trainer_factory.momentun: expected an argument of one of"):
        factory(loss=["AUCMLoss", "APLoss"], optimizer_kwargs={"momentun": 0.9})
    with pytest.raises(ConfigError, match=r"trainer_factory.loss: expected different losses"):
        factory(loss=["AUCMLoss", "AUCMLoss"])
    made = factory(loss=["AUCMLoss", "CrossEntropyLoss"], optimizer={"CrossEntropyLoss": "Adam"})
    assert "CrossEntropyLoss:optimizer_kwargs:momentum" not in made.cs


def test_a_promising_configuration_is_repeated_and_judged_by_its_mean(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=8, n_seeds=3)
    search.optimize()
    runs: dict[Any, list[float]] = {}
    seeds: dict[Any, list[int]] = {}
    for entry in search.log:
        key = tuple(entry["space"].items())
        runs.setdefault(key, []).append(entry["val"])
        seeds.setdefault(key, []).append(entry["seed"])
    assert [entry["origin"] for entry in search.log[:3]] == ["default", "repeat", "repeat"]
    assert all(found == list(range(7, 7 + len(found))) for found in seeds.values())
    means = {key: sum(scores) / 3 for key, scores in runs.items() if len(scores) == 3}
    assert search.best_score == pytest.approx(max(means.values()))
    assert f"{search.best_score:.6f}" in search.trial_table()


def staged(k: int) -> Fit:
    """Every third configuration raises, one is NaN, one never ends."""

    class Staged(Regression):
        def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
            if k % 3 == 2:
                raise RuntimeError(f"configuration {k} does not run")
            if k == 6:
                time.sleep(0.2)
            return super().training_step(batch, batch_idx)

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log("val/score", torch.tensor(float("nan") if k == 4 else k / 100))

    return Fit(Staged, lambda seed: Points(), epochs=3, objective=Objective("score"), trainer_kwargs={"accelerator": "cpu"})


def test_a_search_full_of_failures_ends_with_the_right_incumbent(tmp_path: Path) -> None:
    made = autopartial(staged, k=Categorical("k", list(range(12)), default=0))
    search = tuner(tmp_path, n_trials=12, made=made, target="score", trial_time_limit=0.5)
    incumbent = search.optimize()
    found = {spec.configuration["k"]: search.history.results[spec.number] for spec in search.history.asks}
    assert incumbent["k"] == 10
    assert sorted(found) == list(range(12))
    for k, result in found.items():
        expected = {2: Status.CRASHED}.get(k % 3, {4: Status.NON_FINITE, 6: Status.TIMEOUT}.get(k, Status.SUCCESS))
        assert result.status is expected, (k, result)
    shown = search.trial_table()
    for text in ("does not run", "non_finite: ", "timeout: trained for"):
        assert text in shown
    errors = [int(path.parts[-2]) for path in search.directory.rglob("error.txt")]
    assert sorted(errors) == sorted(n for n, result in search.history.results.items() if result.status is Status.CRASHED)


def test_nothing_is_left_of_a_budgeted_search_whose_first_trial_fails(tmp_path: Path) -> None:
    def bad(lr: float) -> Fit:
        return Fit(lambda: Regression(fail_at=0, error=ValueError("no")), lambda seed: Points(), epochs=9,
                   objective=Objective("score"), trainer_kwargs={"accelerator": "cpu"})  # fmt: skip

    made = autopartial(bad, lr=Float("lr", (0.0, 0.1), default=0.01))
    with pytest.raises(ValueError, match="no"):
        tuner(tmp_path, made=made, target="score", min_budget=1).optimize()
    assert tree(tmp_path) == []
