"""Against scikit-learn and LibAUC's own metric, over ties, huge logits and constants."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, average_precision_score, roc_auc_score

from automax_lightning.auc.metrics import accuracy, auprc, auroc, check_metric_kwargs, evaluate, partial_auroc
from automax_lightning.errors import ConfigError, DataError


def sample(kind: str, seed: int, n: int = 400) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    targets = (torch.rand(n, generator=generator) < 0.15).long()
    targets[:2] = torch.tensor([0, 1])
    noise = torch.randn(n, generator=generator)
    scores = noise + targets
    scores = {
        "plain": scores,
        "ties": (scores * 2).round(),
        "huge": 1e4 * scores + 5e4,
        "tiny": 1e-30 * scores,
        "saturated": 18 + scores * 4,
        "constant": torch.zeros(n),
        "two values": (scores > 0).float(),
    }[kind]
    return scores, targets


KINDS = ["plain", "ties", "huge", "tiny", "saturated", "constant", "two values"]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_auroc_and_auprc_are_scikit_learns(kind: str, seed: int) -> None:
    scores, targets = sample(kind, seed)
    assert auroc(scores, targets).value == pytest.approx(roc_auc_score(targets, scores), abs=1e-9)
    assert auprc(scores, targets).value == pytest.approx(average_precision_score(targets, scores), abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("max_fpr", "min_tpr"), [(0.1, 0), (0.3, 0), (1.0, 0), (0.3, 0.5), (1.0, 0.2), (0.01, 0.99)])
def test_partial_auroc_is_libaucs(kind: str, max_fpr: float, min_tpr: float) -> None:
    scores, targets = sample(kind, 1)
    if max_fpr == 1.0 and min_tpr > 0:
        # LibAUC asks NumPy for one element too many there; the definition needs no partition at all.
        kept = np.argsort(scores[targets == 1].numpy())[: round(int(targets.sum()) * (1 - min_tpr))]
        positives, negatives = scores[targets == 1][kept], scores[targets == 0]
        expected = roc_auc_score([1] * len(positives) + [0] * len(negatives), torch.cat([positives, negatives]))
    else:
        from libauc.metrics import pauc_roc_score

        expected = pauc_roc_score(targets.numpy(), scores.numpy(), max_fpr=max_fpr, min_tpr=min_tpr)
    assert partial_auroc(scores, targets, max_fpr, min_tpr).value == pytest.approx(expected, abs=1e-6)


def test_accuracy_is_scikit_learns_at_the_given_threshold() -> None:
    scores, targets = sample("plain", 0)
    assert accuracy(scores, targets).value == pytest.approx(accuracy_score(targets, scores > 0))
    probabilities = torch.sigmoid(scores)
    assert accuracy(probabilities, targets, threshold=0.5).value == pytest.approx(accuracy_score(targets, scores > 0))


@pytest.mark.parametrize("metric", [auroc, auprc, partial_auroc])
@pytest.mark.parametrize("wanted", [0, 1])
def test_one_class_is_undefined_and_not_a_number(metric: Any, wanted: int) -> None:
    found = metric(torch.randn(5), torch.full((5,), wanted))
    assert math.isnan(found.value)
    assert found.reason == f"the targets hold {5 * wanted} positives and {5 - 5 * wanted} negatives"


@pytest.mark.parametrize("metric", [auroc, auprc, partial_auroc, accuracy])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_scores_that_are_not_finite_are_undefined(metric: Any, bad: float) -> None:
    found = metric(torch.tensor([0.1, bad, 0.3]), torch.tensor([0, 1, 0]))
    assert math.isnan(found.value)
    assert found.reason == "some scores are not finite"


@pytest.mark.parametrize("bad", [torch.tensor([0, 2, 1]), torch.tensor([-1, 1, 1]), torch.tensor([0.5, 1.0, 0.0])])
def test_other_targets_are_refused(bad: torch.Tensor) -> None:
    with pytest.raises(DataError, match="targets: expected 0 and 1"):
        auroc(torch.randn(3), bad)
    with pytest.raises(DataError, match="scores: expected 3, one for each target"):
        auroc(torch.randn(2), torch.tensor([0, 1, 1]))


def test_a_million_samples_are_exact() -> None:
    generator = torch.Generator().manual_seed(0)
    targets = (torch.rand(1_000_000, generator=generator) < 0.01).long()
    scores = (torch.randn(1_000_000, generator=generator) + targets).round(decimals=3)
    assert auroc(scores, targets).value == pytest.approx(roc_auc_score(targets, scores), abs=1e-12)


def test_several_labels_average_over_the_defined_ones() -> None:
    scores = torch.randn(60, 3, generator=torch.Generator().manual_seed(1))
    targets = (torch.rand(60, 3, generator=torch.Generator().manual_seed(2)) < 0.3).long()
    targets[:, 2] = 0
    found = evaluate("AUROC", scores, targets)
    each = [roc_auc_score(targets[:, k], scores[:, k]) for k in (0, 1)]
    assert found["/label_0"].value == pytest.approx(each[0])
    assert math.isnan(found["/label_2"].value)
    assert found[""].value == pytest.approx(sum(each) / 2)
    assert found["_defined_labels"].value == 2
    assert found["_micro"].value == pytest.approx(roc_auc_score(targets.reshape(-1), scores.reshape(-1)))
    nothing = evaluate("AUROC", scores, 0 * targets)
    assert math.isnan(nothing[""].value)
    assert nothing[""].reason.startswith("no label is defined")


def classes(n_classes: int, spread: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of 300 rows with a constant of its own in each row, and classes of unequal size."""
    generator = torch.Generator().manual_seed(n_classes)
    targets = (torch.rand(300, generator=generator) ** 2 * n_classes).long()
    logits = torch.randn(300, n_classes, generator=generator, dtype=torch.float64)
    logits += torch.nn.functional.one_hot(targets, n_classes) + 3 * torch.randn(300, 1, generator=generator)
    return spread * logits, targets


@pytest.mark.parametrize("n_classes", [3, 7])
@pytest.mark.parametrize("given", ["logits", "probabilities", "log-probabilities"])
def test_several_classes_are_ranked_by_softmax_as_scikit_learn_ranks_them(n_classes: int, given: str) -> None:
    logits, targets = classes(n_classes)
    probabilities = logits.softmax(1)
    scores = {"logits": logits, "probabilities": probabilities, "log-probabilities": logits.log_softmax(1)}[given]
    found = evaluate("AUROC", scores, targets)
    for suffix, kind in (("", "ovr"), ("_ovo", "ovo")):
        expected = roc_auc_score(targets, probabilities, multi_class=kind, average="macro")
        assert found[suffix].value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["AUROC", "AUPRC", "ACC", "pAUROC"])
def test_a_constant_added_to_a_row_changes_no_score_of_classes(name: str) -> None:
    logits, targets = classes(4)
    kwargs = {"max_fpr": 0.3} if name == "pAUROC" else {}
    moved = logits + torch.linspace(-8, 8, 300)[:, None]
    for suffix, score in evaluate(name, logits, targets, **kwargs).items():
        assert evaluate(name, moved, targets, **kwargs)[suffix].value == pytest.approx(score.value, abs=1e-12)


def test_precision_and_accuracy_of_classes_are_scikit_learns() -> None:
    logits, targets = classes(4)
    one_hot, probabilities = torch.nn.functional.one_hot(targets), logits.softmax(1)
    expected = average_precision_score(one_hot, probabilities, average="macro")
    assert evaluate("AUPRC", logits, targets)[""].value == pytest.approx(expected, abs=1e-6)
    assert evaluate("ACC", logits, targets)[""].value == pytest.approx(accuracy_score(targets, logits.argmax(1)))


def test_confident_rows_are_not_tied_and_a_missing_class_is_left_out() -> None:
    logits, targets = classes(3, spread=6.0)
    exact = evaluate("AUROC", logits, targets)[""].value
    assert evaluate("AUROC", logits.float(), targets)[""].value == pytest.approx(exact, abs=1e-4)
    wide = torch.nn.functional.pad(logits, (0, 1), value=-1e4)  # nobody is of the fourth class
    found = evaluate("AUROC", wide, targets)
    expected = [roc_auc_score(targets, logits.softmax(1), multi_class=kind) for kind in ("ovr", "ovo")]
    assert [found[""].value, found["_ovo"].value] == pytest.approx(expected, abs=1e-9)
    alone = evaluate("AUROC", logits, torch.zeros(300, dtype=torch.long))
    assert math.isnan(alone[""].value)
    assert math.isnan(alone["_ovo"].value)


@pytest.mark.parametrize("bad", [-1, 3])
def test_a_class_without_a_column_is_refused(bad: int) -> None:
    logits, targets = classes(3)
    targets[0] = bad
    with pytest.raises(DataError, match="targets: expected classes from 0 to 2"):
        evaluate("AUROC", logits, targets)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [({"max_fpr": 0.0}, r"max_fpr: expected a rate in \(0, 1\]"), ({"max_fpr": 1.1}, "max_fpr"),
     ({"min_tpr": 1.0}, r"min_tpr: expected a rate in \[0, 1\)"), ({"max_fp": 0.1}, "Did you mean 'max_fpr'")],
)  # fmt: skip
def test_ranges_out_of_bounds_are_refused(kwargs: dict[str, float], message: str) -> None:
    check_metric_kwargs({"max_fpr": 1.0, "min_tpr": 0.0})
    with pytest.raises(ConfigError, match=message):
        check_metric_kwargs(kwargs)


@pytest.mark.parametrize("unknown", [-1.0, float("nan")])
def test_unknown_labels_are_left_out_and_counted(unknown: float) -> None:
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(60, 2)), rng.integers(0, 2, (60, 2)).astype(float)
    is_known = rng.random((60, 2)) < 0.7
    found = evaluate("AUROC", torch.tensor(scores), torch.tensor(np.where(is_known, labels, unknown)))
    for label in range(2):
        rows = is_known[:, label]
        assert found[f"/label_{label}"].value == pytest.approx(roc_auc_score(labels[rows, label], scores[rows, label]))
    assert found["_micro"].value == pytest.approx(roc_auc_score(labels[is_known], scores[is_known]))
    assert found["_unknown_labels"].value == (~is_known).sum()
    assert "_unknown_labels" not in evaluate("AUROC", torch.tensor(scores), torch.tensor(labels))
