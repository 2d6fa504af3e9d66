"""The published formulas against closed forms, where LibAUC 2.0.1 differs from them."""

from __future__ import annotations

import math

import pytest
import torch

from automax_lightning.auc.data.facts import DataFacts
from automax_lightning.auc.libauc.adapter import LossAdapter
from automax_lightning.auc.libauc.corrected_losses import aucm
from automax_lightning.auc.pairs import registry as pairs

SCORES = torch.tensor([0.9, 0.3, 0.2, 0.5, 0.1])
TARGETS = torch.tensor([1.0, 1.0, 0.0, 0.0, 0.0])


def adapter(name: str, num_labels: int = 1, compatible: bool = False, **kwargs: object) -> LossAdapter:
    made = LossAdapter(pairs.get(name), kwargs, num_labels=num_labels, libauc_compatible=compatible)
    made.build(DataFacts(8, (3,) * num_labels), torch.device("cpu"))
    return made


def logits(scores: torch.Tensor) -> torch.Tensor:
    return torch.logit(scores.double()).float()


def closed_form(a: float, b: float, alpha: float, margin: float) -> float:
    """The min-max objective of the ICCV 2021 paper without its priors, sample by sample."""
    positive, negative = [0.9, 0.3], [0.2, 0.5, 0.1]
    variance = sum((s - a) ** 2 for s in positive) / 2 + sum((s - b) ** 2 for s in negative) / 3
    return variance + 2 * alpha * (margin + sum(negative) / 3 - sum(positive) / 2) - alpha**2


@pytest.mark.parametrize(("a", "b", "alpha"), [(0.0, 0.0, 0.0), (0.6, 0.2, 0.7)])
@pytest.mark.parametrize("name", ["AUCMLoss", "CompositionalAUCLoss"])
def test_version_two_is_the_published_objective(name: str, a: float, b: float, alpha: float) -> None:
    made = adapter(name, version="v2", margin=0.8)
    raw = made.loss_fn
    with torch.no_grad():
        raw.a.fill_(a), raw.b.fill_(b), raw.alpha.fill_(alpha)  # type: ignore[operator, union-attr]
    if name == "CompositionalAUCLoss":
        raw.step = 1  # past the cross-entropy step
    assert made(logits(SCORES), TARGETS).item() == pytest.approx(closed_form(a, b, alpha, 0.8), abs=1e-6)


def test_libaucs_misplaced_parenthesis_is_there_when_asked_for() -> None:
    made = adapter("AUCMLoss", compatible=True, version="v2")
    with torch.no_grad():
        made.loss_fn.alpha.fill_(0.5)  # type: ignore[operator, union-attr]
    assert made(logits(SCORES), TARGETS).item() != pytest.approx(closed_form(0, 0, 0.5, 1.0), abs=1e-3)


def test_version_one_is_version_two_times_p_one_minus_p() -> None:
    first, second = adapter("AUCMLoss"), adapter("AUCMLoss", version="v2")
    for made in (first, second):
        with torch.no_grad():
            made.loss_fn.alpha.fill_(0.3)  # type: ignore[operator, union-attr]
    assert first(logits(SCORES), TARGETS).item() == pytest.approx(0.4 * 0.6 * second(logits(SCORES), TARGETS).item())


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_several_labels_are_the_mean_of_each(version: str) -> None:
    x = torch.randn(8, 2, generator=torch.Generator().manual_seed(0))
    y = torch.tensor([[1, 0], [0, 1], [1, 1], [0, 0]] * 2)
    both = adapter("MultiLabelAUCMLoss", 2, version=version, margin=0.6)(x, y)
    each = [adapter("AUCMLoss", version=version, margin=0.6)(x[:, k], y[:, k]) for k in range(2)]
    assert both.item() == pytest.approx(torch.stack(each).mean().item(), abs=1e-6)


def test_saturated_scores_have_finite_gradients() -> None:
    """Scores of exactly 0 and 1 are 0/0 in LibAUC's v2."""
    x = torch.tensor([200.0, -200.0, -200.0, 200.0], requires_grad=True)
    loss = adapter("AUCMLoss", version="v2")(x, torch.tensor([1, 1, 0, 0]))
    loss.backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


def test_focal_loss_weighs_each_sample_by_its_own_class() -> None:
    x = torch.tensor([0.5, -1.0, 2.0])
    y = torch.tensor([1, 0, 0])
    p = torch.sigmoid(x)
    expected = 0.0
    for probability, target in zip(p.tolist(), y.tolist(), strict=True):
        p_t = probability if target else 1 - probability
        weight = 0.75 if target else 0.25  # like LibAUC, alpha weighs class 0
        expected += -weight * (1 - p_t) ** 2 * math.log(p_t) / 3
    assert adapter("FocalLoss", alpha=0.25, gamma=2.0)(x, y).item() == pytest.approx(expected, abs=1e-6)


def test_each_label_keeps_its_own_outer_mean() -> None:
    made = adapter("MultiLabelpAUCLoss:SOTAs", 2)
    generator = torch.Generator().manual_seed(1)
    x, y = torch.randn(8, 2, generator=generator), torch.tensor([[1, 0], [0, 1], [1, 1], [0, 0]] * 2)
    alone = [adapter("tpAUC_KL_Loss") for _ in range(2)]
    index = torch.arange(8)
    for _ in range(3):
        found = made(x, y, index)
        each = [single(x[:, k], y[:, k], index) for k, single in enumerate(alone)]
        assert found.item() == pytest.approx(torch.stack(each).mean().item(), abs=1e-6)
    assert made.loss_fn.w_all.tolist() == [pytest.approx(single.loss_fn.w.item()) for single in alone]  # type: ignore[operator, union-attr]


def test_the_formula_takes_scalars_and_vectors() -> None:
    zero = torch.zeros(1)
    assert aucm(SCORES[:, None], TARGETS[:, None], zero, zero, zero, 1.0).shape == (1,)
