"""Many small fits at once: what `Fit` trains one by one, as one batched computation, for thousands of configurations.

    python benchmarks/stacked.py    # the scores of stacked fits beside those of `Fit`, for every pair

All networks of a stack see the same batches, those that `Fit` draws under the same seed, and start from the same weights.
Losses and updates are LibAUC's, written for one more dimension. So a stacked fit is a real fit: its best validation AUROC
and the test AUROC of that epoch are those of `Fit`. Only the order of float32 sums differs, which changes nothing unless the
training is chaotic: with a learning rate of 3 and more, the last bits of a sum may end as another network.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import functools
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from ConfigSpace import ConfigurationSpace
from networks import Networks
from tasks import TASKS, datamodule
from torch import Tensor
from updates import KINDS, Update

from automax_lightning import trainer_factory
from automax_lightning.auc.data.sampling import balanced_batches, class_counts
from automax_lightning.auc.pairs import registry as pairs
from automax_lightning.models import MLP
from automax_lightning.space.configurations import values
from automax_lightning.trial.records import TrialSpec
from automax_lightning.trial.seeding import seed_all

LOSSES = tuple(KINDS)
Values = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Setting:
    """What all fits of a stack share; the defaults are those of `trainer_factory` and `TabularDataModule`."""

    hidden: tuple[int, ...] = (64,)
    sampling_rate: float = 0.5
    batch_size: int = 128
    epochs: int = 10
    decay_epochs: tuple[float, ...] = (0.5, 0.75)
    seed: int = 0


def draw(space: ConfigurationSpace, count: int, seed: int) -> list[dict[str, Any]]:
    """The default configuration, then random ones."""
    space = copy.deepcopy(space)
    space.seed(seed)
    return [values(config) for config in (space.get_default_configuration(), *space.sample_configuration(count - 1))]


@functools.cache
def splits(task: str, seed: int = 0) -> tuple[tuple[Tensor, Tensor], ...]:
    """(x, y) of the training, validation and test split, as `Fit` has them."""
    return tuple((part.tensors[0].float(), part.tensors[1].float()) for part in datamodule(task, seed).datasets)


@functools.cache
def batches(task: str, setting: Setting) -> tuple[Tensor, ...]:
    """The indices of each epoch's batches, (steps, batch_size), positives first."""
    labels = splits(task)[0][1].numpy()
    shared = {"batch_size": setting.batch_size, "sampling_rate": setting.sampling_rate, "seed": setting.seed}
    return tuple(torch.from_numpy(balanced_batches(labels, epoch=epoch, **shared)) for epoch in range(setting.epochs))


def initial(task: str, setting: Setting) -> list[Tensor]:
    """The weights and biases that `Fit` starts from."""
    seed_all(setting.seed)
    model = MLP(setting.hidden)
    seed_all(setting.seed)
    model(splits(task)[0][0][:2])
    return [parameter.detach().clone() for parameter in model.parameters()]


def values_of(loss: str, configs: Sequence[Values]) -> dict[str, Tensor]:
    """Each hyperparameter of the pair's space over the stack, (C,); what a configuration lacks has its default."""
    pair = pairs.get(loss)
    spaces = {"loss_kwargs": pair.loss_space, "optimizer_kwargs": pair.optimizer().space}
    found = {}
    for name, spec in ((f"{part}:{name}", spec) for part, space in spaces.items() for name, spec in space.items()):
        default = spec.get("default") if isinstance(spec, Mapping) else spec
        chosen = [config.get(name, default) for config in configs]
        # The two rates of `gammas` are equal in every choice.
        numbers = [value[0] if isinstance(value, tuple) else value for value in chosen]
        found[name.partition(":")[2]] = torch.tensor(numbers, dtype=torch.float32)
    return found


@dataclasses.dataclass(frozen=True)
class Scores:
    """The best validation AUROC of each fit, and the test AUROC of that epoch: (C,); NaN where the loss was not finite."""

    val: np.ndarray[Any, Any]
    test: np.ndarray[Any, Any]


def auroc(scores: Tensor, targets: Tensor) -> Tensor:
    """The AUROC of each row: the share of pairs in order, a tie counts half."""
    positives, negatives = scores[:, targets == 1].contiguous(), scores[:, targets == 0].sort(dim=1).values.contiguous()
    below = torch.searchsorted(negatives, positives) + torch.searchsorted(negatives, positives, right=True)
    # Rounded as torchmetrics rounds, so that ties between epochs and between fits are the same ones.
    return (below.double().sum(1) / (2.0 * positives.shape[1] * negatives.shape[1])).float()


def fit(task: str, loss: str, configs: Sequence[Values], setting: Setting, chunk: int = 256) -> Scores:
    """Train one network for each configuration.

    Args:
        task: a name in `tasks.TASKS`.
        loss: a name in `LOSSES`.
        configs: values by name, such as ``"optimizer_kwargs:lr"``.
        setting: what they share.
        chunk: networks at once; more need more memory than the caches hold.
    """
    parts = []
    for start in range(0, len(configs), chunk):
        chosen = configs[start : start + chunk]
        networks = Networks(initial(task, setting), len(chosen))
        positives, _ = class_counts(setting.batch_size, setting.sampling_rate)
        update = KINDS[loss](networks, values_of(loss, chosen), len(splits(task)[0][1]), positives)
        parts.append(_train(task, networks, update, setting))
    return Scores(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _train(task: str, networks: Networks, update: Update, setting: Setting) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    (x, y), (val_x, val_y), (test_x, test_y) = splits(task)
    best, test = torch.full((networks.count,), -1.0), torch.zeros(networks.count)
    decays = {int(share * setting.epochs) for share in setting.decay_epochs}
    for epoch, order in enumerate(batches(task, setting)):
        if epoch in decays:
            update.decay(10.0)
        for index in order:
            update.step(networks.logits(x[index]), y[index], index)
        with torch.no_grad():
            now, later = auroc(networks.logits(val_x), val_y), auroc(networks.logits(test_x), test_y)
        better = now > best
        best, test = torch.where(better, now, best), torch.where(better, later, test)
    failed = ~update.is_finite
    return tuple(kept.double().masked_fill(failed, np.nan).numpy() for kept in (best, test))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=["digits", "yeast4"], choices=sorted(TASKS))
    parser.add_argument("--losses", nargs="+", default=list(LOSSES), choices=LOSSES)
    parser.add_argument("--fits", type=int, default=8)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print("| task | loss | fits | largest difference of a validation AUROC | of a test AUROC |")
    print("|---|---|---|---|---|")
    for task in arguments.tasks:
        for loss in arguments.losses:
            validation, test = differences(task, loss, Setting(), arguments.fits)
            print(f"| {task} | {loss} | {arguments.fits} | {validation:.1e} | {test:.1e} |", flush=True)


def differences(task: str, loss: str, setting: Setting, fits: int) -> tuple[float, float]:
    """The largest difference of a stacked fit's scores from those of `Fit`: the default and random configurations."""
    factory = trainer_factory(
        MLP, datamodule(task, 0), loss=loss, model_kwargs={"hidden": setting.hidden}, epochs=setting.epochs,
        decay_epochs=setting.decay_epochs, sampling_rate=setting.sampling_rate, batch_size=setting.batch_size,
        trainer_kwargs={"accelerator": "cpu"},
    )  # fmt: skip
    drawn = draw(factory.cs, fits, seed=1)
    stacked = fit(task, loss, drawn, setting)
    with tempfile.TemporaryDirectory() as folder:
        real = [
            factory(values).run(spec=TrialSpec(number, values, setting.seed, directory=Path(folder) / str(number)))
            for number, values in enumerate(drawn)
        ]
    apart = [[result.score - stacked.val[n], result.test["AUROC"] - stacked.test[n]] for n, result in enumerate(real)]
    return tuple(np.abs(apart).max(0))


if __name__ == "__main__":
    main()
