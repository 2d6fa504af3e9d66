"""Seconds of an epoch: LibAUC's own loop, `AUCModule` under a plain Trainer, and a trial as a search runs it.

    python benchmarks/trial_cost.py --epochs 10 --repeats 5

(a) is the loop of LibAUC's trainer on the CPU: DataLoader, DualSampler, sigmoid, loss, backward, step, `loss.item()`, and
AUROC by scikit-learn on the validation split after each epoch; it writes no checkpoints. (b) is the same with `AUCModule`,
the `AUROC` callback and `L.Trainer` without checkpoints. (c) is one more trial of a search, with a checkpoint an epoch, a
journal that is synced to the disk, the test split, and the best trial's directory. Each runs the same number of steps; the
three take turns, and the least of the repeats counts, process time, one thread.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import lightning as L
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score
from tasks import datamodule
from torch.utils.data import DataLoader, Dataset, TensorDataset

from automax_lightning import AUROC, AUCDataModule, AUCModule, AutoMAX, AutoMAXConfig, trainer_factory
from automax_lightning.models import MLP

QUIET = {"accelerator": "cpu", "devices": 1, "logger": False, "enable_progress_bar": False, "enable_model_summary": False,
         "enable_checkpointing": False, "num_sanity_val_steps": 0}  # fmt: skip


def images(batch_size: int) -> AUCDataModule:
    """Digits 8 against the rest as 32 x 32 colour images, 640 of them to train on."""
    x, y = load_digits(return_X_y=True)
    small = torch.tensor(x, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16
    pictures = torch.nn.functional.interpolate(small, (32, 32), mode="bilinear").expand(-1, 3, -1, -1).contiguous()
    labels = torch.tensor(y == 8).long()
    parts = [TensorDataset(pictures[part], labels[part]) for part in (slice(0, 640), slice(640, 896))]
    return AUCDataModule(parts[0], parts[1], batch_size=batch_size, eval_batch_size=256, seed=0)


def resnet20() -> torch.nn.Module:
    from libauc.models import resnet20 as make

    network: torch.nn.Module = make(pretrained=False, last_activation=None, num_classes=1)
    return network


SCENES: dict[str, tuple[Callable[[int], AUCDataModule], Callable[[], torch.nn.Module]]] = {
    "MLP on satimage": (lambda size: datamodule("satimage", 0, size), lambda: MLP((64, 32))),
    "MLP on nass_dead": (lambda size: datamodule("nass_dead", 0, size), lambda: MLP((64, 32))),
    "resnet20 on 32x32": (images, resnet20),
}


class Indexed(Dataset[Any]):
    """LibAUC's datasets: samples (x, y, index), labels as ``targets``."""

    def __init__(self, tensors: tuple[torch.Tensor, ...]) -> None:
        self.x, self.y = tensors
        self.targets = self.y.numpy()

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor, int]:
        return self.x[index], self.y[index].float(), index


def bare_loop(data: AUCDataModule, network: torch.nn.Module, epochs: int, steps: int) -> None:
    from libauc.losses import AUCMLoss
    from libauc.optimizers import PESG
    from libauc.sampler import DualSampler

    train, val = (Indexed(tensors_of(data.datasets[split])) for split in (0, 1))
    sampler = DualSampler(train, data.batch_size, sampling_rate=data.sampling_rate)
    loader = DataLoader(train, batch_size=data.batch_size, sampler=sampler, num_workers=0)
    evaluation = DataLoader(val, batch_size=data.eval_batch_size, shuffle=False, num_workers=0)
    loss_fn = AUCMLoss(device=torch.device("cpu"))
    optimizer = PESG(network.parameters(), loss_fn=loss_fn, lr=0.1, margin=1.0, device=torch.device("cpu"), verbose=False)
    for _ in range(epochs):
        network.train()
        losses: list[float] = []
        while len(losses) < steps:
            for x, y, index in loader:
                loss = loss_fn(torch.sigmoid(network(x)), y, index=index)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
                if len(losses) == steps:
                    break
        network.eval()
        with torch.no_grad():
            scores = np.concatenate([torch.sigmoid(network(x)).numpy() for x, _, _ in evaluation]).ravel()
        roc_auc_score(np.concatenate([y.numpy() for _, y, _ in evaluation]), scores)


def tensors_of(dataset: Any) -> tuple[torch.Tensor, ...]:
    from automax_lightning.auc.data.batches import IndexedBatches

    tensors = IndexedBatches(dataset).tensors
    assert tensors is not None
    return tensors


def plain_trainer(data: AUCDataModule, network: torch.nn.Module, epochs: int) -> None:
    module = AUCModule(network, loss="AUCMLoss", optimizer_kwargs={"lr": 0.1})
    L.Trainer(max_epochs=epochs, callbacks=[AUROC()], **QUIET).fit(module, data)  # type: ignore[arg-type]


def searching(data: AUCDataModule, network: torch.nn.Module, epochs: int, folder: str, profiler: Any = None) -> AutoMAX:
    """A search that has finished its first trial."""
    kwargs = {"accelerator": "cpu", **({} if profiler is None else {"profiler": profiler})}
    factory = trainer_factory(network, data, epochs=epochs, decay_epochs=(), trainer_kwargs=kwargs)
    tuner = AutoMAX(factory, AutoMAXConfig(name="s", n_trials=1, resampling="holdout", output_directory=folder), quiet=True)
    tuner.optimize()
    return tuner


def one_trial(tuner: AutoMAX) -> None:
    """One more trial of a search: journal, fit, checkpoints, the best trial's directory."""
    tuner.train(tuner.configspace.get_default_configuration())


WAYS = ("(a) LibAUC's loop", "(b) AUCModule, plain Trainer", "(c) a trial of AutoMAX")


def measure(scene: str, batch_size: int, epochs: int, repeats: int) -> dict[str, float]:
    """The least process time of an epoch, way by way."""
    make_data, make_network = SCENES[scene]
    data = make_data(batch_size)
    data.setup("fit")
    steps = len(data.train_dataloader())
    best = dict.fromkeys(WAYS, float("inf"))

    def network() -> torch.nn.Module:
        torch.manual_seed(0)
        made = make_network()
        with torch.no_grad():
            made(tensors_of(data.datasets[0])[0][:2])  # lazy layers take their shapes
        return made

    with tempfile.TemporaryDirectory() as folder:
        tuner = searching(data, network(), epochs, folder)
        ways: dict[str, Callable[[], None]] = dict(zip(WAYS, (
            lambda: bare_loop(data, network(), epochs, steps),
            lambda: plain_trainer(data, network(), epochs),
            lambda: one_trial(tuner),
        ), strict=True))  # fmt: skip
        for repeat in range(repeats + 1):
            for name, way in ways.items():
                start = time.process_time()
                way()
                if repeat:  # the first round warms caches and imports
                    best[name] = min(best[name], time.process_time() - start)
    return {name: seconds / epochs for name, seconds in best.items()}


def breakdown(scene: str, batch_size: int, epochs: int) -> list[tuple[str, float]]:
    """Where an epoch of (c) spends its time, by Lightning's own profiler."""
    from lightning.pytorch.profilers import SimpleProfiler

    make_data, make_network = SCENES[scene]

    class Kept(SimpleProfiler):
        def __deepcopy__(self, memo: Any) -> Kept:
            return self

    profiler = Kept()
    with tempfile.TemporaryDirectory() as folder:
        searching(make_data(batch_size), make_network(), epochs, folder, profiler)
    spent = {name: sum(each) / epochs for name, each in profiler.recorded_durations.items()}

    def of(*parts: str) -> float:
        return sum(seconds for name, seconds in spent.items() if any(part in name for part in parts))

    forward, backward = of("Strategy]SingleDeviceStrategy.training_step"), of(".backward")
    return [
        ("data", of("train_dataloader_next", "val_next", "batch_to_device")),
        ("forward and loss", forward), ("backward", backward), ("optimizer", of("optimizer_step") - forward - backward),
        ("evaluation", of("validation_step")), ("AUROC callback", of("[Callback]AUROC")),
        ("recorder and checkpoints", of("TrialRecorder")),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", nargs="+", default=list(SCENES), choices=list(SCENES))
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=[128, 512])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    print("| scene | batch | " + " | ".join(f"{name}, ms" for name in WAYS) + " | (b)/(a) | (c)/(a) |")
    print("|---|---|---|---|---|---|---|")
    for scene in arguments.scenes:
        for size in arguments.batch_sizes:
            a, b, c = measure(scene, size, arguments.epochs, arguments.repeats).values()
            print(f"| {scene} | {size} | {a * 1e3:.1f} | {b * 1e3:.1f} | {c * 1e3:.1f} | {b / a:.2f} | {c / a:.2f} |", flush=True)
    print("\n| (c), scene and batch | part | ms an epoch |\n|---|---|---|")
    for scene in arguments.scenes:
        for part, seconds in breakdown(scene, arguments.batch_sizes[0], arguments.epochs):
            print(f"| {scene}, {arguments.batch_sizes[0]} | {part} | {seconds * 1e3:.1f} |", flush=True)


if __name__ == "__main__":
    main()
