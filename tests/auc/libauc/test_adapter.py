from __future__ import annotations

import copy
import io
import pickle

import pytest
import torch

from automax_lightning.auc.data.facts import DataFacts
from automax_lightning.auc.libauc.adapter import LossAdapter
from automax_lightning.auc.pairs import registry as pairs
from automax_lightning.errors import BatchError, DataError, NonFiniteError, PairError
from tests.support import auc as helpers
from tests.support.adapters import N, batch, built

BALANCED = [name for name in helpers.CLASSIFYING if pairs.get(name).needs_balanced_batches]
BINARY = [name for name in helpers.CLASSIFYING if not pairs.get(name).multi_label]


def state(adapter: LossAdapter) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in adapter.state_dict().items() if isinstance(value, torch.Tensor)}


@pytest.mark.parametrize("name", helpers.CLASSIFYING)
def test_state_survives_a_checkpoint_into_a_new_adapter(name: str) -> None:
    first = built(name)
    for seed in range(3):
        first(*batch(name, seed)).backward()
    buffer = io.BytesIO()
    torch.save(first.state_dict(), buffer)
    buffer.seek(0)
    pair = pairs.get(name)
    second = LossAdapter(pair, helpers.loss_kwargs(pair), num_labels=helpers.num_labels_of(pair))
    second.load_state_dict(torch.load(buffer, weights_only=True))
    assert second.facts == first.facts
    assert not helpers.exactly_equal(state(first), state(second))
    assert first(*batch(name, 5)).item() == second(*batch(name, 5)).item()
    assert not helpers.exactly_equal(state(first), state(second))


@pytest.mark.parametrize("name", helpers.CLASSIFYING)
def test_it_can_be_copied_and_pickled_after_steps(name: str) -> None:
    first = built(name)
    for seed in range(3):
        first.begin_step()
        first(*batch(name, seed)).backward()
        first.end_step()
    expected = None
    for twin in (copy.deepcopy(first), pickle.loads(pickle.dumps(first))):
        assert not helpers.exactly_equal(state(first), state(twin))
        found = twin(*batch(name, 5)).item()
        expected = found if expected is None else expected
        assert found == expected


@pytest.mark.parametrize("name", helpers.CLASSIFYING)
def test_everything_follows_the_module_to_its_device(name: str) -> None:
    adapter = built(name)
    adapter.to("meta")
    left = [
        f"{prefix}.{key}"
        for prefix, part in adapter.named_modules()
        for key, value in {**vars(part), **part._parameters, **part._buffers}.items()
        if isinstance(value, torch.Tensor) and value.device.type != "meta"
    ]
    assert not left


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("name", helpers.CLASSIFYING)
def test_it_works_in_float32_whatever_the_network_takes(name: str, dtype: torch.dtype) -> None:
    x, y, index = batch(name)
    adapter = built(name)
    adapter.to(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = adapter(x.detach().to(dtype), y, index)
    assert found.dtype == torch.float32
    assert found.item() == built(name)(x.detach().to(dtype).float(), y, index).item()


@pytest.mark.parametrize("wanted", [0, 1])
@pytest.mark.parametrize("name", BALANCED)
def test_a_batch_of_one_class_is_refused_before_it_touches_the_state(name: str, wanted: int) -> None:
    x, y, index = batch(name)
    adapter = built(name)
    adapter(x, y, index)
    before, extra = state(adapter), adapter.get_extra_state()
    with pytest.raises(BatchError, match=rf"batch of {name}: expected at least one positive and one negative"):
        adapter(x, torch.full_like(y, wanted), index)
    assert not helpers.exactly_equal(before, state(adapter))
    assert adapter.get_extra_state() == extra


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", helpers.CLASSIFYING)
def test_scores_that_are_not_finite_are_refused_before_they_touch_the_state(name: str, bad: float) -> None:
    x, y, index = batch(name)
    adapter = built(name)
    adapter(x, y, index)
    before = state(adapter)
    spoilt = x.detach().clone()
    spoilt[0] = bad
    with pytest.raises(NonFiniteError, match=f"scores given to {name}"):
        adapter(spoilt, y, index)
    assert not helpers.exactly_equal(before, state(adapter))


def test_a_loss_that_is_not_finite_is_told_and_nothing_else_is_said() -> None:
    """With a first estimate of 0.1, its hundredth power is 0 in float32, and the weights divide by it."""
    x, y, index = batch("tpAUC_KL_Loss")
    adapter = LossAdapter(pairs.get("tpAUC_KL_Loss"), {"gammas": (0.1, 0.1), "Lambda": 10.0, "tau": 0.1})
    adapter.build(DataFacts(N, (int(y.sum()),)), torch.device("cpu"))
    with pytest.raises(NonFiniteError, match="loss tpAUC_KL_Loss: expected a finite number, found nan"):
        adapter(x, y, index)


def test_the_least_tau_of_the_default_space_keeps_the_loss_finite() -> None:
    x, y, index = batch("tpAUC_KL_Loss")
    least = pairs.get("tpAUC_KL_Loss").loss_space["tau"]["val"][0]
    adapter = LossAdapter(pairs.get("tpAUC_KL_Loss"), {"gammas": (0.1, 0.1), "Lambda": 10.0, "tau": least})
    adapter.build(DataFacts(N, (int(y.sum()),)), torch.device("cpu"))
    assert torch.isfinite(adapter(100 * x, y, index))
    assert torch.isfinite(adapter(0 * x, y, index))


@pytest.mark.parametrize("positives", [1, N - 1])
@pytest.mark.parametrize("name", BINARY)
def test_one_positive_or_one_negative_is_enough(name: str, positives: int) -> None:
    x, _, index = batch(name)
    y = (torch.arange(N) < positives).long()
    adapter = built(name)
    adapter(x, y, index).backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("scale", [40.0, 1e4])
@pytest.mark.parametrize("name", helpers.CLASSIFYING)
def test_saturated_and_huge_logits_stay_finite(name: str, scale: float) -> None:
    x, y, index = batch(name)
    wrong = (torch.where(y == 1, -scale, scale)).requires_grad_()
    adapter = built(name)
    for _ in range(3):
        loss = adapter(wrong, y, index)
        loss.backward()
    good = adapter(x, y, index)
    assert torch.isfinite(loss)
    assert torch.isfinite(good)
    assert torch.isfinite(wrong.grad).all()  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [name for name in helpers.CLASSIFYING if pairs.get(name).multi_label])
def test_a_label_without_positives_in_a_batch_waits_for_the_next(name: str) -> None:
    x, y, index = batch(name)
    y[:, 1] = 0
    adapter = built(name)
    adapter(x, y, index).backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()
    assert (x.grad[:, 1] == 0).all()
    with pytest.raises(BatchError, match="of each label"):
        built(name, compatible=True)(x, y, index)


@pytest.mark.parametrize("name", [name for name in helpers.CLASSIFYING if pairs.get(name).needs_index])
def test_a_missing_index_is_named_with_its_cure(name: str) -> None:
    x, y, index = batch(name)
    with pytest.raises(DataError, match=r"no sample index. Wrap the data: AUCDataModule"):
        built(name)(x, y)
    with pytest.raises(DataError, match=f"index of {name}: expected {N} integers"):
        built(name)(x, y, index.float())
    with pytest.raises(DataError, match=f"index of {name}: expected {N} integers"):
        built(name)(x, y, index[:-1])


def test_wrong_shapes_and_labels_are_refused() -> None:
    adapter = built("AUCMLoss")
    x, y, _ = batch("AUCMLoss")
    assert adapter(x[:, None], y).shape == ()
    with pytest.raises(DataError, match=r"logits of AUCMLoss: expected shape \(N,\) or \(N, 1\), found shape \(12, 2\)"):
        adapter(torch.zeros(N, 2), y)
    with pytest.raises(DataError, match="targets of AUCMLoss: expected 0 and 1"):
        adapter(x, 2 * y)
    with pytest.raises(DataError, match=r"expected shape \(N, 3\)"):
        built("mAPLoss")(x, y, torch.arange(N))
    with pytest.raises(PairError, match="Did you mean 'margin'"):
        LossAdapter(pairs.get("AUCMLoss"), {"margins": 1.0})
    with pytest.raises(DataError, match="expected a loss that is built"):
        LossAdapter(pairs.get("AUCMLoss"))(x, y)


def test_a_given_class_ratio_is_used_and_not_replaced_by_the_batchs() -> None:
    x, y, _ = batch("AUCMLoss")
    losses = []
    for ratio in (None, 0.05):
        adapter = LossAdapter(pairs.get("AUCMLoss"), {"imratio": ratio})
        adapter.build(DataFacts(N, (4,)), torch.device("cpu"))
        losses.append(adapter(x, y).item())
    assert losses[0] != losses[1]


def test_the_alternation_of_the_compositional_loss_goes_on_unless_libaucs_is_asked_for() -> None:
    x, y, index = batch("CompositionalAUCLoss")
    phases: dict[bool, list[bool]] = {}
    for compatible in (False, True):
        adapter = built("CompositionalAUCLoss", compatible=compatible)
        phases[compatible] = []
        for _ in range(8):
            loss = adapter(x, y, index)
            adapter.begin_step()
            loss.backward()
            phases[compatible].append(adapter.loss_fn.alpha.grad is None)  # type: ignore[union-attr]
    assert phases[False] == [True, True, False, False] * 2  # k = 2 cross-entropy steps, then 2 AUC steps
    assert phases[True] == [True, True, False, False, False, False, False, False]


def with_unknown(rows: int = 40, labels: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(rows, labels, generator=generator)
    targets = torch.randint(0, 2, (rows, labels), generator=generator).float()
    targets[torch.rand(rows, labels, generator=generator) < 0.3] = float("nan")
    return scores, targets


@pytest.mark.parametrize("unknown", [float("nan"), -1.0])
def test_unknown_labels_are_no_part_of_a_cross_entropy(unknown: float) -> None:
    scores, targets = with_unknown()
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(scores, targets.nan_to_num(0), reduction="none")
    adapter = LossAdapter(pairs.get("CrossEntropyLoss"), num_labels=3)
    adapter.build(DataFacts(40, (1, 1, 1)), torch.device("cpu"))
    assert adapter(scores, targets.nan_to_num(unknown)).item() == pytest.approx(wanted[~targets.isnan()].mean().item(), rel=1e-6)
    assert adapter(scores, torch.full_like(targets, torch.nan)).item() == 0


@pytest.mark.parametrize("name", ["MultiLabelAUCMLoss", "mAPLoss"])
def test_each_label_is_trained_on_the_rows_that_know_it(name: str) -> None:
    scores, targets = with_unknown()
    facts, index = DataFacts(40, (9, 9, 9)), torch.arange(40)
    adapter = LossAdapter(pairs.get(name), num_labels=3)
    adapter.build(facts, torch.device("cpu"))
    each = []
    for label in range(3):
        rows = ~targets[:, label].isnan()
        alone = LossAdapter(pairs.get(name), num_labels=3)
        alone.build(facts, torch.device("cpu"))
        only = targets[rows][:, [label] * 3]  # three times the same label: their mean is its own
        each.append(alone(scores[rows][:, [label] * 3], only, index[rows]))
    assert adapter(scores, targets, index).item() == pytest.approx(torch.stack(each).mean().item(), rel=1e-5)


def test_minus_one_is_the_negative_class_of_one_label() -> None:
    scores, targets = torch.randn(10), torch.tensor([0, 1] * 5)
    adapter = LossAdapter(pairs.get("AUCMLoss"))
    adapter.build(DataFacts(10, (5,)), torch.device("cpu"))
    assert adapter(scores, 2 * targets - 1).item() == adapter(scores, targets).item() == adapter(scores, targets.bool()).item()
    with pytest.raises(DataError, match="targets of AUCMLoss: expected 0 and 1, or -1 and 1"):
        adapter(scores, targets - torch.arange(10) % 2 - torch.arange(10) // 9)
