"""The `AUROC` callback: exact metrics of every evaluation, for any LightningModule and any number of ranks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import lightning as L
import torch
from lightning.pytorch.utilities.types import STEP_OUTPUT
from torch import Tensor
from torch.utils.data.distributed import DistributedSampler

from automax_lightning.auc.batch.targets import plain_targets
from automax_lightning.auc.metrics import check_metric, check_metric_kwargs, class_scores, evaluate
from automax_lightning.errors import ConfigError, DataError
from automax_lightning.utils.arguments import Rule, check_arguments, mapping

ScoreFunction = Callable[[L.LightningModule, Any, Any], tuple[Tensor, Tensor]]
_SCORE_NAMES = ("logits", "scores", "preds", "probs")
_TARGET_NAMES = ("targets", "target", "labels", "y")


@dataclasses.dataclass
class _Collected:
    """What one evaluation of one loader has seen on this rank."""

    scores: list[Tensor] = dataclasses.field(default_factory=list)
    targets: list[Tensor] = dataclasses.field(default_factory=list)
    index: list[Tensor] = dataclasses.field(default_factory=list)
    are_probabilities: bool = False


_RULES: Mapping[str, Rule] = {
    "metrics": Rule(
        "the name of a metric, or a sequence of names",
        lambda x: isinstance(x, str) or (isinstance(x, (list, tuple)) and all(isinstance(name, str) for name in x)), "('AUROC',)",
    ),
    "metric_kwargs": mapping("{'max_fpr': 0.3}").or_none,
    "scores": Rule("a function of (module, batch, outputs)", callable, "my_scores").or_none,
}  # fmt: skip


class AUROC(L.Callback):
    """Logs ``val/AUROC`` and ``test/AUROC``, and other metrics, once an epoch, over the whole split.

    An average of batch-wise AUROCs is not the AUROC, so scores are collected, gathered over ranks without the samples
    that samplers repeat, and ranked at once. A metric that is undefined (one class, NaN scores) is logged as NaN, and
    `reasons` says why; it is never 0.0.

    Scores come from the step's output, a mapping with ``"logits"`` (or ``"scores"``, ``"preds"``, ``"probs"``) and
    ``"targets"`` (or ``"target"``, ``"labels"``, ``"y"``) and perhaps ``"index"``; otherwise from `scores`; otherwise
    from one more forward pass of ``batch[0]`` against ``batch[1]``. A two-column output for 0/1 targets counts as the
    difference of its columns. With several labels, ``val/AUROC`` is the mean over the defined ones, beside
    ``val/AUROC_micro``, ``val/AUROC_defined_labels`` and ``val/AUROC/label_k``; NaN or -1 among them is "not known", is left
    out, and is counted in ``val/AUROC_unknown_labels``. With three and more classes, samples are
    ranked by softmax probabilities: ``val/AUROC`` is the mean over one-versus-rest tasks, beside ``val/AUROC_ovo``, the
    mean over one-versus-one tasks, and ``val/ACC`` is the share of rows whose largest score is the target's.

    Args:
        metrics: names out of ``AUROC, AUPRC, ACC, pAUROC``.
        metric_kwargs: ``max_fpr`` in (0, 1] and ``min_tpr`` in [0, 1) of the partial AUROC. They go to ``pAUROC``, and
            where it is not listed to ``AUROC``, as in the original AutoMAX.
        scores: a function of (module, batch, outputs) that returns (scores, targets).

    Attributes:
        reasons: logged key -> why its last value is undefined.
        counts: stage -> number of samples that were scored last.
        evaluated: stage -> the scores and targets that were ranked last, (N,) or (N, labels), of the first loader; for
            several classes log-probabilities.

    Raises:
        ConfigError: if a metric or one of its arguments is unknown or out of range.

    Example:
        >>> callback = AUROC(metrics=("AUROC", "pAUROC"), metric_kwargs={"max_fpr": 0.3})
        >>> callback.metrics
        ('AUROC', 'pAUROC')
    """

    def __init__(
        self,
        metrics: Sequence[str] = ("AUROC",),
        metric_kwargs: Mapping[str, float] | None = None,
        scores: ScoreFunction | None = None,
    ) -> None:
        check_arguments("AUROC", _RULES, locals())
        self.metrics = (metrics,) if isinstance(metrics, str) else tuple(metrics)
        self.metric_kwargs = dict(metric_kwargs or {})
        self.scores = scores
        self.reasons: dict[str, str] = {}
        self.counts: dict[str, int] = {}
        self.evaluated: dict[str, tuple[Tensor, Tensor]] = {}
        self._collected: dict[int, _Collected] = {}
        for name in self.metrics:
            check_metric(name)
        check_metric_kwargs(self.metric_kwargs)
        if not self.metrics or ("pAUROC" in self.metrics and not self.metric_kwargs):
            raise ConfigError(
                "AUROC.metric_kwargs" if self.metrics else "AUROC.metrics", "a range for pAUROC, and at least one metric",
                f"metrics={self.metrics}, metric_kwargs={self.metric_kwargs}", "Pass metric_kwargs={'max_fpr': 0.3}.",
            )  # fmt: skip

    def _kwargs_of(self, name: str, collected: _Collected) -> dict[str, float]:
        if name == "ACC":
            return {"threshold": 0.5 if collected.are_probabilities else 0.0}
        return self.metric_kwargs if name == ("pAUROC" if "pAUROC" in self.metrics else "AUROC") else {}

    def _name_of(self, name: str) -> str:
        """The function behind a logged name: an AUROC with a range is a partial one."""
        partial = name == "AUROC" and self.metric_kwargs and "pAUROC" not in self.metrics
        return "pAUROC" if partial else name

    # Lightning's hooks ----------------------------------------------------------------------------------------------

    def on_validation_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Forget the last evaluation."""
        self._collected = {}

    def on_test_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Forget the last evaluation."""
        self._collected = {}

    def on_validation_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: STEP_OUTPUT, batch: Any, batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:  # fmt: skip
        """Keep the batch's scores."""
        if not trainer.sanity_checking:
            self._collect(pl_module, outputs, batch, dataloader_idx)

    def on_test_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: STEP_OUTPUT, batch: Any, batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:  # fmt: skip
        """Keep the batch's scores."""
        self._collect(pl_module, outputs, batch, dataloader_idx)

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log the validation metrics."""
        if not trainer.sanity_checking:
            self._log(trainer, pl_module, "val", trainer.val_dataloaders)

    def on_test_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log the test metrics."""
        self._log(trainer, pl_module, "test", trainer.test_dataloaders)

    # Collecting and logging -----------------------------------------------------------------------------------------

    def _collect(self, module: L.LightningModule, outputs: Any, batch: Any, loader: int) -> None:
        kept = self._collected.setdefault(loader, _Collected())
        scores, targets, index = self._read(kept, module, outputs, batch)
        scores = _columns(scores.detach(), targets)
        kept.scores.append((scores.float() if scores.dtype.itemsize < 4 else scores).cpu())
        kept.targets.append(targets.detach().reshape(scores.shape if targets.ndim == scores.ndim else -1).cpu())
        if index is not None:
            kept.index.append(index.detach().cpu())

    def _read(
        self, kept: _Collected, module: L.LightningModule, outputs: Any, batch: Any
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        if self.scores is not None:
            return (*self.scores(module, batch, outputs), None)
        if isinstance(outputs, Mapping):
            score = next((name for name in _SCORE_NAMES if name in outputs), None)
            target = next((name for name in _TARGET_NAMES if name in outputs), None)
            if score is not None and target is not None:
                kept.are_probabilities = score == "probs"
                return outputs[score], outputs[target], outputs.get("index")
        if not isinstance(batch, (list, tuple)) or len(batch) < 2:
            raise DataError(
                "AUROC", f"a step output with {_SCORE_NAMES[0]!r} and {_TARGET_NAMES[0]!r}, or batches (x, y)",
                f"{type(outputs).__name__} and {type(batch).__name__}",
                "Return {'logits': ..., 'targets': ...} from the step, or pass scores= to AUROC.",
            )  # fmt: skip
        with torch.no_grad():
            return module(batch[0]), batch[1], None

    def _log(self, trainer: L.Trainer, module: L.LightningModule, stage: str, loaders: Any) -> None:
        several = list(loaders) if isinstance(loaders, (list, tuple)) else [loaders]
        for number, kept in sorted(self._collected.items()):
            scores, targets = _gathered(trainer, kept, several[number] if number < len(several) else None)
            if scores.ndim == targets.ndim:  # otherwise they are numbers of classes
                targets = plain_targets(targets)
            if scores.ndim == 2 and targets.ndim == 1 and not kept.are_probabilities:
                scores = class_scores(scores)
            suffix = f"/dataloader_idx_{number}" if number else ""
            self.counts[stage + suffix] = len(targets)
            if number == 0:
                self.evaluated[stage] = (scores, targets)
            for name in self.metrics:
                self._log_metric(trainer, module, f"{stage}/{name}", suffix, name, kept, scores, targets)
        self._collected = {}

    def _log_metric(
        self, trainer: L.Trainer, module: L.LightningModule, key: str, suffix: str, name: str, kept: _Collected,
        scores: Tensor, targets: Tensor,
    ) -> None:  # fmt: skip
        parts = evaluate(self._name_of(name), scores, targets, softmax=False, **self._kwargs_of(name, kept))
        for part, score in parts.items():
            full = f"{key}{part}{suffix}"
            self.reasons.pop(full, None)
            if score.reason:
                self.reasons[full] = score.reason
            # Every rank has computed the same value; the mean over ranks is that value.
            module.log(full, score.value, prog_bar=part == "", sync_dist=trainer.world_size > 1, add_dataloader_idx=False)


def _columns(scores: Tensor, targets: Tensor) -> Tensor:
    """(N, 1) as (N,), and the two columns of a two-class output as one score."""
    if scores.ndim == 2 and scores.shape[1] == 1:
        return scores[:, 0]
    if scores.ndim == 2 and scores.shape[1] == 2 and targets.ndim == 1:
        return scores[:, 1] - scores[:, 0]
    return scores


def _gathered(trainer: L.Trainer, kept: _Collected, loader: Any) -> tuple[Tensor, Tensor]:
    """Scores and targets of all ranks, each sample once."""
    scores, targets = torch.cat(kept.scores), torch.cat(kept.targets)
    if trainer.world_size == 1:
        return scores, targets
    index = torch.cat(kept.index) if kept.index else _positions(len(targets), loader, trainer)
    everyone: list[Any] = [None] * trainer.world_size
    torch.distributed.all_gather_object(everyone, (scores, targets, index))
    scores, targets, index = (torch.cat(list(parts)) for parts in zip(*everyone, strict=True))
    order = torch.argsort(index, stable=True)
    ordered = index[order]
    first = torch.ones(len(ordered), dtype=torch.bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return scores[order][first], targets[order][first]


def _positions(count: int, loader: Any, trainer: L.Trainer) -> Tensor:
    """Where this rank's samples stand in the split: `DistributedSampler` deals them out in turn, and then repeats."""
    positions = torch.arange(count) * trainer.world_size + trainer.global_rank
    sampler = getattr(loader, "sampler", None)
    if isinstance(sampler, DistributedSampler) and not sampler.shuffle:
        return positions % len(loader.dataset)
    return positions
