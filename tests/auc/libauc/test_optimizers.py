from __future__ import annotations

import copy

import pytest
import torch

from automax_lightning.auc.libauc.optimizers import build_optimizer, decay
from automax_lightning.auc.pairs import registry as pairs
from automax_lightning.errors import PairError
from tests.support import auc as helpers
from tests.support.adapters import batch, built

pytestmark = pytest.mark.lowest


CHOICES = sorted({(pair.name, choice.name) for pair in map(pairs.get, helpers.CLASSIFYING) for choice in pair.optimizers})
CPU = torch.device("cpu")


def make(name: str, optimizer: str, seed: int = 0, **kwargs: float) -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    pair = pairs.get(name)
    network, loss = helpers.network(helpers.num_labels_of(pair)), built(name)
    kwargs = {"lr": 0.01, "epoch_decay": 0.01, **kwargs}
    made = build_optimizer(pair.optimizer(optimizer), network.parameters(), loss, kwargs, device=CPU, seed=seed)
    network.loss = loss
    return network, made


def step(network: torch.nn.Module, optimizer: torch.optim.Optimizer, name: str, seed: int) -> None:
    _, y, index = batch(name)
    x = torch.randn(len(y), 64, generator=torch.Generator().manual_seed(seed))
    optimizer.zero_grad()
    loss = network.loss(network[:4](x), y, index)
    network.loss.begin_step()
    loss.backward()
    optimizer.step()


@pytest.mark.parametrize(("name", "optimizer"), CHOICES)
def test_a_loaded_optimizer_goes_on_exactly(name: str, optimizer: str) -> None:
    first, one = make(name, optimizer)
    for seed in range(3):
        step(first, one, name, seed)
    saved = copy.deepcopy(one.state_dict())
    keys = set(saved)
    second, other = make(name, optimizer, seed=99)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    other.load_state_dict(saved)
    assert set(saved) == keys
    assert other.param_groups[0]["model_ref"] is other.model_ref  # type: ignore[attr-defined]
    for seed in range(3, 6):
        if seed == 4:
            decay(one, 10)
            decay(other, 10)
        step(first, one, name, seed)
        step(second, other, name, seed)
    assert not helpers.exactly_equal(first.state_dict(), second.state_dict())


@pytest.mark.parametrize(("name", "optimizer"), CHOICES)
def test_decay_does_what_libaucs_does(name: str, optimizer: str, capsys: pytest.CaptureFixture[str]) -> None:
    (first, one), (second, other) = make(name, optimizer), make(name, optimizer)
    for seed in range(3):
        step(first, one, name, seed)
        step(second, other, name, seed)
    decay(one, 10)
    assert capsys.readouterr().out == ""
    other.update_regularizer(10)  # type: ignore[attr-defined]
    assert one.param_groups[0]["lr"] == other.param_groups[0]["lr"]
    for mine, theirs in zip(one.model_ref, other.model_ref, strict=True):  # type: ignore[attr-defined]
        assert torch.equal(mine, theirs)
    assert one.T == other.T == 0  # type: ignore[attr-defined]


def test_decay_before_the_first_step_leaves_the_reference_alone() -> None:
    """LibAUC divides zero by zero there, and all weights become NaN."""
    _, optimizer = make("AUCMLoss", "PESG")
    before = [reference.clone() for reference in optimizer.model_ref]  # type: ignore[attr-defined]
    decay(optimizer, 10)
    assert all(map(torch.equal, before, optimizer.model_ref))  # type: ignore[attr-defined]
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.001)


def test_decay_of_an_ordinary_optimizer_divides_the_learning_rate() -> None:
    optimizer = torch.optim.Adam(helpers.network(1).parameters(), lr=0.1)
    decay(optimizer, 4)
    assert optimizer.param_groups[0]["lr"] == 0.025


def test_decay_divides_pdscas_inner_rate_as_libaucs_does() -> None:
    (_, one), (second, other) = (make("CompositionalAUCLoss", "PDSCA", lr0=0.3) for _ in range(2))
    step(second, other, "CompositionalAUCLoss", 0)
    decay(one, 4)
    other.update_regularizer(4, 4)  # type: ignore[attr-defined]
    assert [one.param_groups[0][name] for name in ("lr", "lr0")] == [other.param_groups[0][name] for name in ("lr", "lr0")]


def test_building_leaves_the_users_generator_alone_and_depends_on_its_seed() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    references = [make("AUCMLoss", "PESG", seed)[1].model_ref[0] for seed in (1, 1, 2)]  # type: ignore[attr-defined]
    torch.manual_seed(3)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(references[0], references[1])
    assert not torch.equal(references[0], references[2])


def test_an_unknown_argument_is_refused_although_libauc_swallows_it() -> None:
    with pytest.raises(PairError, match="optimizer_kwargs of PESG: moment"):
        make("AUCMLoss", "PESG", moment=0.9)
