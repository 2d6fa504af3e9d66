"""The two lists of metrics, and what the callback is told."""

from __future__ import annotations

from typing import Any

import pytest

from automax_lightning.errors import ConfigError
from automax_lightning.recipes.metric_lists import metrics_of


@pytest.mark.parametrize(
    ("names", "kwargs", "expected", "found"),
    [
        (None, None, ("AUROC",), {}),
        ("auprc", None, ("AUPRC",), {}),
        (["AUROC", "AUPRC", "ACC"], [], ("AUROC", "AUPRC", "ACC"), {}),
        (["AUROC"], [{"max_fpr": 0.3}], ("AUROC",), {"max_fpr": 0.3}),
        (["AUROC"], {"max_fpr": 0.3, "min_tpr": 0.7}, ("AUROC",), {"max_fpr": 0.3, "min_tpr": 0.7}),
        (["AUPRC", "AUROC"], {"max_fpr": 0.3}, ("AUPRC", "AUROC"), {"max_fpr": 0.3}),
        (["AUROC", "AUROC"], [{}, {"max_fpr": 0.3}], ("AUROC", "pAUROC"), {"max_fpr": 0.3}),
        (["AUROC", "AUROC"], [{"max_fpr": 0.3}], ("pAUROC", "AUROC"), {"max_fpr": 0.3}),
        (["pAUROC"], [{"min_tpr": 0.5}], ("pAUROC",), {"min_tpr": 0.5}),
        (["AUROC", "ACC"], [None, None], ("AUROC", "ACC"), {}),
    ],
)
def test_the_range_belongs_to_the_auroc(names: Any, kwargs: Any, expected: Any, found: Any) -> None:
    metrics = metrics_of(names, kwargs)
    assert (metrics.names, dict(metrics.kwargs), metrics.target) == (expected, found, expected[0])


@pytest.mark.parametrize(
    ("names", "kwargs", "message"),
    [
        (["AUCROC"], None, "metrics: expected one of .*Did you mean 'AUROC'"),
        ([], None, "metrics: expected a list of names"),
        (3, None, "metrics: expected a list of names"),
        (["AUPRC"], [{"max_fpr": 0.3}], "metric_kwargs of AUPRC"),
        (["AUROC"], [{}, {}], "at most 1 dictionaries"),
        (["AUROC", "AUROC"], [{"max_fpr": 0.3}, {"max_fpr": 0.5}], "one range for the partial AUROC"),
        (["AUROC", "AUROC"], None, "metrics that differ"),
    ],
)
def test_what_cannot_be_meant_is_an_error(names: Any, kwargs: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        metrics_of(names, kwargs)
