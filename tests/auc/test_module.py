from __future__ import annotations

import copy
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from automax_lightning import AUROC, AUCDataModule, AUCModule
from automax_lightning.auc.pairs import registry as pairs
from automax_lightning.errors import ConfigError, DataError, NonFiniteError, PairError
from automax_lightning.models import MLP
from tests.support import auc as helpers

AUCM = pairs.get("AUCMLoss")


@pytest.mark.parametrize(
    ("kwargs", "kind", "message"),
    [
        ({"loss": "AUCLoss"}, PairError, "Did you mean 'AUCMLoss'"),
        ({"optimizer": "Adam"}, PairError, r"optimizer of AUCMLoss: expected one of \['PESG'\]"),
        ({"loss_kwargs": {"marg": 1}}, PairError, "loss_kwargs of AUCMLoss: marg"),
        ({"optimizer_kwargs": {"learning_rate": 1}}, PairError, "optimizer_kwargs of PESG: learning_rate"),
        ({"num_labels": 0}, ConfigError, "AUCModule.num_labels"),
        ({"num_labels": 3}, ConfigError, "1 for AUCMLoss, a binary loss"),
        ({"loss": "mAPLoss"}, ConfigError, "at least 2 for mAPLoss"),
        ({"decay_factor": 0.0}, ConfigError, "decay_factor"),
        ({"decay_epochs": (1.5,)}, ConfigError, "decay_epochs"),
        ({"decay_epochs": (-1,)}, ConfigError, "decay_epochs"),
    ],
)
def test_bad_arguments_are_refused_at_once(kwargs: dict[str, Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        AUCModule(helpers.network(1), **kwargs)


@pytest.mark.parametrize("shape", ["(N,)", "(N, 1)"])
def test_logits_may_have_a_column_or_none(shape: str) -> None:
    squeeze = torch.nn.Flatten(0) if shape == "(N,)" else torch.nn.Identity()
    model = torch.nn.Sequential(helpers.network(1), squeeze)
    helpers.fit(AUCModule(model), helpers.datamodule(AUCM), max_epochs=1)


def test_lazy_layers_take_their_width_from_the_data() -> None:
    made = AUCModule(MLP((8,)))
    helpers.fit(made, helpers.datamodule(AUCM), max_epochs=1)
    assert made.model.layers[1].in_features == 64  # type: ignore[index, union-attr]


@pytest.mark.parametrize("name", ["AUCMLoss", "APLoss"])
def test_plain_loaders_work_with_and_without_an_index(name: str) -> None:
    data = helpers.datamodule(AUCM)
    trainer = L.Trainer(**helpers.QUIET, max_epochs=1)
    trainer.fit(AUCModule(MLP((8,)), loss=name), data.train_dataloader(), data.val_dataloader())
    plain = DataLoader(helpers.digits(1), batch_size=61)
    trainer = L.Trainer(**helpers.QUIET, max_epochs=1)
    if name == "AUCMLoss":
        trainer.fit(AUCModule(MLP((8,)), loss=name), plain, plain)
        return
    with pytest.raises(DataError, match="no sample index. Wrap the data: AUCDataModule"):
        trainer.fit(AUCModule(MLP((8,)), loss=name), plain, plain)


def test_the_loss_is_logged_once_an_epoch() -> None:
    trainer = helpers.fit(helpers.module("AUCMLoss"), helpers.datamodule(AUCM))
    assert trainer.callback_metrics["train/loss"].item() > 0


def test_decay_comes_at_epochs_and_at_shares_of_them() -> None:
    for decays, expected in (((1, 3), [0.1, 0.01, 0.01, 0.001]), ((0.5,), [0.1, 0.1, 0.01, 0.01]), ((), [0.1] * 4)):
        seen: list[float] = []

        class Watch(L.Callback):
            def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, seen: Any = seen) -> None:
                seen.append(trainer.optimizers[0].param_groups[0]["lr"])

        made = helpers.module("AUCMLoss", decay_epochs=decays)
        helpers.fit(made, helpers.datamodule(AUCM), max_epochs=4, callbacks=[Watch()])
        assert seen == pytest.approx(expected)


def test_evaluation_never_touches_the_losss_state() -> None:
    made, data = helpers.module("APLoss"), helpers.datamodule(pairs.get("APLoss"))
    helpers.fit(made, data, max_epochs=1)
    before = {name: value.clone() for name, value in made.loss.named_buffers()}
    L.Trainer(**helpers.QUIET).validate(made, datamodule=data, verbose=False)
    assert all(torch.equal(value, before[name]) for name, value in made.loss.named_buffers())


def test_predictions_are_probabilities_of_the_logits() -> None:
    made, data = helpers.module("AUCMLoss"), helpers.datamodule(AUCM)
    found = L.Trainer(**helpers.QUIET).predict(made, DataLoader(helpers.digits(1), batch_size=50))
    assert found is not None
    x = helpers.digits(1).tensors[0]
    torch.testing.assert_close(torch.cat(list(found)), torch.sigmoid(made.model(x)))  # type: ignore[arg-type]
    assert len(L.Trainer(**helpers.QUIET).predict(made, datamodule=data) or []) > 0


def test_accumulated_small_batches_are_the_large_batch() -> None:
    """AUCM is a mean over the batch, so two half batches of the same mix give its gradient."""
    x, y = helpers.digits(1).tensors
    positives, negatives = torch.where(y == 1)[0][:8], torch.where(y == 0)[0][:8]
    order = torch.cat([torch.stack([positives[i : i + 4], negatives[i : i + 4]]).reshape(-1) for i in (0, 4)])
    rows = TensorDataset(x[order], y[order])
    weights = []
    for size, accumulate in ((16, 1), (8, 2)):
        made = AUCModule(helpers.network(1), optimizer_kwargs={"lr": 0.1})
        trainer = L.Trainer(**helpers.QUIET, max_epochs=3, accumulate_grad_batches=accumulate)
        trainer.fit(made, DataLoader(rows, batch_size=size), DataLoader(rows, batch_size=size))
        weights.append(made.model[0].weight.detach())  # type: ignore[index]
    torch.testing.assert_close(weights[0], weights[1], atol=1e-6, rtol=0)


def test_a_torch_schedule_takes_the_place_of_the_decay() -> None:
    class Scheduled(AUCModule):
        def configure_optimizers(self) -> Any:
            optimizer = super().configure_optimizers()
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)]

    made = Scheduled(helpers.network(1), optimizer_kwargs={"lr": 0.1})
    trainer = helpers.fit(made, helpers.datamodule(AUCM), max_epochs=3)
    assert trainer.optimizers[0].param_groups[0]["lr"] == pytest.approx(0.1 * 0.5**3)


@pytest.mark.parametrize("name", ["AUCMLoss", "CompositionalAUCLoss", "APLoss"])
def test_the_trainers_gradient_clipping_reaches_the_optimizer(name: str) -> None:
    kwargs = {"lr": 0.1, "weight_decay": 0.0, "epoch_decay": 0.0, **({"mode": "sgd"} if name == "APLoss" else {})}
    made = AUCModule(helpers.network(1), loss=name, optimizer_kwargs=kwargs)
    helpers.fit(made, helpers.datamodule(made.pair), max_epochs=1, gradient_clip_val=1e-9)
    torch.testing.assert_close(made.model.state_dict(), helpers.network(1).state_dict(), atol=1e-7, rtol=0)


def test_a_diverging_network_is_a_named_error() -> None:
    class Explodes(torch.nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x) * float("inf")

    with pytest.raises(NonFiniteError, match="scores given to AUCMLoss"):
        helpers.fit(AUCModule(Explodes(64, 1)), helpers.datamodule(AUCM), max_epochs=1)


@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true"])
@pytest.mark.parametrize("name", ["AUCMLoss", "CompositionalAUCLoss", "APLoss", "tpAUC_CVaR_loss", "MultiLabelpAUCLoss:SOTAs"])
def test_precisions_train_with_the_loss_in_float32(name: str, precision: Any) -> None:
    made = helpers.module(name)
    data = helpers.datamodule(pairs.get(name))
    if precision == "64-true":
        data.datasets[0].tensors = (helpers.digits(1).tensors[0].double(), data.datasets[0].tensors[1])
    try:
        helpers.fit(made, data, max_epochs=1, precision=precision)
    finally:
        helpers.digits.cache_clear()
    assert all(value.dtype == torch.float32 for value in made.loss.state_dict().values() if isinstance(value, torch.Tensor))


def test_half_precision_weights_are_refused_where_the_optimizer_mixes_them() -> None:
    with pytest.raises(ConfigError, match=r"Trainer.precision: .* Pass precision='bf16-mixed'"):
        helpers.fit(helpers.module("AUCMLoss"), helpers.datamodule(AUCM), precision="bf16-true")


def test_a_wrong_number_of_labels_is_named() -> None:
    made = AUCModule(helpers.network(2), loss="MultiLabelAUCMLoss", num_labels=2)
    with pytest.raises(DataError, match=r"AUCModule.num_labels: expected 3, the number of labels in the data, found 2"):
        helpers.fit(made, helpers.datamodule(pairs.get("MultiLabelAUCMLoss")))


def test_hyperparameters_are_plain_values() -> None:
    made = AUCModule(helpers.network(1), optimizer_kwargs={"lr": np.float64(0.1)}, decay_epochs=[np.int64(3)])
    assert type(made.hparams["optimizer_kwargs"]["lr"]) is float
    assert made.hparams["decay_epochs"] == (3,)
    assert "model" not in made.hparams


def test_multi_label_metrics_are_logged_for_each_label() -> None:
    made = helpers.module("MultiLabelAUCMLoss")
    trainer = helpers.fit(made, helpers.datamodule(made.pair), max_epochs=1, callbacks=[AUROC()])
    keys = {"val/AUROC", "val/AUROC_micro", "val/AUROC_defined_labels", *(f"val/AUROC/label_{k}" for k in range(3))}
    assert keys <= set(trainer.callback_metrics)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": None}, r"AUCModule.model: expected a network, an instance of torch.nn.Module, found None"),
        ({"model": MLP}, r"AUCModule.model: .* Pass model=MyNetwork\(\)"),
        ({"loss_kwargs": [1]}, r"AUCModule.loss_kwargs: expected a dictionary"),
        ({"decay_epochs": 5}, r"AUCModule.decay_epochs: expected a sequence of epochs"),
        ({"decay_factor": "10"}, r"AUCModule.decay_factor: expected a number"),
        ({"num_labels": 1.5}, r"AUCModule.num_labels: expected an integer"),
        ({"seed": -1}, r"AUCModule.seed: expected an integer in"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AUCModule(**{"model": MLP((4,)), **arguments})


class Towers(torch.nn.Module):
    """Two inputs, and an output of any form around a logit."""

    def __init__(self, end: Any = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.left, self.right, self.end = torch.nn.Linear(64, 1), torch.nn.Linear(64, 1), end

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> Any:
        logits = self.left(left) + self.right(right)
        return logits if self.end is None else self.end(logits)


def loader_of(collate: Any) -> DataLoader[Any]:
    return DataLoader(helpers.digits(1), batch_size=61, collate_fn=lambda rows: collate(*torch.utils.data.default_collate(rows)))


def trained(module: AUCModule, loader: DataLoader[Any]) -> float:
    auroc = AUROC()
    trainer = L.Trainer(**helpers.QUIET, max_epochs=1, callbacks=[auroc])
    trainer.fit(module, loader, loader)
    return float(trainer.callback_metrics["val/AUROC"])


@pytest.mark.parametrize(
    "collate",
    [
        lambda x, y: (x, x, y),
        lambda x, y: ((x, x), y),
        lambda x, y: {"right": x, "left": x, "labels": y},
        lambda x, y: ({"left": x, "right": x}, y.float()[:, None]),
    ],
)
@pytest.mark.parametrize(
    "end", [None, lambda z: {"logits": z}, lambda z: (z, z.mean()), lambda z: torch.cat([-z / 2, z / 2], 1)],
)  # fmt: skip
def test_inputs_and_outputs_of_any_form_train_the_same_network(collate: Any, end: Any) -> None:
    wanted = trained(AUCModule(Towers()), loader_of(lambda x, y: ((x, x), y)))
    module = AUCModule(Towers(end))
    assert trained(module, loader_of(collate)) == wanted
    with torch.no_grad():
        assert module.predict_step(next(iter(loader_of(collate))), 0).reshape(-1).shape == (61,)


def test_a_function_finds_logits_that_the_rule_does_not() -> None:
    module = AUCModule(Towers(lambda z: {"a": z, "b": -z}), logits=lambda output: output["a"])
    assert trained(module, loader_of(lambda x, y: (x, x, y))) > 0
    with pytest.raises(DataError, match=r"dict with \['a', 'b'\]. Pass logits="):
        trained(AUCModule(Towers(lambda z: {"a": z, "b": -z})), loader_of(lambda x, y: (x, x, y)))


def softmax(logits: torch.Tensor) -> torch.Tensor:
    return torch.cat([logits, -logits], 1).softmax(1)


@pytest.mark.parametrize(("end", "said"), [(torch.sigmoid, "a sigmoid"), (softmax, "a softmax")])
def test_a_network_that_ends_in_probabilities_is_said_once(end: Any, said: str) -> None:
    with pytest.warns(UserWarning, match=f"expected logits, found the output of {said}") as caught:
        trained(AUCModule(Towers(end)), loader_of(lambda x, y: (x, x, y)))
    assert len([each for each in caught if "expected logits" in str(each.message)]) == 1


def test_labels_of_minus_one_and_one_train_as_zero_and_one() -> None:
    data = helpers.digits(1)
    coded = torch.utils.data.TensorDataset(data.tensors[0], 2 * data.tensors[1] - 1)
    scores = [
        helpers.fit(AUCModule(helpers.network(1)), AUCDataModule(each, each, batch_size=30), max_epochs=1, callbacks=[AUROC()])
        for each in (data, coded)
    ]
    first, second = (float(trainer.callback_metrics["val/AUROC"]) for trainer in scores)
    assert first == second > 0.5


def test_unknown_labels_are_masked_and_counted_in_a_fit() -> None:
    data = helpers.digits(3)
    labels = data.tensors[1].float()
    labels[::5, 0] = torch.nan
    labels[1::7, 2] = -1
    masked = torch.utils.data.TensorDataset(data.tensors[0], labels)
    module = AUCModule(helpers.network(3), loss="MultiLabelAUCMLoss", num_labels=3)
    trainer = helpers.fit(module, AUCDataModule(masked, masked, batch_size=30), max_epochs=1, callbacks=[AUROC()])
    assert trainer.callback_metrics["val/AUROC_unknown_labels"] == len(labels[::5]) + len(labels[1::7])
    assert trainer.callback_metrics["val/AUROC"] > 0.5


def test_version_v2_begins_with_a_learning_rate_of_its_own() -> None:
    for kwargs, expected in (({"version": "v2"}, 0.03), ({"version": "v1"}, 0.1), ({}, 0.1)):
        made = AUCModule(helpers.network(1), loss_kwargs=kwargs)
        trainer = helpers.fit(made, helpers.datamodule(AUCM), max_epochs=1)
        assert trainer.optimizers[0].param_groups[0]["lr"] == expected


@pytest.mark.parametrize("name", ["AUCMLoss", "APLoss", "PairwiseAUCLoss", "MultiLabelAUCMLoss"])
def test_scores_as_logits_train_by_libaucs_loss_of_the_logits(name: str) -> None:
    pair = pairs.get(name)
    made = helpers.module(name, scores="logits")
    steps: list[tuple[float, float]] = []

    class Compare(L.Callback):
        def on_train_batch_start(self, trainer: L.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
            x, y, index = batch
            twin = copy.deepcopy(pl_module.loss).loss_fn
            arguments = {"index": index} if pair.needs_index else {}
            logits = pl_module.model(x)
            self.expected = float(twin(logits, y.float().reshape(logits.shape), **arguments).sum().detach())

        def on_train_batch_end(self, trainer: L.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            steps.append((float(outputs["loss"]), self.expected))

    helpers.fit(made, helpers.datamodule(pair), max_epochs=1, callbacks=[Compare()])
    assert len(steps) > 3
    assert all(found == expected for found, expected in steps)
    assert made.hparams["scores"] == "logits"


def test_scores_that_a_loss_is_not_defined_for_are_refused() -> None:
    for loss in ("CompositionalAUCLoss", "BCELoss"):
        with pytest.raises(PairError, match=f"scores of {loss}: expected 'sigmoid'"):
            AUCModule(helpers.network(1), loss=loss, scores="logits")
    with pytest.raises(PairError, match="scores of CrossEntropyLoss: expected 'logits'"):
        AUCModule(helpers.network(1), loss="CrossEntropyLoss", scores="sigmoid")
    with pytest.raises(ConfigError, match="AUCModule.scores: expected one of"):
        AUCModule(helpers.network(1), scores="logit")
