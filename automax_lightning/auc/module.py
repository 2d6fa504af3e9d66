"""`AUCModule`: any network, trained on a loss of the catalogue with the optimizer that belongs to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.utilities.types import STEP_OUTPUT
from torch import Tensor, nn
from torchmetrics.functional.retrieval import retrieval_normalized_dcg

from automax_lightning.auc.data.batches import IndexedBatches
from automax_lightning.auc.data.facts import DataFacts
from automax_lightning.auc.data.labels import find_labels
from automax_lightning.auc.libauc.adapter import LossAdapter
from automax_lightning.auc.libauc.optimizers import build_optimizer, decay
from automax_lightning.auc.libauc.ranking import RankingAdapter
from automax_lightning.auc.pairs import registry as pairs
from automax_lightning.errors import ConfigError, DataError
from automax_lightning.utils.arguments import Rule, check_arguments, flag, integer, mapping, number, of_type, sequence, text

_RULES: Mapping[str, Rule] = {
    "model": of_type("a network, an instance of torch.nn.Module", nn.Module, "MyNetwork()"),
    "loss": text("AUCMLoss", "the name of a loss"),
    "optimizer": text("PESG", "the name of an optimizer").or_none,
    "loss_kwargs": mapping().or_none,
    "optimizer_kwargs": mapping().or_none,
    "num_labels": integer(0, example=1),
    "decay_epochs": sequence(
        "a sequence of epochs (integers) or shares of them (numbers)", number("", lambda x: True, "").is_legal, "(0.5, 0.75)"
    ),
    "decay_factor": number("a number", lambda x: True, "10.0"),
    "libauc_compatible": flag(),
    "seed": integer(0, 2**32 - 1),
}


class AUCModule(L.LightningModule):
    """A LightningModule that trains `model` on an AUC loss, with nothing added to and nothing lost of LibAUC's fit.

    Batches are ``(x, y, index)`` as `AUCDataModule` makes them, or ``(x, y)`` for losses that keep nothing per sample.
    Validation and test steps return ``{"logits", "targets", "index"}``, from which the `AUROC` callback computes the
    score; they never call the training loss, whose estimators would change. The mean training loss of an epoch is
    logged as ``train/loss``; it is no measure of the AUC.

    Args:
        model: returns logits of shape (N,), (N, 1) or (N, num_labels).
        loss: a name in `pairs.names()`.
        optimizer: one of the pair's optimizers; None for its first.
        loss_kwargs: arguments of the loss.
        optimizer_kwargs: arguments of the optimizer.
        num_labels: columns of the output; 1 for a binary task.
        decay_epochs: epochs at whose start the learning rate is divided by `decay_factor` and the regulariser's
            reference is updated: integers from 0, or fractions in (0, 1) of the Trainer's ``max_epochs``
            (or of the epochs that its ``max_steps`` make).
        decay_factor: above 0.
        libauc_compatible: LibAUC 2.0.1's behaviour where it differs from the published algorithm.
        seed: seed of the optimizer's reference model, which LibAUC draws at random.

    Raises:
        PairError: if loss and optimizer do not belong together, or have no such argument.
        ConfigError: if another argument is out of range.

    Example:
        >>> from automax_lightning.models import MLP
        >>> module = AUCModule(MLP((8,)), loss="AUCMLoss", optimizer_kwargs={"lr": 0.05}, decay_epochs=(0.5, 0.75))
        >>> module.pair.name, module.choice.name
        ('AUCMLoss', 'PESG')
    """

    def __init__(
        self,
        model: nn.Module,
        loss: str = "AUCMLoss",
        optimizer: str | None = None,
        loss_kwargs: dict[str, Any] | None = None,
        optimizer_kwargs: dict[str, Any] | None = None,
        num_labels: int = 1,
        decay_epochs: Sequence[int | float] = (),
        decay_factor: float = 10.0,
        libauc_compatible: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_arguments("AUCModule", _RULES, locals())
        self.pair = pairs.get(loss, loss_kwargs=loss_kwargs)
        self.choice = self.pair.optimizer(optimizer)
        own_kwargs = {name: value for name, value in (loss_kwargs or {}).items() if name != "mode"}
        self.choice.check_kwargs(optimizer_kwargs or {})
        self._check(num_labels, decay_epochs, decay_factor, own_kwargs)
        self.model = model
        adapter = RankingAdapter if self.pair.is_ranking else LossAdapter
        self.loss = adapter(self.pair, own_kwargs, num_labels=num_labels, libauc_compatible=libauc_compatible)
        self.save_hyperparameters(_python_values({
            "loss": loss, "optimizer": optimizer, "loss_kwargs": dict(loss_kwargs or {}),
            "optimizer_kwargs": dict(optimizer_kwargs or {}), "num_labels": num_labels,
            "decay_epochs": tuple(decay_epochs), "decay_factor": decay_factor,
            "libauc_compatible": libauc_compatible, "seed": seed,
        }))  # fmt: skip
        self._loss_sum: Tensor | float = 0.0
        self._loss_count = 0

    def _check(self, num_labels: int, decay_epochs: Sequence[int | float], decay_factor: float, given: Mapping[str, Any]) -> None:
        if num_labels < 1 or (self.pair.multi_label and num_labels < 2):
            least = 2 if self.pair.multi_label else 1
            raise ConfigError("AUCModule.num_labels", f"at least {least} for {self.pair.name}", str(num_labels),
                              "Pass the number of the network's output columns.")  # fmt: skip
        if num_labels > 1 and not self.pair.multi_label and self.pair.needs_balanced_batches:
            raise ConfigError("AUCModule.num_labels", f"1 for {self.pair.name}, a binary loss", str(num_labels),
                              "Pass loss='MultiLabelAUCMLoss' for several labels.")  # fmt: skip
        missing = [name for name in self.pair.required if name not in given]
        if missing:
            raise ConfigError(f"AUCModule.loss_kwargs of {self.pair.name}", f"{list(self.pair.required)}", f"no {missing}",
                              "Pass the sizes of your ranking data.")  # fmt: skip
        if not decay_factor > 0:
            raise ConfigError("AUCModule.decay_factor", "a number above 0", repr(decay_factor), "Pass 10.0.")
        for epoch in decay_epochs:
            if isinstance(epoch, bool) or epoch < 0 or (isinstance(epoch, float) and not 0 < epoch < 1):
                raise ConfigError("AUCModule.decay_epochs", "integers from 0, or fractions in (0, 1)", repr(epoch),
                                  "Write (0.5, 0.75) for half and three quarters of the epochs.")  # fmt: skip

    # Before the fit -------------------------------------------------------------------------------------------------

    def configure_callbacks(self) -> list[L.Callback]:
        """No callback; but those that copy the module find it prepared, although Lightning sets callbacks up before modules."""
        try:
            callbacks: list[L.Callback] = self.trainer.callbacks  # type: ignore[attr-defined]
        except RuntimeError:  # asked without a Trainer, there is nothing to prepare for
            return []
        if not any(isinstance(callback, _Preparation) for callback in callbacks):
            callbacks.insert(0, _Preparation())
        return []

    def setup(self, stage: str) -> None:
        """See `prepare`."""
        if stage == "fit":
            self.prepare()

    def prepare(self) -> None:
        """Give lazy layers their shapes, and make the loss for the training data's size; again does nothing.

        The training data are those of the Trainer that is about to fit, and the loss is made on its device.
        """
        self._refuse_half_weights()
        self._materialise()
        self.loss.build(self._facts(), self.trainer.strategy.root_device)
        # torch's DistributedDataParallel reads this attribute; it has no public way to leave tensors out.
        self._ddp_params_and_buffers_to_ignore = [f"loss.{name}" for name in self.loss.ddp_ignored_names()]

    def _refuse_half_weights(self) -> None:
        precision = str(self.trainer.precision)
        if self.choice.needs_loss and precision in ("bf16-true", "16-true"):
            raise ConfigError(
                "Trainer.precision", f"float32 weights, which {self.choice.name} mixes with its float32 reference",
                repr(precision), f"Pass precision='{precision.replace('true', 'mixed')}'.",
            )  # fmt: skip

    def _facts(self) -> DataFacts:
        source = getattr(self.trainer, "datamodule", None)
        if self.pair.is_ranking:
            return DataFacts(int(self.hparams["loss_kwargs"]["N"]), ())
        facts = getattr(source, "facts", None)
        if facts is None:
            facts = self._facts_of_loader(source)
        if facts.num_labels != self.hparams["num_labels"]:
            raise DataError("AUCModule.num_labels", f"{facts.num_labels}, the number of labels in the data",
                            str(self.hparams["num_labels"]), f"Pass num_labels={facts.num_labels}.")  # fmt: skip
        return facts

    def _facts_of_loader(self, source: Any) -> DataFacts:
        """For a plain DataLoader or a datamodule of somebody else: the labels of the training dataset."""
        loader = self._train_loader(source)
        return DataFacts.of(find_labels(loader.dataset))

    def _train_loader(self, source: Any) -> Any:
        if source is not None:
            return source.train_dataloader()
        # Lightning keeps the loaders given to `fit` in its loop until it needs them, and offers no public access.
        return self.trainer.fit_loop._data_source.dataloader()

    def _materialise(self) -> None:
        if not any(nn.parameter.is_lazy(parameter) for parameter in self.model.parameters()):
            return
        loader = self._train_loader(getattr(self.trainer, "datamodule", None))
        dataset = loader.dataset
        first = [0, 1][: len(dataset)]
        indexed = isinstance(dataset, IndexedBatches)
        x = dataset[first][0] if indexed else loader.collate_fn([dataset[position] for position in first])[0]
        was_training = self.model.training
        self.model.eval()  # batch statistics must not see these samples
        with torch.no_grad():
            self.model(x.to(self.device))
        self.model.train(was_training)

    def configure_optimizers(self) -> Any:
        """The pair's optimizer over the network's parameters."""
        return build_optimizer(
            self.choice, self.model.parameters(), self.loss, self.hparams["optimizer_kwargs"],
            device=self.device, seed=self.hparams["seed"],
        )  # fmt: skip

    # What averages and checkpoints hold -----------------------------------------------------------------------------

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, nn.Parameter]]:
        """The network's parameters, and those of a subclass; the loss's duals are no weights, and are not averaged."""
        own = f"{prefix}." if prefix else ""
        for name, parameter in super().named_parameters(prefix, recurse, remove_duplicate):
            if not name.startswith(f"{own}loss."):
                yield name, parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The network's buffers, and those of a subclass; the loss's estimators are not averaged either."""
        own = f"{prefix}." if prefix else ""
        for name, buffer in super().named_buffers(prefix, recurse, remove_duplicate):
            if not name.startswith(f"{own}loss."):
                yield name, buffer

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the loss's own state beside averaged weights: the copy that a callback averages has an old one."""
        if "current_model_state" in checkpoint:  # of Lightning's WeightAveraging, which has put the average in "state_dict"
            own = {f"loss.{name}": value for name, value in self.loss.state_dict().items()}
            checkpoint["state_dict"] = {**checkpoint["state_dict"], **own}

    # Steps ----------------------------------------------------------------------------------------------------------

    def forward(self, x: Any) -> Tensor:
        """The network's logits, as it gives them."""
        logits: Tensor = self.model(x)
        return logits

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """The loss of a batch ``(x, y)`` or ``(x, y, index)``, or of a mapping for pairs that rank."""
        if self.pair.is_ranking:
            loss: Tensor = self.loss(self.model(batch), batch)
        else:
            x, y, index = _parts(batch)
            loss = self.loss(self.model(x), y, index)
        self._loss_sum = self._loss_sum + loss.detach()  # a device tensor: the epoch's end moves it once
        self._loss_count += 1
        return loss

    def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> STEP_OUTPUT:
        """Logits and targets of a batch, for the `AUROC` callback; pairs that rank log ``val/NDCG`` themselves."""
        if self.pair.is_ranking:
            self._log_ndcg(batch, "test" if self.trainer.testing else "val")
            return None
        x, y, index = _parts(batch)
        return {"logits": self.model(x).detach().float(), "targets": y, "index": index}

    def _log_ndcg(self, batch: Any, stage: str) -> None:
        scores, ratings = self.model(batch).detach().float(), batch["rating"].float()
        each = [retrieval_normalized_dcg(s, r) for s, r in zip(scores, ratings, strict=True)]
        distributed = self.trainer.world_size > 1
        self.log(f"{stage}/NDCG", torch.stack(each).mean(), batch_size=len(each), on_epoch=True, sync_dist=distributed)

    def test_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> STEP_OUTPUT:
        """As `validation_step`."""
        return self.validation_step(batch, batch_idx, dataloader_idx)

    def predict_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Tensor:
        """Scores in [0, 1] of a batch ``x``, ``(x, y)`` or ``(x, y, index)``."""
        x = batch[0] if isinstance(batch, (list, tuple)) else batch
        return torch.sigmoid(self.model(x).float())

    # Hooks ----------------------------------------------------------------------------------------------------------

    def on_train_epoch_start(self) -> None:
        """Decay at the epochs that were asked for, as LibAUC's own trainer does at the start of an epoch."""
        self._loss_sum, self._loss_count = 0.0, 0
        if self.current_epoch in self._decay_epochs():
            # The Trainer's own optimizer: `self.optimizers()` is a wrapper, on which LibAUC's counters would be lost.
            decay(self.trainer.optimizers[0], self.hparams["decay_factor"])

    def _decay_epochs(self) -> set[int]:
        total = self._epochs_in_all()
        return {int(e * total) if isinstance(e, float) else e for e in self.hparams["decay_epochs"]}

    def _epochs_in_all(self) -> float:
        """The Trainer's ``max_epochs``, or the epochs that its ``max_steps`` make."""
        epochs, steps = self.trainer.max_epochs or -1, self.trainer.max_steps
        if epochs > 0 or not any(isinstance(epoch, float) for epoch in self.hparams["decay_epochs"]):
            return epochs
        if steps < 0:
            raise ConfigError("AUCModule.decay_epochs", "integers: neither max_epochs nor max_steps says where the fit ends",
                              repr(self.hparams["decay_epochs"]), "Pass max_epochs, or decay_epochs=().")  # fmt: skip
        return steps * self.trainer.accumulate_grad_batches / self.trainer.num_training_batches

    def on_before_backward(self, loss: Tensor) -> None:
        """See `LossAdapter.begin_step`."""
        self.loss.begin_step()

    def on_after_backward(self) -> None:
        """See `LossAdapter.after_backward`."""
        self.loss.after_backward(optimizer_reduces=self.choice.reduces_duals)

    def on_validation_model_zero_grad(self) -> None:
        """Free the network's gradients before an evaluation, but not the duals': PDSCA reads its phase from them."""
        self.model.zero_grad()

    def on_train_batch_end(self, outputs: STEP_OUTPUT, batch: Any, batch_idx: int) -> None:
        """See `LossAdapter.end_step`."""
        self.loss.end_step()

    def on_train_epoch_end(self) -> None:
        """Log the mean training loss once per epoch: logging every step would double its cost."""
        if self._loss_count:
            mean = float(self._loss_sum) / self._loss_count
            self.log("train/loss", mean, sync_dist=self.trainer.world_size > 1)


class _Preparation(L.Callback):
    """Prepares an `AUCModule` before the callbacks behind it are set up."""

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """See `AUCModule.prepare`."""
        if stage == "fit" and isinstance(pl_module, AUCModule):
            pl_module.prepare()


def _parts(batch: Any) -> tuple[Any, Tensor, Tensor | None]:
    if isinstance(batch, (list, tuple)) and len(batch) in (2, 3):
        return batch[0], batch[1], batch[2] if len(batch) == 3 else None
    raise DataError("batch", "(x, y) or (x, y, index)", type(batch).__name__, "Let AUCDataModule make the batches.")


def _python_values(value: Any) -> Any:
    """NumPy scalars as Python's: a checkpoint with anything else in it is refused by ``weights_only=True``."""
    if isinstance(value, Mapping):
        return {name: _python_values(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_python_values(item) for item in value)
    return value.item() if isinstance(value, np.generic) else value
