"""A fit through Lightning is LibAUC's own fit: every pair against LibAUC's classes in a loop written by hand."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch

from automax_lightning.auc.pairs import registry as pairs
from automax_lightning.auc.pairs.pair import Pair
from tests.support import auc as helpers
from tests.support.libauc import imported

pytestmark = pytest.mark.lowest


def libauc_loss(pair: Pair, data: Any) -> torch.nn.Module:
    maker = imported(pair.path)
    kwargs: dict[str, Any] = {**pair.fixed, **helpers.loss_kwargs(pair)}
    if pair.length_argument:
        kwargs[pair.length_argument] = helpers.ROWS
    if pair.needs_positive_count:
        kwargs["pos_len"] = sum(data.facts.positives)
    if pair.multi_label:
        kwargs["num_labels"] = helpers.num_labels_of(pair)
    if "device" in inspect.signature(maker).parameters:
        kwargs["device"] = torch.device("cpu")
    return maker(**kwargs)


def by_hand(pair: Pair, epochs: int, decays: tuple[int, ...]) -> tuple[torch.nn.Module, torch.nn.Module, Any]:
    """LibAUC's loop as its examples write it: loss, backward, step; decay at the start of an epoch."""
    data = helpers.datamodule(pair)
    model = helpers.network(helpers.num_labels_of(pair))
    loss_fn = libauc_loss(pair, data)
    choice = pair.optimizer()
    torch.manual_seed(0)  # LibAUC draws the reference model at random
    optimizer = imported(choice.path)(
        model.parameters(), **({"loss_fn": loss_fn} if choice.needs_loss else {}), **helpers.optimizer_kwargs(pair),
        device=torch.device("cpu"), verbose=False,
    )  # fmt: skip
    loader = data.train_dataloader()
    for epoch in range(epochs):
        loader.sampler.set_epoch(epoch)
        if epoch in decays:
            optimizer.update_regularizer(10)
        for x, y, index in loader:
            logits = model(x).reshape(len(x), -1)
            scores = torch.sigmoid(logits) if pair.scores == "sigmoid" else logits
            targets = y.float().reshape(len(x), -1)
            loss = loss_fn(scores, targets, index=index) if pair.needs_index else loss_fn(scores, targets)
            optimizer.zero_grad()
            loss.sum().backward()
            optimizer.step()
    return model, loss_fn, optimizer


def tensors_of(loss: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Everything a LibAUC loss keeps, wherever it keeps it."""
    found: dict[str, torch.Tensor] = {}
    for prefix, part in loss.named_modules():
        kept = {**vars(part), **dict(part.named_parameters(recurse=False)), **dict(part.named_buffers(recurse=False))}
        for name in ("a", "b", "alpha", "u_all", "u_pos", "u_pos_all", "u", "s1", "s2", "dual_var", "w"):
            if isinstance(kept.get(name), torch.Tensor) and part.__class__.__name__ != "FocalLoss":
                found[f"{prefix}.{name}"] = kept[name].detach()
    return found


@pytest.mark.parametrize("name", helpers.CLASSIFYING)
def test_thirty_steps_give_the_same_bits(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    pair = pairs.get(name)
    data = helpers.datamodule(pair)
    steps_per_epoch = len(data.train_dataloader())
    epochs = -(-30 // steps_per_epoch)
    made = helpers.module(name, libauc_compatible=True, decay_epochs=(1,))
    trainer = helpers.fit(made, data, max_epochs=epochs)
    printed = capsys.readouterr().out
    model, loss, optimizer = by_hand(pair, epochs, decays=(1,))
    assert trainer.global_step == epochs * steps_per_epoch >= 30
    assert not helpers.exactly_equal(made.model.state_dict(), model.state_dict())
    ours, theirs = tensors_of(made.loss.loss_fn), tensors_of(loss)
    assert ours.keys() == theirs.keys()
    assert not helpers.exactly_equal(ours, theirs)
    assert trainer.optimizers[0].param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]
    assert "Reducing learning rate" not in printed
    assert "Updating regularizer" not in printed


def test_the_inner_learning_rate_decays_as_in_libaucs_tutorial() -> None:
    """Its tutorial of CompositionalAUCLoss divides both rates, and its `zero_grad` clears alpha's gradient."""
    pair = pairs.get("CompositionalAUCLoss")
    kwargs = {"lr": 0.05, "lr0": 0.2, "epoch_decay": 0.01}
    made = helpers.AUCModule(helpers.network(1), loss=pair.name, optimizer_kwargs=kwargs, decay_epochs=(1, 2))
    trainer = helpers.fit(made, helpers.datamodule(pair), max_epochs=3)
    model, loss_fn, loader = helpers.network(1), stock_compositional(), helpers.datamodule(pair).train_dataloader()
    torch.manual_seed(0)
    optimizer = imported(pair.optimizer().path)(
        model.parameters(), loss_fn=loss_fn, **kwargs, device=torch.device("cpu"), verbose=False
    )
    for epoch in range(3):
        loader.sampler.set_epoch(epoch)
        if epoch in (1, 2):
            optimizer.update_regularizer(decay_factor=10, decay_factor0=10)
        for x, y, _ in loader:
            loss = loss_fn(torch.sigmoid(model(x)), y.float().reshape(-1, 1))
            optimizer.zero_grad()
            loss_fn.alpha.grad = None
            loss.sum().backward()
            optimizer.step()
    assert not helpers.exactly_equal(made.model.state_dict(), model.state_dict())
    assert not helpers.exactly_equal(tensors_of(made.loss.loss_fn), tensors_of(loss_fn))
    groups = [each.param_groups[0] for each in (trainer.optimizers[0], optimizer)]
    assert [groups[0][name] for name in ("lr", "lr0")] == [groups[1][name] for name in ("lr", "lr0")]


def stock_compositional() -> Any:
    return imported(pairs.get("CompositionalAUCLoss").path)(device=torch.device("cpu"))


@pytest.mark.parametrize("name", helpers.CLASSIFYING)
def test_every_pair_improves_the_ranking(name: str) -> None:
    from sklearn.metrics import roc_auc_score

    pair = pairs.get(name)
    data, made = helpers.datamodule(pair), helpers.module(name)
    x, y = helpers.digits(helpers.num_labels_of(pair)).tensors
    before = roc_auc_score(y.numpy(), made.model(x).detach().numpy())
    helpers.fit(made, data, max_epochs=12)
    after = roc_auc_score(y.numpy(), made.model.eval()(x).detach().numpy())
    assert after > max(before, 0.6)


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW"])
def test_the_baseline_takes_ordinary_optimizers(optimizer: str) -> None:
    pair = pairs.get("CrossEntropyLoss")
    made = helpers.AUCModule(helpers.network(1), loss="CrossEntropyLoss", optimizer=optimizer)
    trainer = helpers.fit(made, helpers.datamodule(pair), max_epochs=1)
    assert type(trainer.optimizers[0]).__name__ == optimizer
