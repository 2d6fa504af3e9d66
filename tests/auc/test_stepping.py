"""An optimizer that does not step the duals is a named error before the first step, however it got into the fit."""

from __future__ import annotations

from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import GradientAccumulationScheduler

from automax_lightning import AUCModule
from automax_lightning.auc.pairs import registry as pairs
from automax_lightning.auc.stepping import needs_own_optimizer
from automax_lightning.errors import ConfigError
from tests.support import auc as helpers
from tests.support.libauc import imported

DUAL = tuple(name for name in helpers.CLASSIFYING if needs_own_optimizer(pairs.get(name)))


def own(module: AUCModule, parameters: Any) -> torch.optim.Optimizer:
    """The pair's optimizer as LibAUC's users make it."""
    maker = imported(module.choice.path)
    return maker(parameters, loss_fn=module.loss.loss_fn, lr=0.1, device=torch.device("cpu"), verbose=False)


def adam(module: AUCModule) -> Any:
    return torch.optim.Adam(module.model.parameters())


def sgd(module: AUCModule) -> Any:
    return torch.optim.SGD(module.model.parameters(), lr=0.1)


def adam_of_everything(module: AUCModule) -> Any:
    return torch.optim.Adam(module.parameters())


def with_a_schedule(module: AUCModule) -> Any:
    optimizer = adam(module)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": torch.optim.lr_scheduler.StepLR(optimizer, 1)}}


def of_another_loss(module: AUCModule) -> Any:
    loss = imported(module.pair.path)(device=torch.device("cpu"))
    maker = imported(module.choice.path)
    return maker(module.model.parameters(), loss_fn=loss, lr=0.1, device=torch.device("cpu"), verbose=False)


def twice(module: AUCModule) -> Any:
    layers = list(module.model)
    return [own(module, layers[0].parameters()), own(module, layers[-1].parameters())]


def whole(module: AUCModule) -> Any:
    return own(module, module.model.parameters())


def head(module: AUCModule) -> Any:
    return own(module, list(module.model)[-1].parameters())


def head_and_body(module: AUCModule) -> Any:
    layers = list(module.model)
    return [own(module, layers[-1].parameters()), torch.optim.Adam(layers[0].parameters())]


def fit(name: str, configure: Any, **kwargs: Any) -> AUCModule:
    class Mine(AUCModule):
        def configure_optimizers(self) -> Any:
            made = configure(self)
            self.automatic_optimization = not isinstance(made, list)
            return made

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            loss = super().training_step(batch, batch_idx)
            if not self.automatic_optimization:
                self.zero_grad()
                self.manual_backward(loss)
                for optimizer in self.optimizers():
                    optimizer.step()
            return loss

    pair = pairs.get(name)
    n = helpers.num_labels_of(pair)
    made = Mine(helpers.network(n), loss=name, num_labels=n)
    helpers.fit(made, helpers.datamodule(pair), max_epochs=1, **kwargs)
    return made


CHANGES = [adam, sgd, with_a_schedule, of_another_loss, adam_of_everything]


@pytest.mark.parametrize(("name", "configure"), [*(("AUCMLoss", each) for each in CHANGES), *((name, sgd) for name in DUAL[1:])])
def test_an_optimizer_that_leaves_the_duals_alone_is_refused_before_a_step(name: str, configure: Any) -> None:
    class NoStep(L.Callback):
        def on_train_batch_start(self, *args: Any) -> None:
            raise AssertionError("a step was begun")

    expected = pairs.get(name).optimizer().name
    with pytest.raises(ConfigError, match=f"AUCModule.configure_optimizers: expected {expected}, .* of {name}, found"):
        fit(name, configure, callbacks=[NoStep()])


@pytest.mark.filterwarnings("ignore:optimizer contains a parameter group with duplicate parameters")
@pytest.mark.parametrize("name", ["AUCMLoss", "CompositionalAUCLoss"])
def test_duals_that_are_stepped_twice_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="found 2 parameter groups of"):
        fit(name, twice)
    with pytest.raises(ConfigError, match="over the module's parameters, the duals among them"):
        fit(name, lambda module: own(module, [*module.parameters(), *module.loss.parameters()]))


@pytest.mark.parametrize(
    ("name", "configure"), [*((name, whole) for name in DUAL), ("AUCMLoss", head), ("AUCMLoss", head_and_body)]
)
def test_the_pairs_optimizer_may_come_from_anywhere_and_step_a_part(name: str, configure: Any) -> None:
    made = fit(name, configure)
    assert float(made.loss.loss_fn.alpha.detach().abs().sum()) > 0


def test_an_optimizer_in_a_wrapper_is_looked_into() -> None:
    class Wrapper(torch.optim.Optimizer):
        """As a strategy's: everything is the wrapped optimizer's, its groups are views without their extras."""

        def __init__(self, optimizer: torch.optim.Optimizer) -> None:
            self.optimizer = optimizer
            super().__init__([{"params": group["params"]} for group in optimizer.param_groups], {})

        def step(self, closure: Any = None) -> Any:  # type: ignore[override]
            return self.optimizer.step(closure)

    fit("AUCMLoss", lambda module: Wrapper(whole(module)))
    with pytest.raises(ConfigError, match="found Wrapper, which leaves them alone"):
        fit("AUCMLoss", lambda module: Wrapper(adam(module)))


@pytest.mark.parametrize("name", ["APLoss", "CrossEntropyLoss"])
def test_a_pair_without_duals_takes_any_optimizer(name: str) -> None:
    fit(name, adam)


@pytest.mark.filterwarnings("ignore:`LightningModule.configure_optimizers` returned `None`")
def test_a_fit_without_optimizers_is_lightnings_own_affair() -> None:
    fit("AUCMLoss", lambda module: None)


def test_a_resumed_fit_is_not_refused(tmp_path: Any) -> None:
    made, data = helpers.module("AUCMLoss"), helpers.datamodule(pairs.get("AUCMLoss"))
    helpers.fit(made, data, max_epochs=1).save_checkpoint(tmp_path / "one.ckpt")
    trainer = helpers.fit(helpers.module("AUCMLoss"), data, max_epochs=2, ckpt_path=tmp_path / "one.ckpt")
    assert trainer.current_epoch == 2


@pytest.mark.parametrize("callbacks", [False, True])
def test_accumulation_is_refused_where_the_loss_alternates_by_the_batch(callbacks: bool) -> None:
    """Also where a callback begins with it in a later epoch."""
    later = GradientAccumulationScheduler({1: 2})
    made = helpers.module("CompositionalAUCLoss")
    settings: dict[str, Any] = {"callbacks": [later]} if callbacks else {"accumulate_grad_batches": 2}
    with pytest.raises(ConfigError, match=r"Trainer.accumulate_grad_batches: expected 1 with CompositionalAUCLoss, .* found 2"):
        helpers.fit(made, helpers.datamodule(made.pair), max_epochs=2, **settings)
    assert made.trainer.current_epoch == int(callbacks)
    other = helpers.module("AUCMLoss")
    helpers.fit(other, helpers.datamodule(other.pair), max_epochs=2, **settings)
