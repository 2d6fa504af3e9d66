"""`AUCModule`: any network, trained on a loss of the catalogue with the optimizer that belongs to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.fabric.utilities import move_data_to_device
from lightning.pytorch.utilities import rank_zero_warn
from lightning.pytorch.utilities.types import STEP_OUTPUT
from torch import Tensor, nn
from torchmetrics.functional.retrieval import retrieval_normalized_dcg

from automax_lightning.auc.batch.network import apply
from automax_lightning.auc.batch.outputs import ReadLogits, logits_in, one_score, probabilities_in
from automax_lightning.auc.batch.parts import Parts, inputs_of, parts_of, parts_of_rows
from automax_lightning.auc.batch.targets import why_illegal
from automax_lightning.auc.data.batches import IndexedBatches
from automax_lightning.auc.data.facts import DataFacts
from automax_lightning.auc.data.labels import find_labels
from automax_lightning.auc.libauc.adapter import LossAdapter
from automax_lightning.auc.libauc.optimizers import build_optimizer, decay
from automax_lightning.auc.libauc.ranking import RankingAdapter
from automax_lightning.auc.pairs import registry as pairs
from automax_lightning.auc.schedulers import Schedule, check_in_use, check_scheduler, described, schedule_of
from automax_lightning.auc.stepping import check_accumulation, check_optimizers
from automax_lightning.errors import ConfigError, DataError
from automax_lightning.utils.arguments import (
    Rule,
    check_arguments,
    flag,
    integer,
    mapping,
    number,
    of_type,
    one_of,
    sequence,
    text,
)

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
    "logits": Rule("a function from the network's output to its logits", callable, "lambda output: output[0]").or_none,
    "scores": one_of("sigmoid", "logits").or_none,
}


class AUCModule(L.LightningModule):
    """A LightningModule that trains `model` on an AUC loss, with nothing added to and nothing lost of LibAUC's fit.

    Batches are ``(x, y, index)`` as `AUCDataModule` makes them, or without index for losses that keep nothing per sample:
    ``(x, y)``, ``(x1, x2, y)``, a mapping with ``"labels"``, a graph with ``y`` (see `auc.batch.parts.parts_of`). Several
    inputs go in as separate arguments where the network's ``forward`` takes several, and by name from a mapping.
    Validation and test steps return ``{"logits", "targets", "index"}``, from which the `AUROC` callback computes the
    score; they never call the training loss, whose estimators would change. The mean training loss of an epoch is
    logged as ``train/loss``; it is no measure of the AUC.

    Args:
        model: returns logits of shape (N,), (N, 1) or (N, num_labels), as a tensor, as ``.logits``, under ``"logits"`` or first
            in a tuple. Of two columns for one label the difference counts.
        loss: a name in `pairs.names()`.
        optimizer: one of the pair's optimizers; None for its first.
        loss_kwargs: arguments of the loss.
        optimizer_kwargs: arguments of the optimizer.
        num_labels: columns of the output; 1 for a binary task, whose labels are 0 and 1, or -1 and 1. Of several labels NaN or
            -1 means "not known": neither loss nor metric sees it.
        decay_epochs: epochs at whose start the learning rate (PDSCA: both) is divided by `decay_factor` and the regulariser's
            reference is updated: integers from 0, or fractions in (0, 1) of the Trainer's ``max_epochs``
            (or of the epochs that its ``max_steps`` make).
        decay_factor: above 0.
        libauc_compatible: LibAUC 2.0.1's behaviour where it differs from the published algorithm.
        seed: seed of the optimizer's reference model, which LibAUC draws at random.
        logits: a function from the network's output to its logits, where the rule above does not find them.
        lr_scheduler: a callable optimizer -> scheduler; or ``{"class_path", "init_args"}`` as in a LightningCLI file, whose
            `init_args` may hold schedulers of the same form; or Lightning's ``{"scheduler", "interval", "frequency",
            "monitor"}`` around one of these. The learning rate is then the scheduler's alone: `decay_epochs` update
            the regulariser's reference, and divide nothing. None for no scheduler.
        scores: what the loss is given: ``"sigmoid"`` of the network's logits, or the ``"logits"`` as they are; None for what
            the loss is defined for. A loss that needs probabilities, or applies a sigmoid of its own, takes no other.

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
        logits: Callable[[Any], Tensor] | None = None,
        lr_scheduler: dict[str, Any] | Callable[[torch.optim.Optimizer], Any] | None = None,
        scores: str | None = None,
    ) -> None:
        super().__init__()
        check_arguments("AUCModule", _RULES, locals())
        self._lr_scheduler: Schedule | None = check_scheduler(lr_scheduler)
        self.pair = pairs.get(loss, loss_kwargs=loss_kwargs).with_scores(scores)
        self.choice = self.pair.optimizer(optimizer, loss_kwargs)
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
            "libauc_compatible": libauc_compatible, "seed": seed, "lr_scheduler": described(self._lr_scheduler),
            "scores": scores,
        }))  # fmt: skip
        self._read_logits: ReadLogits = logits_in if logits is None else logits
        self._is_output_known = False
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
        labels = find_labels(loader.dataset)
        if reason := why_illegal(labels):
            expected, found, fix = reason
            raise DataError("labels of the training data", expected, found, fix)
        return DataFacts.of(labels)

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
        if isinstance(dataset, IndexedBatches):
            x = dataset[first][0]
        else:
            x = parts_of_rows(loader.collate_fn([dataset[position] for position in first]), first).inputs
        was_training = self.model.training
        self.model.eval()  # batch statistics must not see these samples
        with torch.no_grad():
            apply(self.model, move_data_to_device(x, self.device))
        self.model.train(was_training)

    def configure_optimizers(self) -> Any:
        """The pair's optimizer over the network's parameters, and its scheduler where there is one."""
        optimizer = build_optimizer(
            self.choice, self.model.parameters(), self.loss, self.hparams["optimizer_kwargs"],
            device=self.device, seed=self.hparams["seed"],
        )  # fmt: skip
        if self._lr_scheduler is None:
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": schedule_of(self._lr_scheduler, optimizer)}

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
        """The network's logits for the inputs of a batch."""
        return one_score(self._read_logits(apply(self.model, x)), self.hparams["num_labels"])

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """The loss of a batch of any form of `parts_of`, or of a mapping for pairs that rank."""
        if self.pair.is_ranking:
            loss: Tensor = self.loss(self.model(batch), batch)
        else:
            x, y, index = self._parts(batch)
            logits = self(x)
            if not self._is_output_known:
                self._look_at(logits)
            loss = self.loss(logits, y, index)
        self._loss_sum = self._loss_sum + loss.detach()  # a device tensor: the epoch's end moves it once
        self._loss_count += 1
        return loss

    def _parts(self, batch: Any) -> Parts:
        return parts_of(batch, self.hparams["num_labels"])

    def _look_at(self, logits: Tensor) -> None:
        """Say once that a network ends in probabilities; nothing of that can be seen without its graph."""
        self._is_output_known = True
        if end := probabilities_in(logits):
            rank_zero_warn(
                f"AUCModule.model: expected logits, found the output of {end}. The loss takes it for a logit, and learns badly. "
                "Leave the last layer out, or pass logits=torch.logit for a sigmoid's output."
            )

    def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> STEP_OUTPUT:
        """Logits and targets of a batch, for the `AUROC` callback; pairs that rank log ``val/NDCG`` themselves."""
        if self.pair.is_ranking:
            self._log_ndcg(batch, "test" if self.trainer.testing else "val")
            return None
        x, y, index = self._parts(batch)
        return {"logits": self(x).detach().float(), "targets": y, "index": index}

    def _log_ndcg(self, batch: Any, stage: str) -> None:
        scores, ratings = self.model(batch).detach().float(), batch["rating"].float()
        each = [retrieval_normalized_dcg(s, r) for s, r in zip(scores, ratings, strict=True)]
        distributed = self.trainer.world_size > 1
        self.log(f"{stage}/NDCG", torch.stack(each).mean(), batch_size=len(each), on_epoch=True, sync_dist=distributed)

    def test_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> STEP_OUTPUT:
        """As `validation_step`."""
        return self.validation_step(batch, batch_idx, dataloader_idx)

    def predict_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Tensor:
        """Scores in [0, 1] of a batch with or without labels."""
        return torch.sigmoid(self(inputs_of(batch, self.hparams["num_labels"])).float())

    # Hooks ----------------------------------------------------------------------------------------------------------

    def on_train_start(self) -> None:
        """See `check_optimizers` and `check_in_use`."""
        check_optimizers(self.trainer.optimizers, self.loss)
        check_in_use(self._lr_scheduler, self.trainer.lr_scheduler_configs)

    def on_train_epoch_start(self) -> None:
        """Decay at the epochs that were asked for, as LibAUC's own trainer does at the start of an epoch."""
        self._loss_sum, self._loss_count = 0.0, 0
        check_accumulation(self.trainer.accumulate_grad_batches, self.pair)
        if self.current_epoch in self._decay_epochs():
            # The Trainer's own optimizer: `self.optimizers()` is a wrapper, on which LibAUC's counters would be lost.
            decay(self.trainer.optimizers[0], self.hparams["decay_factor"] if self._lr_scheduler is None else 1.0)

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


def _python_values(value: Any) -> Any:
    """NumPy scalars as Python's: a checkpoint with anything else in it is refused by ``weights_only=True``."""
    if isinstance(value, Mapping):
        return {name: _python_values(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_python_values(item) for item in value)
    return value.item() if isinstance(value, np.generic) else value
