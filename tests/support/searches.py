"""Searches as a journal records them, without training: made through the real journal, so that only the fits are missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import yaml
from ConfigSpace import ConfigurationSpace, EqualsCondition, Float

from automax_lightning.search.record import SearchRecord
from automax_lightning.search.storage.journal import Journal
from automax_lightning.space.autopartial import parse_hyperparameters_from_dict
from automax_lightning.space.description import describe_space
from automax_lightning.trial.records import Status, TrialResult, TrialSpec
from automax_lightning.trial.score_file import FILE, keep_scores


def space(**specs: Any) -> ConfigurationSpace:
    made = ConfigurationSpace()
    made.add(
        *parse_hyperparameters_from_dict(
            specs or {"lr": {"low": 0.001, "high": 0.1, "log": True}, "size": [(8,), (16, 8)]}
        ).values()
    )
    return made


def two_arms() -> ConfigurationSpace:
    made = space(loss=["AUCMLoss", "CrossEntropyLoss"], width={"low": 4, "high": 64})
    for arm in ("AUCMLoss", "CrossEntropyLoss"):
        lr = Float(f"{arm}:optimizer_kwargs:lr", (0.001, 0.1), log=True)
        made.add(lr, EqualsCondition(lr, made["loss"], arm))
    return made


def result(number: int, score: float | None, status: Status = Status.SUCCESS, **more: Any) -> TrialResult:
    curve = () if score is None else (score - 0.1, score)
    test = {"AUROC": score - 0.05} if score is not None and status is Status.SUCCESS else {}
    known = {"val": {} if score is None else {"AUROC": score}, "test": test, "epochs": len(curve), "curve": curve, "seconds": 1.5,
             "best_epoch": len(curve) or None}  # fmt: skip
    return TrialResult(number, status, score, **{**known, **more})


def record(
    directory: Path,
    trials: Sequence[tuple[Mapping[str, Any], TrialResult | None]],
    over: ConfigurationSpace | None = None,
    seeds: Sequence[int] | None = None,
    **settings: Any,
) -> SearchRecord:
    """Write a search to disk; its first trial is the default, a trial without a result is running."""
    described = {
        "n_trials": len(trials),
        "space": describe_space(over or space()),
        "target": "AUROC",
        "mode": "max",
        **settings,
    }
    with Journal(directory, described) as journal:
        for number, (configuration, ended) in enumerate(trials, start=1):
            origin = "default" if number == 1 else "forest"
            seed = 7 if seeds is None else seeds[number - 1]
            journal.record_ask(
                TrialSpec(number, configuration, seed, directory=directory / "trials" / f"{number:04d}", origin=origin)
            )
            journal.record_start(number)
            for epoch, score in enumerate((0.5,) if ended is None else ended.curve, start=1):
                journal.record_epoch(number, epoch, score)
            if ended is not None:
                journal.record_result(ended)
    config = {"name": directory.name, "n_trials": len(trials), "target": "AUROC"}
    (directory / "config.yaml").write_text(yaml.safe_dump(config))
    return SearchRecord.of(directory)


def keep(directory: Path, number: int, strength: float, size: int = 400, epoch: int = 2, seed: int = 0) -> None:
    """Scores of a trial on both splits; the labels are the same for every trial."""
    labels = (np.arange(size) % 4 == 0).astype(int)
    noise = np.random.default_rng([seed, number]).normal(size=size)
    path = directory / "trials" / f"{number:04d}" / "checkpoints" / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    callback = SimpleNamespace(evaluated=dict.fromkeys(("val", "test"), (strength * labels + noise, labels)))
    keep_scores(path, [callback], "val", epoch)
    keep_scores(path, [callback], "test")


def plain(directory: Path, count: int = 8) -> SearchRecord:
    """Trials whose score depends on the learning rate alone, with one failure and one that was stopped."""
    trials: list[tuple[dict[str, Any], TrialResult | None]] = []
    for number in range(1, count + 1):
        lr = 0.001 * 100 ** (number / (count + 1))
        configuration = {"lr": lr, "size": [(8,), (16, 8)][number % 2]}
        trials.append((configuration, result(number, round(0.9 - 0.05 * abs(math.log10(lr) + 1.5), 6))))
    trials[2] = (trials[2][0], result(3, None, Status.CRASHED, reason="ValueError: <b>mine</b>", error="Traceback"))
    trials[3] = (trials[3][0], result(4, 0.99, Status.STOPPED, reason="worse"))
    reading = record(directory, trials)
    best = reading.best
    assert best is not None
    keep(directory, 1, 1.0)
    keep(directory, best.number, 2.0)
    return reading
